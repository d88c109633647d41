DELETE FROM event
WHERE run IN (SELECT value FROM json_each(new.removed_runs))
