SELECT line
FROM run_line
WHERE key IN (
    SELECT (SELECT max(key) FROM run WHERE workflow_id = wanted.value)
    FROM json_each(:workflow_ids) AS wanted
)
