-- A merge patch: what is not named stays, and null takes away.
INSERT INTO search_card (run, terms)
SELECT value ->> 0, value ->> 1
FROM json_each(new.cards)
WHERE true
ON CONFLICT (run) DO UPDATE SET terms = json_patch(terms, excluded.terms)
