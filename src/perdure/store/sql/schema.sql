-- The journals of many workflows, in one file.
--
-- A *run* is one row here and a journal: its *events*, in order. The journal is the truth; the run's
-- row is what must be known without reading it (who, how far, when to look again, how it ended).
-- Everything refers to a run by its key, a small integer counted upwards and never used again, so
-- that the order of keys is the order in which runs were started. `meta` remembers the highest one
-- that was removed (AUTOINCREMENT would write one page more in every transaction).
--
-- Events are only ever appended, and found by an index: a table that is itself ordered by
-- (run, seq) would scatter a million slowly growing journals over as many pages. An event's `body`
-- is ours; its `payload` holds the author's values, to which the body refers by position. A large
-- value stands once in `value`, under its BLAKE2b hash, and `value_use` says which runs need it.
-- The reader of a journal never opens payloads, so a person can be erased by emptying them, with
-- the rows of the index, and the history still folds.
--
-- A *call* is how often a worker was asked, for as long as the call is under way; a *completion* is a
-- completed state that somebody may wait for, and is forgotten with the last run of its chain. (A
-- *snapshot* was a cache of where a journal leads, before journals had segments.)
--
-- The search index has two sides. `search_card` keeps what was written, a row for each run: by the
-- attribute's id the one term that says it all, or a list of terms, or for text a list that begins
-- with the text itself. `search_term` is how runs are found: a row for each (attribute, term, run).
-- A term's own type is the attribute's (`attribute_type`, decided by first use): text for KEYWORD and
-- KEYWORD_ARRAY, lower-case words for TEXT, whole numbers for INT, BOOL and DATETIME (nanoseconds),
-- reals for DOUBLE. The terms of a run are found again from its card, so that no second index of
-- the largest table is needed.
--
-- Moments are milliseconds since 1970, but for terms. Texts compare by code point.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    key INTEGER PRIMARY KEY,
    workflow_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    workflow_type TEXT NOT NULL,
    -- NULL: this run is the first of its chain.
    first_run_id TEXT,
    request_id TEXT,
    status TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    -- NULL: it is open.
    closed_ms INTEGER,
    events INTEGER NOT NULL,
    deadline_ms INTEGER,
    busy INTEGER NOT NULL,
    quarantine TEXT
) STRICT;

CREATE UNIQUE INDEX run_by_run_id ON run (run_id);
-- The newest run of a workflow is its last entry: each index ends in the key.
CREATE INDEX run_by_workflow ON run (workflow_id);
-- The order of a search, forwards and backwards: open runs by key, closed ones by their end.
CREATE INDEX run_by_end ON run (closed_ms);
CREATE INDEX run_by_type ON run (workflow_type, closed_ms);
CREATE INDEX run_by_deadline ON run (deadline_ms)
WHERE deadline_ms IS NOT NULL AND closed_ms IS NULL AND quarantine IS NULL;
CREATE INDEX run_by_busy ON run (busy)
WHERE busy = 1 AND closed_ms IS NULL AND quarantine IS NULL;

CREATE TABLE event (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    trace TEXT NOT NULL,
    body TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX event_by_run ON event (run, seq);

CREATE TABLE value (
    hash TEXT PRIMARY KEY,
    data TEXT NOT NULL
) STRICT;

CREATE TABLE value_use (
    run INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (run, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX value_use_by_hash ON value_use (hash);

CREATE TABLE call (
    run INTEGER NOT NULL,
    call_id INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    next_ms INTEGER,
    errors TEXT NOT NULL,
    crashes INTEGER NOT NULL,
    PRIMARY KEY (run, call_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE completion (
    workflow_id TEXT NOT NULL,
    first_run_id TEXT NOT NULL,
    key TEXT NOT NULL,
    -- NULL: the state completed without an output.
    payload TEXT,
    PRIMARY KEY (workflow_id, first_run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot (
    run INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;

CREATE TABLE attribute_type (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL
) STRICT;

CREATE TABLE search_card (
    run INTEGER PRIMARY KEY,
    -- JSON: {"<attribute_type.id>": term or [terms] or [text, terms…]}
    terms TEXT NOT NULL
) STRICT;

CREATE TABLE search_term (
    attribute INTEGER NOT NULL,
    term ANY NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (attribute, term, run)
) STRICT, WITHOUT ROWID;

-- What the system itself indexes has its types from the start.
INSERT INTO attribute_type (id, key, type)
VALUES (1, 'IwfWorkflowType', 'KEYWORD'), (2, 'IwfExecutingStateIds', 'KEYWORD_ARRAY');

INSERT INTO meta (name, value)
VALUES ('file_id', lower(hex(randomblob(16))));
