-- The lines of payloads that can name a value kept outside: no short form does.
SELECT json_quote(substr(payload, 1, instr(payload, char(10)))) AS line
FROM event
WHERE run IN (SELECT value FROM json_each(:keys)) AND payload LIKE '[%"%'
UNION ALL
SELECT json_quote(substr(payload, 1, instr(payload, char(10)))) AS line
FROM completion
WHERE workflow_id IN (SELECT value FROM json_each(:workflow_ids)) AND payload LIKE '[%"%'
