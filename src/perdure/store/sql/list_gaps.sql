-- A journal counts its events without a gap, whether or not its early part is still kept.
SELECT json_array(run, min(seq), max(seq), count(*)) AS line
FROM event
GROUP BY run
HAVING count(*) <> max(seq) - min(seq) + 1
LIMIT 100
