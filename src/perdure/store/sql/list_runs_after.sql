SELECT json_array(key, workflow_id) AS line
FROM run
WHERE key > :after
ORDER BY key
LIMIT :limit
