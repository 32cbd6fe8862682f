-- Clients that registered themselves (RFC 7591), with the digest of the token that manages the registration (RFC 7592).
CREATE TABLE client_registrations (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES clients (client_id),
    digest BYTEA NOT NULL,
    registration_token_id TEXT,
    created_at BIGINT NOT NULL,
    -- When something was first issued through it; until then it expires.
    used_at BIGINT
);

CREATE INDEX client_registrations_unused ON client_registrations (created_at) WHERE used_at IS NULL;

-- A grant is what codes and tokens of a client come from. Here and not in the code: no request asks twice for it.
CREATE FUNCTION use_client_registration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE client_registrations SET used_at = NEW.created_at WHERE client_id = NEW.client_id AND used_at IS NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER grants_use_client_registration AFTER INSERT ON grants
    FOR EACH ROW EXECUTE FUNCTION use_client_registration();

-- Initial access tokens (RFC 7591 section 3).
CREATE TABLE registration_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL UNIQUE,
    description TEXT NOT NULL,
    max_uses INTEGER,
    uses INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
