INSERT OR REPLACE INTO snapshot (run, seq, version, body, payload)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
FROM jsonb_each(new.snapshots)
