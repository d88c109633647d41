-- That a state has completed stays known, and that it left something.
UPDATE completion
SET payload = emptied.value ->> 1
FROM json_each(new.emptied_workflows) AS emptied
WHERE completion.workflow_id = emptied.value ->> 0 AND completion.payload IS NOT NULL
