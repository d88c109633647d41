DELETE FROM search_term
WHERE (attribute, term, run) IN (
    SELECT CAST(attribute.key AS INTEGER), old.value, card.run
    FROM json_each(new.removed_runs) AS removed
    CROSS JOIN search_card AS card ON card.run = removed.value
    CROSS JOIN json_each(card.terms) AS attribute
    CROSS JOIN json_each(card.terms, '$."' || attribute.key || '"') AS old
)
