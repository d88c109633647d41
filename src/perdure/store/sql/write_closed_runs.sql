INSERT INTO run (
    key, workflow_id, run_id, workflow_type, first_run_id, request_id, status, started_ms, closed_ms,
    events, deadline_ms, busy, quarantine
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
FROM jsonb_each(new.closed_runs)
WHERE true
ON CONFLICT (key) DO UPDATE SET
    status = excluded.status,
    closed_ms = excluded.closed_ms,
    events = excluded.events,
    deadline_ms = excluded.deadline_ms,
    busy = excluded.busy,
    quarantine = excluded.quarantine
