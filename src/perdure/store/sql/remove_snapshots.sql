DELETE FROM snapshot
WHERE run IN (SELECT value FROM json_each(new.removed_runs))
