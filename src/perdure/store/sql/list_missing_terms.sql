SELECT json_array(value ->> 2, value ->> 0, value ->> 1) AS line
FROM jsonb_each(:terms)
WHERE NOT EXISTS (
    SELECT 1 FROM search_term
    WHERE attribute = value ->> 0 AND term = value ->> 1 AND run = value ->> 2
)
