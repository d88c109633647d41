INSERT OR IGNORE INTO value (hash, data)
SELECT value ->> 0, value ->> 1
FROM jsonb_each(new.large_values)
