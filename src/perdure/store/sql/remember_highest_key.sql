INSERT OR REPLACE INTO meta (name, value)
SELECT 'highest_removed_key', max(
    (SELECT max(value) FROM json_each(new.removed_runs)),
    coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'highest_removed_key'), 0)
)
