SELECT count(*) AS line
FROM run
WHERE closed_ms IS NULL
