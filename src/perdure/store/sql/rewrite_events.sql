UPDATE event
SET version = written.value ->> 2, body = written.value ->> 3, payload = written.value ->> 4,
    reason = written.value ->> 5, trace = written.value ->> 6
FROM jsonb_each(new.rewritten) AS written
WHERE event.run = written.value ->> 0 AND event.seq = written.value ->> 1
