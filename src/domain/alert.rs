//! Alerts: what an operator should hear of without asking. Which rule spoke, about what, and the facts behind it; never a
//! secret, for alerts leave the server.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// What made an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertRule {
    /// A credential has used a great part of its limit.
    LimitShare,
    /// Too many requests of a credential failed.
    ErrorShare,
    /// A credential was used far more, or far less, than in the week before.
    Volume,
    /// A credential was used from an address that it was never used from.
    NewAddress,
    /// Many authentications failed, at one account, one client or from one address.
    FailedAuthentications,
    /// A credential expires soon.
    CredentialExpiring,
    /// A credential is older than the rotation policy allows.
    RotationOverdue,
    /// The engine that shares counters between instances cannot be reached.
    CountersDown,
    /// The job that renews signing keys fails.
    SigningKeyJob,
    /// A verification of the audit log found its chain broken.
    AuditChain,
    /// Somebody tried a webhook.
    Test,
}

impl AlertRule {
    /// Every rule.
    pub const ALL: [Self; 11] = [
        Self::LimitShare,
        Self::ErrorShare,
        Self::Volume,
        Self::NewAddress,
        Self::FailedAuthentications,
        Self::CredentialExpiring,
        Self::RotationOverdue,
        Self::CountersDown,
        Self::SigningKeyJob,
        Self::AuditChain,
        Self::Test,
    ];

    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LimitShare => "limit_share",
            Self::ErrorShare => "error_share",
            Self::Volume => "volume",
            Self::NewAddress => "new_address",
            Self::FailedAuthentications => "failed_authentications",
            Self::CredentialExpiring => "credential_expiring",
            Self::RotationOverdue => "rotation_overdue",
            Self::CountersDown => "counters_down",
            Self::SigningKeyJob => "signing_key_job",
            Self::AuditChain => "audit_chain",
            Self::Test => "test",
        }
    }

    /// Reads the stored spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }

    /// The `type` of its webhooks.
    pub fn event_type(self) -> String {
        format!("alert.{}", self.as_str())
    }

    /// One sentence for people, without the facts.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::LimitShare => "A limit is nearly used up",
            Self::ErrorShare => "Many requests fail",
            Self::Volume => "Usage is far from that of the week before",
            Self::NewAddress => "A credential was used from a new address",
            Self::FailedAuthentications => "Many authentications fail",
            Self::CredentialExpiring => "A credential expires soon",
            Self::RotationOverdue => "A credential is due to be rotated",
            Self::CountersDown => "The shared counters cannot be reached",
            Self::SigningKeyJob => "The renewal of signing keys fails",
            Self::AuditChain => "The audit log was altered",
            Self::Test => "This is a test",
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSubject {
    /// Its kind: `user`, `client`, `access_key`, `address`, `server`, ...
    pub kind: &'static str,
    /// Its identifier, never a secret.
    pub id: String,
}

impl AlertSubject {
    /// A subject.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }

    /// About a credential; its identifier tells its kind.
    pub fn of_credential(id: impl Into<String>) -> Self {
        let id = id.into();
        let kind = match id.get(..3) {
            Some("ak_") => "access_key",
            Some("pt_") => "personal_token",
            _ => "client",
        };
        Self { kind, id }
    }

    /// This server itself.
    pub fn server() -> Self {
        Self::new("server", "grantor")
    }
}

/// An alert before it is known whether it is said.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// The rule.
    pub rule: AlertRule,
    /// About what.
    pub subject: AlertSubject,
    /// The facts: a JSON object.
    pub detail: Value,
    /// When it came about.
    pub occurred_at: DateTime<Utc>,
    /// What must not be said twice. Alerts of one rule on one subject are the same, unless a part is added here.
    pub dedupe_part: Option<String>,
    /// Until when the same is not said again; None for the configured time.
    pub silent_until: Option<DateTime<Utc>>,
}

impl NewAlert {
    /// An alert that is not repeated for the configured time.
    pub fn new(rule: AlertRule, subject: AlertSubject, detail: Value, occurred_at: DateTime<Utc>) -> Self {
        Self { rule, subject, detail, occurred_at, dedupe_part: None, silent_until: None }
    }

    /// The same alert, not repeated until this time.
    pub fn silent_until(mut self, until: DateTime<Utc>) -> Self {
        self.silent_until = Some(until);
        self
    }

    /// The same alert, told apart from others of its rule and subject.
    pub fn apart_by(mut self, part: impl Into<String>) -> Self {
        self.dedupe_part = Some(part.into());
        self
    }

    /// The key under which it is silenced.
    pub fn silence_key(&self) -> String {
        let part = self.dedupe_part.as_deref().unwrap_or_default();
        format!("{} {} {} {part}", self.rule.as_str(), self.subject.kind, self.subject.id)
    }
}

/// An alert as stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Alert {
    /// Its identifier: also the `webhook-id` of its deliveries, after `msg_`.
    pub id: String,
    /// The rule, such as `failed_authentications`.
    pub rule: AlertRule,
    /// What kind of thing it is about.
    pub subject_kind: String,
    /// About which.
    pub subject_id: String,
    /// The facts.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// When it came about.
    pub occurred_at: DateTime<Utc>,
}

impl Alert {
    /// The body of its webhooks (Standard Webhooks: type, timestamp, data).
    pub fn payload(&self) -> Value {
        serde_json::json!({
            "type": self.rule.event_type(),
            "timestamp": self.occurred_at,
            "data": {
                "alert_id": self.id,
                "rule": self.rule,
                "subject": { "kind": self.subject_kind, "id": self.subject_id },
                "detail": self.detail,
            },
        })
    }
}

/// Which alerts are wanted.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Of this rule.
    pub rule: Option<AlertRule>,
    /// About this subject.
    pub subject_id: Option<String>,
    /// Not before this time.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_back_and_keys_are_apart() {
        for rule in AlertRule::ALL {
            assert_eq!(AlertRule::parse(rule.as_str()), Some(rule));
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
        assert_eq!(AlertRule::parse("alert.volume"), None);
        let alert =
            NewAlert::new(AlertRule::Volume, AlertSubject::new("client", "a"), Value::Null, DateTime::UNIX_EPOCH);
        assert_ne!(alert.silence_key(), alert.clone().apart_by("x").silence_key());
    }
}
