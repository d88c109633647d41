DELETE FROM meta
WHERE name = 'paused'
