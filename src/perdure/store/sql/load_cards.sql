SELECT json_array(run, json(terms)) AS line
FROM search_card
WHERE run IN (SELECT value FROM json_each(:keys))
