SELECT json_array(id, key, type) AS line
FROM attribute_type
