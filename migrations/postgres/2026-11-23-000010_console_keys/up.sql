-- Lists of access keys by any order: what they are filtered by is in the index, so that a walk reads no row. `last_used_at`
-- is in one index only, for it changes with each use.
CREATE INDEX access_keys_by_id ON access_keys (id, status, environment, expires_at);
CREATE INDEX access_keys_by_name ON access_keys (lower(name), id, status, environment, expires_at);
CREATE INDEX access_keys_by_expiry ON access_keys (coalesce(expires_at, 9223372036854775807), id, status, environment, expires_at);
CREATE INDEX access_keys_by_last_use ON access_keys (coalesce(last_used_at, 0), id, status, environment, expires_at);
CREATE INDEX access_keys_by_age ON access_keys (coalesce(rotated_at, created_at), id) WHERE status = 'active';
CREATE INDEX client_secrets_created_at ON client_secrets (created_at) WHERE expires_at IS NULL;
CREATE INDEX client_secrets_expires_at ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;

-- What is searched for: the words of names and identifiers, in lower case, found by how they begin, octet by octet.
CREATE TABLE search_words (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, id, word)
);

INSERT INTO search_words (kind, id, word)
SELECT DISTINCT kind, id, left(word, 64)
FROM (
    SELECT 'access_key' AS kind, id, name || ' ' || masked || ' ' || id AS text FROM access_keys
    UNION ALL SELECT 'client', client_id, client_name || ' ' || client_id FROM clients
    UNION ALL SELECT 'user', id, username || ' ' || coalesce(name, '') || ' ' || coalesce(email, '') || ' ' || id FROM users
    UNION ALL SELECT 'service_account', id, name || ' ' || id FROM service_accounts
) AS named, regexp_split_to_table(lower(text), '[^[:alnum:]]+') AS word
WHERE word <> '';

-- After they are there, which is faster.
CREATE INDEX search_words_word ON search_words (kind, word, id);

CREATE FUNCTION forget_search_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_words WHERE kind = TG_ARGV[0] AND id = to_jsonb(OLD) ->> TG_ARGV[1];
    RETURN NULL;
END
$$;

CREATE TRIGGER access_keys_search_words AFTER DELETE ON access_keys
    FOR EACH ROW EXECUTE FUNCTION forget_search_words('access_key', 'id');
CREATE TRIGGER clients_search_words AFTER DELETE ON clients
    FOR EACH ROW EXECUTE FUNCTION forget_search_words('client', 'client_id');
CREATE TRIGGER users_search_words AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION forget_search_words('user', 'id');
CREATE TRIGGER service_accounts_search_words AFTER DELETE ON service_accounts
    FOR EACH ROW EXECUTE FUNCTION forget_search_words('service_account', 'id');

-- What the server was asked in each hour, all of it and by those credentials that asked most. `hour` is hours since
-- 1970-01-01 UTC.
CREATE TABLE hour_figures (
    hour BIGINT NOT NULL,
    figure TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (hour, figure)
);

CREATE TABLE credential_hours (
    hour BIGINT NOT NULL,
    credential_id TEXT NOT NULL,
    requests BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    PRIMARY KEY (hour, credential_id)
);
