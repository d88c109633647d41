SELECT key AS line
FROM run
WHERE closed_ms IS NULL AND key > :after
ORDER BY key
LIMIT :limit
