INSERT OR REPLACE INTO meta (name, value)
VALUES ('paused', 'yes')
