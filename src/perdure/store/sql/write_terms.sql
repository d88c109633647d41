INSERT OR IGNORE INTO search_term (attribute, term, run)
SELECT value ->> 0, value ->> 1, value ->> 2
FROM jsonb_each(new.terms)
