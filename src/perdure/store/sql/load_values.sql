SELECT json_array(hash, data) AS line
FROM value
WHERE hash IN (SELECT value FROM json_each(:hashes))
