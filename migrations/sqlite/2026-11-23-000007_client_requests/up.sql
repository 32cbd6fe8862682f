-- The secret itself, sealed, for clients that make HMACs with it.
ALTER TABLE client_secrets ADD COLUMN sealed BLOB;

-- Assertions that were used, until they expire.
CREATE TABLE used_assertions (
    client_id TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    jti TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, jti)
) STRICT;

CREATE INDEX used_assertions_expires_at ON used_assertions (expires_at);

CREATE TABLE pushed_requests (
    digest BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    parameters TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    opened_at INTEGER,
    consumed_at INTEGER
) STRICT;

CREATE INDEX pushed_requests_client_id ON pushed_requests (client_id);
CREATE INDEX pushed_requests_expires_at ON pushed_requests (expires_at);

CREATE TABLE device_authorizations (
    device_code_digest BLOB NOT NULL PRIMARY KEY,
    user_code_digest BLOB NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    scope TEXT,
    resources TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('pending', 'allowed', 'denied')),
    grant_id TEXT REFERENCES grants (id) ON DELETE CASCADE,
    poll_interval INTEGER NOT NULL,
    polled_at INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    CHECK ((decision = 'allowed') = (grant_id IS NOT NULL))
) STRICT;

CREATE INDEX device_authorizations_client_id ON device_authorizations (client_id);
CREATE INDEX device_authorizations_grant_id ON device_authorizations (grant_id);
CREATE INDEX device_authorizations_expires_at ON device_authorizations (expires_at);
