-- Where a session was begun, and when it was last used: people and operators recognise sessions by it.
ALTER TABLE login_sessions ADD COLUMN last_used_at BIGINT;
ALTER TABLE login_sessions ADD COLUMN address TEXT;
ALTER TABLE login_sessions ADD COLUMN user_agent TEXT;
CREATE INDEX login_sessions_created_at ON login_sessions (created_at, sid);

-- Access tokens that people made for themselves. The token itself is not kept.
CREATE TABLE personal_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    jti TEXT NOT NULL,
    environment TEXT NOT NULL,
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX personal_tokens_user_id ON personal_tokens (user_id, id);
CREATE INDEX personal_tokens_expires_at ON personal_tokens (expires_at);
