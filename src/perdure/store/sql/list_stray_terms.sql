-- Terms that no card has: a search would find what is not so.
SELECT json_array(search_term.run, attribute_type.key) AS line
FROM search_term
LEFT JOIN attribute_type ON attribute_type.id = search_term.attribute
LEFT JOIN search_card AS card ON card.run = search_term.run
WHERE card.run IS NULL OR NOT EXISTS (
    SELECT 1 FROM json_each(card.terms, '$."' || search_term.attribute || '"') AS kept
    WHERE kept.value = search_term.term
)
LIMIT 100
