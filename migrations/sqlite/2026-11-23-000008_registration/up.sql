-- Clients that registered themselves (RFC 7591), with the digest of the token that manages the registration (RFC 7592).
CREATE TABLE client_registrations (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES clients (client_id),
    digest BLOB NOT NULL,
    registration_token_id TEXT,
    created_at INTEGER NOT NULL,
    -- When something was first issued through it; until then it expires.
    used_at INTEGER
) STRICT;

CREATE INDEX client_registrations_unused ON client_registrations (created_at) WHERE used_at IS NULL;

-- A grant is what codes and tokens of a client come from. Here and not in the code: no request asks twice for it.
CREATE TRIGGER grants_use_client_registration AFTER INSERT ON grants
BEGIN
    UPDATE client_registrations SET used_at = NEW.created_at WHERE client_id = NEW.client_id AND used_at IS NULL;
END;

-- Initial access tokens (RFC 7591 section 3).
CREATE TABLE registration_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    description TEXT NOT NULL,
    max_uses INTEGER,
    uses INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
