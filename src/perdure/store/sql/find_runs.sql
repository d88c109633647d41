SELECT line
FROM run_line
WHERE run_id IN (SELECT value FROM json_each(:run_ids))
