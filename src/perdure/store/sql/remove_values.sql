-- Only values that no run needs which stays.
DELETE FROM value
WHERE hash IN (SELECT hash FROM value_use WHERE run IN (SELECT value FROM json_each(new.removed_runs)))
AND NOT EXISTS (
    SELECT 1 FROM value_use AS other
    WHERE other.hash = value.hash AND other.run NOT IN (SELECT value FROM json_each(new.removed_runs))
)
