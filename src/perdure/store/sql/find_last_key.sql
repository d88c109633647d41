SELECT max(
    coalesce((SELECT max(key) FROM run), 0),
    coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'highest_removed_key'), 0)
) AS line
