SELECT key AS line
FROM run INDEXED BY run_by_busy
WHERE busy = 1 AND closed_ms IS NULL AND quarantine IS NULL
ORDER BY key
