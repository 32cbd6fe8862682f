CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    rule TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX alerts_created_at ON alerts (created_at);
CREATE INDEX alerts_subject_id ON alerts (subject_id);

-- What has been said, and until when it is not said again.
CREATE TABLE alert_silences (
    silence_key TEXT NOT NULL PRIMARY KEY,
    silent_until INTEGER NOT NULL
) STRICT;

CREATE INDEX alert_silences_silent_until ON alert_silences (silent_until);

CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    alert_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    event_type TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    leased_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, next_attempt_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_created_at ON webhook_deliveries (created_at);
