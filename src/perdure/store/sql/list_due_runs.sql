SELECT json_array(deadline_ms, key) AS line
FROM run
WHERE deadline_ms IS NOT NULL AND closed_ms IS NULL AND quarantine IS NULL
AND deadline_ms < :before_ms AND (deadline_ms, key) > (:after_ms, :after_key)
ORDER BY deadline_ms, key
LIMIT :limit
