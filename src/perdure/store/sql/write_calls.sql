INSERT OR REPLACE INTO call (run, call_id, attempts, first_ms, next_ms, errors, crashes)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
FROM jsonb_each(new.calls)
