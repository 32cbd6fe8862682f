-- Browsers that are signed in to the console and the account pages: a session is of a grant, and ends with it.
CREATE TABLE console_sessions (
    digest BYTEA PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    proven_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX console_sessions_by_grant ON console_sessions (grant_id);
CREATE INDEX console_sessions_by_end ON console_sessions (expires_at);
