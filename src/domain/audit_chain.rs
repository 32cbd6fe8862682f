//! The audit log's chain: retention classes, what is hashed and what is signed. Every form that is hashed
//! or signed begins with its name and version, and each text in it with its length: no two read alike.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::audit_event::AuditEvent;

/// The hash before the first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// What the retention of an event follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditClass {
    /// Log-ins, replays, keys and secrets, the audit log itself.
    Security,
    /// What was registered and changed; also every action that is not named elsewhere.
    Administration,
    /// Tokens and consents.
    Access,
}

impl AuditClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Security, Self::Administration, Self::Access];

    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Administration => "administration",
            Self::Access => "access",
        }
    }

    /// The class of an action, by its spelling: the noun decides.
    pub fn of(action: &str) -> Self {
        // An access key is exchanged as often as a token is issued.
        if action == "access_key.exchanged" {
            return Self::Access;
        }
        match action.split('.').next().unwrap_or_default() {
            "login" | "logout" | "grant" | "authorization_code" | "refresh_token" | "client_secret" | "signing_key"
            | "access_key" | "personal_token" | "console_session" | "audit_chain" | "audit_events" => Self::Security,
            "token" | "consent" => Self::Access,
            _ => Self::Administration,
        }
    }
}

/// Octets that are written as base64url without padding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Octets(pub Vec<u8>);

impl std::fmt::Display for Octets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(&text).map(Self).map_err(|_| serde::de::Error::custom("not base64url"))
    }
}

/// A form that is hashed or signed, under construction.
pub(super) struct Form(Vec<u8>);

impl Form {
    pub(super) fn new(name: &str) -> Self {
        Self([name.as_bytes(), &[0]].concat())
    }

    pub(super) fn number(mut self, number: i64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(super) fn octets(mut self, octets: &[u8]) -> Self {
        self.0.extend(u64::try_from(octets.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.extend(octets);
        self
    }

    pub(super) fn into_octets(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn text(mut self, text: Option<&str>) -> Self {
        self.0.push(u8::from(text.is_some()));
        self.octets(text.unwrap_or_default().as_bytes())
    }
}

impl AuditEvent {
    /// The form that is hashed: everything but the hash.
    pub fn canonical(&self) -> Vec<u8> {
        let form = Form::new("grantor audit event v1");
        let form = form.number(self.sequence.unwrap_or_default()).number(self.id);
        let form = form.number(self.occurred_at.timestamp_micros());
        let texts = [
            self.class.as_deref(),
            Some(&self.action),
            Some(&self.outcome),
            Some(&self.actor_kind),
            self.actor_id.as_deref(),
            self.target_kind.as_deref(),
            self.target_id.as_deref(),
            self.client_id.as_deref(),
            self.address.as_deref(),
            self.user_agent.as_deref(),
            self.request_id.as_deref(),
            self.detail.as_deref(),
        ];
        texts.into_iter().fold(form, Form::text).0
    }
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// The last place that is taken; 0 when none is.
    pub sequence: i64,
    /// The hash there.
    pub hash: Octets,
    /// The number of the last checkpoint.
    pub checkpoints: i64,
    /// Up to which id events without a place may be given one.
    pub adopt_until: i64,
}

impl ChainHead {
    /// The form that is sealed.
    pub fn message(&self) -> Vec<u8> {
        let form = Form::new("grantor audit end v1").number(self.sequence);
        form.octets(&self.hash.0).number(self.checkpoints).number(self.adopt_until).0
    }
}

/// The end of the chain as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHead {
    /// What it says.
    pub head: ChainHead,
    /// The seal over it, where there is one.
    pub seal: Option<Octets>,
    /// The number of the last checkpoint that is there.
    pub last_checkpoint: i64,
}

/// An event with all that its hash is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainedEvent {
    /// The event, its place and its hash.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// Random, and removed with the event: a hash that stays behind cannot be tried against guesses.
    pub salt: Octets,
}

/// A signed statement that the chain stood here then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Checkpoint {
    /// 1, 2, 3 and so on, without gaps.
    pub number: i64,
    /// The last event then.
    pub sequence: i64,
    /// Its hash, in base64url.
    #[schema(value_type = String)]
    pub hash: Octets,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// The key that signed.
    pub kid: String,
    /// Ed25519, in base64url.
    #[schema(value_type = String)]
    pub signature: Octets,
}

impl Checkpoint {
    /// The form that is signed.
    pub fn message(&self) -> Vec<u8> {
        let form = Form::new("grantor audit checkpoint v1").number(self.number).number(self.sequence);
        form.octets(&self.hash.0).number(self.occurred_at.timestamp_micros()).text(Some(&self.kid)).0
    }
}

/// A signed statement that the server itself removed these events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgedRange {
    /// The first place that is empty.
    pub first_sequence: i64,
    /// The last one.
    pub last_sequence: i64,
    /// The hash before the first.
    pub previous_hash: Octets,
    /// The hash at the last.
    pub hash: Octets,
    /// When they were removed, or the last of them.
    pub purged_at: DateTime<Utc>,
    /// The key that signed.
    pub kid: String,
    /// Ed25519.
    pub signature: Octets,
}

impl PurgedRange {
    /// The form that is signed.
    pub fn message(&self) -> Vec<u8> {
        let form = Form::new("grantor audit purged range v1").number(self.first_sequence).number(self.last_sequence);
        let form = form.octets(&self.previous_hash.0).octets(&self.hash.0);
        form.number(self.purged_at.timestamp_micros()).text(Some(&self.kid)).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_forms_read_alike() {
        let texts = |one: Option<&str>, other: Option<&str>| Form::new("x").text(one).text(other).0;
        let forms = [
            texts(None, None),
            texts(Some(""), None),
            texts(None, Some("")),
            texts(Some("ab"), Some("c")),
            texts(Some("a"), Some("bc")),
            texts(Some("abc"), None),
            texts(None, Some("abc")),
        ];
        for (number, form) in forms.iter().enumerate() {
            assert!(forms.iter().skip(number + 1).all(|other| other != form), "{number}");
        }
    }

    #[test]
    fn classes_follow_the_noun() {
        assert_eq!(AuditClass::of("login.failed"), AuditClass::Security);
        assert_eq!(AuditClass::of("token.issued"), AuditClass::Access);
        assert_eq!(AuditClass::of("access_key.exchanged"), AuditClass::Access);
        assert_eq!(AuditClass::of("access_key.created"), AuditClass::Security);
        assert_eq!(AuditClass::of("client.created"), AuditClass::Administration);
        assert_eq!(AuditClass::of("something.new"), AuditClass::Administration);
    }
}
