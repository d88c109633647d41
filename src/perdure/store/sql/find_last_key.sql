SELECT seq AS line
FROM sqlite_sequence
WHERE name = 'run'
