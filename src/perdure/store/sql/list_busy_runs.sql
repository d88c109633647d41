SELECT key AS line
FROM run
WHERE busy = 1 AND closed_ms IS NULL AND quarantine IS NULL
ORDER BY key
