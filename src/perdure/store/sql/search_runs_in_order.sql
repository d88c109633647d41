SELECT json_array(
    key, workflow_id, run_id, workflow_type, status, started_ms, closed_ms, json_array({position})
) AS line
FROM run {access}
WHERE ({where}) AND ({after})
ORDER BY {order}
LIMIT ?
