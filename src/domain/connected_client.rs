//! A client that a person has let in: what it may do as them, since when, and when it last did.

use chrono::{DateTime, Utc};

use crate::domain::ids::ClientId;
use crate::protocol::scope::Scope;

/// What a client was given by one user, by all grants that stand and by the consent that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConnection {
    /// The client.
    pub client_id: ClientId,
    /// All that it may do, and what it gets without a question.
    pub scope: Scope,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it last got a token. None where consent is remembered and nothing is granted.
    pub last_used_at: Option<DateTime<Utc>>,
}
