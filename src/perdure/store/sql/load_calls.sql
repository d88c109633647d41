SELECT json_array(run, call_id, attempts, first_ms, next_ms, errors, crashes) AS line
FROM call
WHERE run IN (SELECT value FROM json_each(:keys))
ORDER BY run, call_id
