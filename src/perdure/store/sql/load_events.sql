SELECT json_array(event.run, event.seq, at_ms, kind, event.version, actor, reason, trace, event.body, event.payload) AS line
FROM json_each(:keys) AS wanted
LEFT JOIN snapshot ON snapshot.run = wanted.value
CROSS JOIN event ON event.run = wanted.value AND event.seq > coalesce(snapshot.seq, 0)
