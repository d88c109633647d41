INSERT INTO body (id, body)
SELECT value ->> 0, value ->> 1
FROM jsonb_each(new.bodies)
