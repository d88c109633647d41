SELECT json_array(workflow_type, (SELECT terms FROM search_card WHERE run = :run)) AS line
FROM run
WHERE key = :run
