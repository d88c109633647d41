SELECT json_array(key, workflow_id, run_id, workflow_type, status, started_ms, closed_ms) AS line
FROM run {access}
WHERE closed_ms IS NOT NULL AND (closed_ms, key) < (?, ?) AND ({where})
ORDER BY closed_ms DESC, key DESC
LIMIT ?
