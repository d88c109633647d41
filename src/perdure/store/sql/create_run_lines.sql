-- A run's row as the readers take it.
CREATE TEMP VIEW run_line (key, workflow_id, run_id, line) AS
SELECT key, workflow_id, run_id, json_array(
    key, workflow_id, run_id, workflow_type, coalesce(first_run_id, run_id), started_ms, request_id, status, closed_ms,
    events, deadline_ms, busy, quarantine
)
FROM run
