SELECT json_array(name, value) AS line
FROM meta
