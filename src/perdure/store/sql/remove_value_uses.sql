DELETE FROM value_use
WHERE run IN (SELECT value FROM json_each(new.removed_runs))
