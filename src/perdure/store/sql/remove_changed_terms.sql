-- Before the card is written: it alone knows the terms that do not hold any more.
DELETE FROM search_term
WHERE (attribute, term, run) IN (
    SELECT CAST(attribute.key AS INTEGER), old.value, card.run
    FROM json_each(new.cards) AS written
    CROSS JOIN search_card AS card ON card.run = written.value ->> 0
    CROSS JOIN json_each(written.value, '$[1]') AS attribute
    CROSS JOIN json_each(card.terms, '$."' || attribute.key || '"') AS old
    WHERE written.value -> ('$[1]."' || attribute.key || '"') IS NOT card.terms -> attribute.key
)
