-- Large values that no event needs any more. A hash is nothing that a payload has by chance.
DELETE FROM value
WHERE hash IN (SELECT hash FROM value_use WHERE run IN (SELECT value ->> 0 FROM json_each(new.trimmed)))
AND NOT EXISTS (
    SELECT 1 FROM value_use AS other
    WHERE other.hash = value.hash AND (
        other.run NOT IN (SELECT value ->> 0 FROM json_each(new.trimmed))
        OR EXISTS (SELECT 1 FROM event WHERE event.run = other.run AND instr(event.payload, other.hash))
    )
)
