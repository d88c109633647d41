SELECT line
FROM run_line
WHERE key IN (SELECT value FROM json_each(:keys))
