-- Up to a segment that is old enough and not younger than the one named: what is left begins with it.
DELETE FROM event
WHERE rowid IN (
    SELECT early.rowid
    FROM json_each(new.trimmed) AS trimmed
    CROSS JOIN event AS early ON early.run = trimmed.value ->> 0 AND early.seq < (
        SELECT max(begun.seq) FROM event AS begun
        WHERE begun.run = trimmed.value ->> 0 AND begun.kind = 'resumed'
        AND begun.seq <= trimmed.value ->> 1 AND begun.at_ms < trimmed.value ->> 2
    )
)
