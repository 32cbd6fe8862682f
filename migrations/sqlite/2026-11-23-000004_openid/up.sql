-- What OpenID Connect adds to what is there. Objects are JSON text, read whole and never searched.
ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '{}';

-- The public identifier of a session: clients are told it as `sid`, and it opens nothing.
ALTER TABLE login_sessions ADD COLUMN sid TEXT NOT NULL DEFAULT '';
UPDATE login_sessions SET sid = lower(hex(randomblob(16)));
CREATE UNIQUE INDEX login_sessions_sid ON login_sessions (sid);

-- The session that a grant was given in, and the claims that were asked for by name.
ALTER TABLE grants ADD COLUMN sid TEXT;
ALTER TABLE grants ADD COLUMN claims TEXT;
CREATE INDEX grants_sid ON grants (sid) WHERE sid IS NOT NULL;

ALTER TABLE authorization_codes ADD COLUMN nonce TEXT;

-- At most one key without an end for each algorithm.
ALTER TABLE signing_keys ADD COLUMN alg TEXT NOT NULL DEFAULT 'RS256';
DROP INDEX signing_keys_one_current;
CREATE UNIQUE INDEX signing_keys_one_current ON signing_keys (alg) WHERE retired_at IS NULL;
