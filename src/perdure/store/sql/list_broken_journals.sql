-- A run's row knows the length of its journal.
SELECT json_array(key, events, (SELECT max(seq) FROM event WHERE event.run = run.key)) AS line
FROM run
WHERE events <> coalesce((SELECT max(seq) FROM event WHERE event.run = run.key), 0)
LIMIT 100
