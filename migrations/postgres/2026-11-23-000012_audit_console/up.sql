-- Each lists the events of one value in the order of the log. A migration that was cut off begins again:
-- every step passes over what is there already. text_pattern_ops: also for what a value begins with, whatever the
-- collation of the database.
BEGIN;
CREATE INDEX IF NOT EXISTS audit_events_by_action ON audit_events (action text_pattern_ops, id);
COMMIT;
BEGIN;
CREATE INDEX IF NOT EXISTS audit_events_by_actor ON audit_events (actor_id text_pattern_ops, id) WHERE actor_id IS NOT NULL;
DROP INDEX IF EXISTS audit_events_actor_id;
COMMIT;
BEGIN;
CREATE INDEX IF NOT EXISTS audit_events_by_target ON audit_events (target_id text_pattern_ops, id) WHERE target_id IS NOT NULL;
DROP INDEX IF EXISTS audit_events_target_id;
COMMIT;
BEGIN;
CREATE INDEX IF NOT EXISTS audit_events_by_client ON audit_events (client_id text_pattern_ops, id) WHERE client_id IS NOT NULL;
COMMIT;
BEGIN;
CREATE INDEX IF NOT EXISTS audit_events_by_address ON audit_events (address text_pattern_ops, id) WHERE address IS NOT NULL;
COMMIT;
BEGIN;
CREATE INDEX IF NOT EXISTS audit_events_by_request ON audit_events (request_id text_pattern_ops, id) WHERE request_id IS NOT NULL;
COMMIT;
BEGIN;
CREATE INDEX IF NOT EXISTS audit_events_failures ON audit_events (id) WHERE outcome = 'failure';
COMMIT;
BEGIN;
CREATE INDEX IF NOT EXISTS access_key_secrets_masked ON access_key_secrets (masked text_pattern_ops);
COMMIT;

BEGIN;
-- What the server found when it last walked along the chain; signed, for whoever can write here could also claim it.
CREATE TABLE IF NOT EXISTS audit_verifications (
    number BIGINT NOT NULL PRIMARY KEY,
    began_with BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    last_checkpoint BIGINT NOT NULL,
    signed_until BIGINT NOT NULL,
    events BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    broken TEXT,
    asked_by TEXT NOT NULL,
    kid TEXT NOT NULL,
    signature BYTEA NOT NULL
);

-- Why requests were refused: a sample, kept for some days.
CREATE TABLE IF NOT EXISTS refusals (
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    door TEXT NOT NULL,
    code TEXT NOT NULL,
    step TEXT NOT NULL,
    message TEXT NOT NULL,
    credential_id TEXT,
    asked_by TEXT,
    address TEXT,
    asked TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS refusals_request_id ON refusals (request_id);
CREATE INDEX IF NOT EXISTS refusals_credential_id ON refusals (credential_id, id) WHERE credential_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS refusals_occurred_at ON refusals (occurred_at);
COMMIT;
