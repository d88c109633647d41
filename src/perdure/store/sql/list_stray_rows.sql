-- Rows of runs that are not there.
SELECT json_array(kind, run) AS line
FROM (
    SELECT 'event' AS kind, run FROM event WHERE run NOT IN (SELECT key FROM run)
    UNION SELECT 'call', run FROM call WHERE run NOT IN (SELECT key FROM run)
    UNION SELECT 'search card', run FROM search_card WHERE run NOT IN (SELECT key FROM run)
    UNION SELECT 'value use', run FROM value_use WHERE run NOT IN (SELECT key FROM run)
)
LIMIT 100
