-- Null in events from before the chain, and in those that an older server writes beside this one, until they are adopted.
ALTER TABLE audit_events ADD COLUMN sequence INTEGER;
ALTER TABLE audit_events ADD COLUMN class TEXT;
ALTER TABLE audit_events ADD COLUMN salt BLOB;
ALTER TABLE audit_events ADD COLUMN hash BLOB;

CREATE UNIQUE INDEX audit_events_sequence ON audit_events (sequence);
CREATE INDEX audit_events_class ON audit_events (class, occurred_at);

-- One row: the end of the chain, the number of the last checkpoint, and up to which id events without a place in it may
-- be adopted. The seal is a MAC under a key derived from the root key; null where none holds.
CREATE TABLE audit_chain (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    adopt_until INTEGER NOT NULL,
    checkpoints INTEGER NOT NULL,
    seal BLOB
) STRICT;

INSERT INTO audit_chain SELECT 1, 0, zeroblob(32), COALESCE(MAX(id), 0), 0, NULL FROM audit_events;

CREATE TABLE audit_checkpoints (
    number INTEGER NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    occurred_at INTEGER NOT NULL,
    kid TEXT NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE INDEX audit_checkpoints_sequence ON audit_checkpoints (sequence);

-- What the server itself removed: where the chain entered the range and where it left it.
CREATE TABLE audit_purged_ranges (
    first_sequence INTEGER NOT NULL PRIMARY KEY,
    last_sequence INTEGER NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    purged_at INTEGER NOT NULL,
    kid TEXT NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX audit_purged_ranges_last_sequence ON audit_purged_ranges (last_sequence);
