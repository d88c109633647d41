DELETE FROM run
WHERE key IN (SELECT value FROM json_each(new.removed_runs))
