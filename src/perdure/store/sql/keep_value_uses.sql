INSERT OR IGNORE INTO value_use (run, hash)
SELECT value ->> 0, value ->> 1
FROM jsonb_each(new.value_uses)
