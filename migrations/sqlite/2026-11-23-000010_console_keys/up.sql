-- Lists of access keys by any order: what they are filtered by is in the index, so that a walk reads no row. `last_used_at`
-- is in one index only, for it changes with each use.
CREATE INDEX access_keys_by_id ON access_keys (id, status, environment, expires_at);
CREATE INDEX access_keys_by_name ON access_keys (lower(name), id, status, environment, expires_at);
CREATE INDEX access_keys_by_expiry ON access_keys (coalesce(expires_at, 9223372036854775807), id, status, environment, expires_at);
CREATE INDEX access_keys_by_last_use ON access_keys (coalesce(last_used_at, 0), id, status, environment, expires_at);
CREATE INDEX access_keys_by_age ON access_keys (coalesce(rotated_at, created_at), id) WHERE status = 'active';
CREATE INDEX client_secrets_created_at ON client_secrets (created_at) WHERE expires_at IS NULL;
CREATE INDEX client_secrets_expires_at ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;

-- What is searched for: the words of names and identifiers, in lower case, found by how they begin.
CREATE TABLE search_words (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (kind, id, word)
) STRICT, WITHOUT ROWID;

-- Each text with blanks in place of what separates words, then cut at the blanks.
WITH RECURSIVE named (kind, id, text) AS (
    SELECT 'access_key', id, name || ' ' || masked || ' ' || id FROM access_keys
    UNION ALL SELECT 'client', client_id, client_name || ' ' || client_id FROM clients
    UNION ALL SELECT 'user', id, username || ' ' || coalesce(name, '') || ' ' || coalesce(email, '') || ' ' || id FROM users
    UNION ALL SELECT 'service_account', id, name || ' ' || id FROM service_accounts
), plain (kind, id, text) AS (
    SELECT kind, id, replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
        replace(replace(lower(text), '-', ' '), '_', ' '), '.', ' '), '@', ' '), '/', ' '), ':', ' '), '+', ' '), ',', ' '),
        '(', ' '), ')', ' '), '#', ' '), '&', ' '), '''', ' '), char(10), ' '), char(9), ' ') || ' '
    FROM named
), cut (kind, id, word, rest) AS (
    SELECT kind, id, '', text FROM plain
    UNION ALL
    SELECT kind, id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM cut WHERE rest <> ''
)
INSERT OR IGNORE INTO search_words (kind, id, word) SELECT kind, id, substr(word, 1, 64) FROM cut WHERE word <> '';

-- After they are there, which is faster.
CREATE INDEX search_words_word ON search_words (kind, word, id);

CREATE TRIGGER access_keys_search_words AFTER DELETE ON access_keys BEGIN
    DELETE FROM search_words WHERE kind = 'access_key' AND id = OLD.id;
END;

CREATE TRIGGER clients_search_words AFTER DELETE ON clients BEGIN
    DELETE FROM search_words WHERE kind = 'client' AND id = OLD.client_id;
END;

CREATE TRIGGER users_search_words AFTER DELETE ON users BEGIN
    DELETE FROM search_words WHERE kind = 'user' AND id = OLD.id;
END;

CREATE TRIGGER service_accounts_search_words AFTER DELETE ON service_accounts BEGIN
    DELETE FROM search_words WHERE kind = 'service_account' AND id = OLD.id;
END;

-- What the server was asked in each hour, all of it and by those credentials that asked most. `hour` is hours since
-- 1970-01-01 UTC.
CREATE TABLE hour_figures (
    hour INTEGER NOT NULL,
    figure TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, figure)
) STRICT, WITHOUT ROWID;

CREATE TABLE credential_hours (
    hour INTEGER NOT NULL,
    credential_id TEXT NOT NULL,
    requests INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (hour, credential_id)
) STRICT, WITHOUT ROWID;
