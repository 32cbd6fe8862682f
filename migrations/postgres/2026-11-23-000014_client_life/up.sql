-- When a client last authenticated, or was acted for by its tokens, some seconds late; as for access keys.
ALTER TABLE clients ADD COLUMN last_used_at BIGINT;
UPDATE clients SET last_used_at = used.last
FROM (SELECT credential_id, MAX(last_used_at) AS last FROM secret_uses GROUP BY credential_id) AS used
WHERE used.credential_id = clients.client_id;

-- Lists of clients by any order: what they are filtered by is in the index, so that a walk reads no row.
CREATE INDEX clients_by_id ON clients (client_id, status, token_endpoint_auth_method, grant_types);
CREATE INDEX clients_by_name ON clients (lower(client_name), client_id, status, token_endpoint_auth_method, grant_types);
CREATE INDEX clients_by_age ON clients (created_at, client_id, status, token_endpoint_auth_method, grant_types);
CREATE INDEX clients_by_last_use ON clients (coalesce(last_used_at, 0), client_id, status, token_endpoint_auth_method, grant_types);

-- Clients that were deleted. The identifier is kept for good, for nobody may take over what stands under it elsewhere; the
-- rows that hang on the client go in batches, and the client with the last of them.
CREATE TABLE deleted_clients (
    client_id TEXT NOT NULL PRIMARY KEY,
    deleted_at BIGINT NOT NULL,
    removed_at BIGINT
);

CREATE INDEX deleted_clients_waiting ON deleted_clients (deleted_at) WHERE removed_at IS NULL;

-- What hangs on a client is found by it.
CREATE INDEX grants_client_id ON grants (client_id);
CREATE INDEX consents_client_id ON consents (client_id);
CREATE INDEX logout_deliveries_client_id ON logout_deliveries (client_id);

-- Registrations that were ended by the client itself: from now on that deletes the client.
INSERT INTO deleted_clients (client_id, deleted_at, removed_at)
SELECT ended.client_id, clients.updated_at, NULL
FROM client_registrations AS ended JOIN clients ON clients.client_id = ended.client_id
WHERE length(ended.digest) = 0;
DELETE FROM client_registrations WHERE length(digest) = 0;

-- Workflows are searched as the other lists are.
INSERT INTO search_words (kind, id, word)
SELECT DISTINCT 'workflow', id, left(word, 64)
FROM workflows, regexp_split_to_table(lower(name || ' ' || id), '[^[:alnum:]]+') AS word
WHERE word <> '';

CREATE TRIGGER workflows_search_words AFTER DELETE ON workflows
    FOR EACH ROW EXECUTE FUNCTION forget_search_words('workflow', 'id');
