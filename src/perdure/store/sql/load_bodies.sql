SELECT json_array(id, body) AS line
FROM body
WHERE id > :after
