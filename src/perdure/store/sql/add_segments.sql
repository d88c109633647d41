-- A journal is a chain of segments. Each begins with an event that has all its past in it, so a run is
-- loaded from the last of them on; snapshots of their own are no longer kept. A run that was never
-- cut has no row in this index, and pays nothing for it.

CREATE INDEX event_by_segment ON event (run, seq) WHERE kind = 'resumed';

DROP TABLE snapshot;
