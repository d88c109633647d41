SELECT json_array(run, seq, body) AS line
FROM event
WHERE body GLOB '[0-9]*' AND body NOT IN (SELECT cast(id AS TEXT) FROM body)
LIMIT 100
