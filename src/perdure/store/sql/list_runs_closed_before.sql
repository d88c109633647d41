SELECT key AS line
FROM run
WHERE closed_ms < :moment_ms
ORDER BY closed_ms, key
LIMIT :limit
