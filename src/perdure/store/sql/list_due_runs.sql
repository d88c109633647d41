-- Named, because the planner takes any equality, such as "is open", for the better way.
SELECT json_array(deadline_ms, key) AS line
FROM run INDEXED BY run_by_deadline
WHERE deadline_ms IS NOT NULL AND closed_ms IS NULL AND quarantine IS NULL
AND deadline_ms < :before_ms AND (deadline_ms, key) > (:after_ms, :after_key)
ORDER BY deadline_ms, key
LIMIT :limit
