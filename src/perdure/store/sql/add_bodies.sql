-- Most runs of one workflow have events with the same `body`, letter by letter: what tells runs apart
-- is in the payload. A body that keeps coming back stands once in `body`, and an event refers to it by
-- its number, as text: every other body begins with a brace. No row is ever changed or removed: there
-- are as many as ways that workflows go, not as many as runs, and the writer stops at a bound.

CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
