-- The events of the last segment. A journal without a later one is that whole.
SELECT json_array(run, seq, at_ms, kind, version, actor, reason, trace, body, payload) AS line
FROM json_each(:keys) AS wanted
CROSS JOIN event ON run = wanted.value AND seq >= coalesce(
    (SELECT max(begun.seq) FROM event AS begun WHERE begun.run = wanted.value AND begun.kind = 'resumed'), 0
)
