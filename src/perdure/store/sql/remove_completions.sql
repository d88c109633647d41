-- A chain's records stay until its last run goes.
DELETE FROM completion
WHERE (workflow_id, first_run_id) IN (
    SELECT workflow_id, coalesce(first_run_id, run_id)
    FROM run
    WHERE key IN (SELECT value FROM json_each(new.removed_runs))
)
AND NOT EXISTS (
    SELECT 1 FROM run AS other
    WHERE other.workflow_id = completion.workflow_id
    AND coalesce(other.first_run_id, other.run_id) = completion.first_run_id
    AND other.key NOT IN (SELECT value FROM json_each(new.removed_runs))
)
