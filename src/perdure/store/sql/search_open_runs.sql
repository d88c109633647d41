SELECT json_array(key, workflow_id, run_id, workflow_type, status, started_ms, closed_ms) AS line
FROM run {access}
WHERE closed_ms IS NULL AND key < ? AND ({where})
ORDER BY key DESC
LIMIT ?
