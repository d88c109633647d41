INSERT INTO attribute_type (id, key, type)
SELECT value ->> 0, value ->> 1, value ->> 2
FROM jsonb_each(new.attribute_types)
