INSERT OR REPLACE INTO meta (name, value)
VALUES ('rules', ?)
