SELECT count(*) AS line
FROM (SELECT 1 FROM ({shortlist}) LIMIT ?)
