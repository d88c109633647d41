-- Which of these stores a value is in that an event or a result names. Looks at all of them where none does.
SELECT json_quote(asked.value) AS line
FROM json_each(:store_ids) AS asked
WHERE EXISTS (
    SELECT 1
    FROM event, json_each(substr(event.payload, 1, instr(event.payload, char(10)))) AS entry
    WHERE event.payload LIKE '[%"%' AND json_extract(entry.value, '$[2]') = asked.value
) OR EXISTS (
    SELECT 1
    FROM completion, json_each(substr(completion.payload, 1, instr(completion.payload, char(10)))) AS entry
    WHERE completion.payload LIKE '[%"%' AND json_extract(entry.value, '$[2]') = asked.value
)
