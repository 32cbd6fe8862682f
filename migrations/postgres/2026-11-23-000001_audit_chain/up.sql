-- Null in events from before the chain, and in those that an older server writes beside this one, until they are adopted.
ALTER TABLE audit_events ADD COLUMN sequence BIGINT;
ALTER TABLE audit_events ADD COLUMN class TEXT;
ALTER TABLE audit_events ADD COLUMN salt BYTEA;
ALTER TABLE audit_events ADD COLUMN hash BYTEA;

CREATE UNIQUE INDEX audit_events_sequence ON audit_events (sequence);
CREATE INDEX audit_events_class ON audit_events (class, occurred_at);

-- One row: the end of the chain, the number of the last checkpoint, and up to which id events without a place in it may
-- be adopted. The seal is a MAC under a key derived from the root key; null where none holds.
CREATE TABLE audit_chain (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    adopt_until BIGINT NOT NULL,
    checkpoints BIGINT NOT NULL,
    seal BYTEA
);

INSERT INTO audit_chain SELECT 1, 0, decode(repeat('00', 32), 'hex'), COALESCE(MAX(id), 0), 0, NULL FROM audit_events;

CREATE TABLE audit_checkpoints (
    number BIGINT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    occurred_at BIGINT NOT NULL,
    kid TEXT NOT NULL,
    signature BYTEA NOT NULL
);

CREATE INDEX audit_checkpoints_sequence ON audit_checkpoints (sequence);

-- What the server itself removed: where the chain entered the range and where it left it.
CREATE TABLE audit_purged_ranges (
    first_sequence BIGINT NOT NULL PRIMARY KEY,
    last_sequence BIGINT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    purged_at BIGINT NOT NULL,
    kid TEXT NOT NULL,
    signature BYTEA NOT NULL
);

CREATE UNIQUE INDEX audit_purged_ranges_last_sequence ON audit_purged_ranges (last_sequence);
