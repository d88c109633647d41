SELECT json_array(run, hash) AS line
FROM value_use
WHERE hash NOT IN (SELECT hash FROM value)
LIMIT 100
