SELECT json_array(payload) AS line
FROM completion
WHERE workflow_id = :workflow_id AND first_run_id = :first_run_id AND key = :key
