SELECT line
FROM run_line
WHERE workflow_id = :workflow_id
ORDER BY key
