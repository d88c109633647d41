INSERT INTO event (run, seq, at_ms, kind, version, actor, reason, trace, body, payload)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9
FROM jsonb_each(new.events)
