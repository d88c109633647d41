DELETE FROM value_use
WHERE run IN (SELECT value ->> 0 FROM json_each(new.trimmed))
AND NOT EXISTS (SELECT 1 FROM event WHERE event.run = value_use.run AND instr(event.payload, value_use.hash))
