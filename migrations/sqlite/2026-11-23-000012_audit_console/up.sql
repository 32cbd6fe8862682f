-- Each lists the events of one value in the order of the log.
CREATE INDEX audit_events_by_action ON audit_events (action, id);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_events_by_target ON audit_events (target_id, id) WHERE target_id IS NOT NULL;
CREATE INDEX audit_events_by_client ON audit_events (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX audit_events_by_address ON audit_events (address, id) WHERE address IS NOT NULL;
CREATE INDEX audit_events_by_request ON audit_events (request_id, id) WHERE request_id IS NOT NULL;
CREATE INDEX audit_events_failures ON audit_events (id) WHERE outcome = 'failure';
DROP INDEX audit_events_actor_id;
DROP INDEX audit_events_target_id;

CREATE INDEX access_key_secrets_masked ON access_key_secrets (masked);

-- What the server found when it last walked along the chain; signed, for whoever can write here could also claim it.
CREATE TABLE audit_verifications (
    number INTEGER NOT NULL PRIMARY KEY,
    began_with INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    last_checkpoint INTEGER NOT NULL,
    signed_until INTEGER NOT NULL,
    events INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    broken TEXT,
    asked_by TEXT NOT NULL,
    kid TEXT NOT NULL,
    signature BLOB NOT NULL
) STRICT;

-- Why requests were refused: a sample, kept for some days.
CREATE TABLE refusals (
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    door TEXT NOT NULL,
    code TEXT NOT NULL,
    step TEXT NOT NULL,
    message TEXT NOT NULL,
    credential_id TEXT,
    asked_by TEXT,
    address TEXT,
    asked TEXT NOT NULL
) STRICT;

CREATE INDEX refusals_request_id ON refusals (request_id);
CREATE INDEX refusals_credential_id ON refusals (credential_id, id) WHERE credential_id IS NOT NULL;
CREATE INDEX refusals_occurred_at ON refusals (occurred_at);
