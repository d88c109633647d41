SELECT json_array(run, seq, version, body, payload) AS line
FROM snapshot
WHERE run IN (SELECT value FROM json_each(:keys))
