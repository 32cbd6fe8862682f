-- Access keys and what they hang on: projects, service accounts, limits of clients, workflows, usage.
CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE service_accounts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    scope TEXT NOT NULL,
    plan TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'revoked')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

ALTER TABLE clients ADD COLUMN plan TEXT;
ALTER TABLE clients ADD COLUMN requests_per_minute INTEGER;
ALTER TABLE clients ADD COLUMN requests_per_hour INTEGER;
ALTER TABLE clients ADD COLUMN allowed_addresses TEXT NOT NULL DEFAULT '';

CREATE TABLE access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    environment TEXT NOT NULL,
    user_id TEXT REFERENCES users (id),
    service_account_id TEXT REFERENCES service_accounts (id),
    client_id TEXT REFERENCES clients (client_id),
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    projects TEXT NOT NULL,
    plan TEXT,
    requests_per_minute INTEGER,
    requests_per_hour INTEGER,
    allowed_addresses TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'revoked')),
    masked TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    rotated_at INTEGER,
    last_used_at INTEGER,
    last_used_address TEXT,
    -- One owner, or none: then it belongs to the platform itself.
    CHECK ((user_id IS NOT NULL) + (service_account_id IS NOT NULL) + (client_id IS NOT NULL) <= 1)
) STRICT;

CREATE INDEX access_keys_user_id ON access_keys (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX access_keys_service_account_id ON access_keys (service_account_id) WHERE service_account_id IS NOT NULL;
CREATE INDEX access_keys_client_id ON access_keys (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX access_keys_expires_at ON access_keys (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE access_key_projects (
    project_id TEXT NOT NULL REFERENCES projects (id),
    access_key_id TEXT NOT NULL REFERENCES access_keys (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, access_key_id)
) STRICT;

CREATE INDEX access_key_projects_access_key_id ON access_key_projects (access_key_id);

CREATE TABLE access_key_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    access_key_id TEXT NOT NULL REFERENCES access_keys (id) ON DELETE CASCADE,
    masked TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE INDEX access_key_secrets_access_key_id ON access_key_secrets (access_key_id);
CREATE INDEX access_key_secrets_expires_at ON access_key_secrets (expires_at) WHERE expires_at IS NOT NULL;

-- Who uses which secret of a credential, and from where: `credential_id` is an access key's id or a client_id.
CREATE TABLE secret_uses (
    credential_id TEXT NOT NULL,
    secret_id TEXT NOT NULL,
    address TEXT NOT NULL,
    first_used_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    PRIMARY KEY (credential_id, secret_id, address)
) STRICT;

CREATE INDEX secret_uses_last_used_at ON secret_uses (last_used_at);

-- One row for each day, credential, source, operation, project and outcome. `day` is days since 1970-01-01 UTC.
CREATE TABLE usage_days (
    credential_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    source TEXT NOT NULL,
    operation TEXT NOT NULL,
    project TEXT NOT NULL,
    outcome TEXT NOT NULL,
    requests INTEGER NOT NULL,
    units INTEGER NOT NULL,
    duration_micros INTEGER NOT NULL,
    PRIMARY KEY (credential_id, day, source, operation, project, outcome)
) STRICT;

CREATE INDEX usage_days_day ON usage_days (day);

CREATE TABLE workflows (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (client_id),
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    allowed_origins TEXT NOT NULL,
    access_token_lifetime INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'revoked')),
    -- The secret that was entered last: the refresh token at the server's side lives as long as it does.
    client_secret_id TEXT,
    authorized_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX workflows_client_id ON workflows (client_id);

CREATE TABLE workflow_origins (
    origin TEXT NOT NULL,
    workflow_id TEXT NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    PRIMARY KEY (origin, workflow_id)
) STRICT;
