INSERT OR REPLACE INTO meta (name, value)
VALUES ('file_id', lower(hex(randomblob(16))))
