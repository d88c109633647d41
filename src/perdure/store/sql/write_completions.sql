-- The first record under a key counts.
INSERT OR IGNORE INTO completion (workflow_id, first_run_id, key, payload)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3
FROM jsonb_each(new.completions)
