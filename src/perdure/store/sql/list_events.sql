SELECT json_array(run, seq, at_ms, kind, version, actor, reason, trace, body, payload) AS line
FROM event
WHERE run = :run AND seq > :after
ORDER BY seq
LIMIT :limit
