DELETE FROM call
WHERE (run, call_id) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(new.ended_calls))
