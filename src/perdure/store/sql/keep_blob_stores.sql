INSERT OR REPLACE INTO meta (name, value)
VALUES ('blob_stores', ?)
