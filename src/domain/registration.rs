//! Clients that register themselves (RFC 7591), and the tokens that let them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ClientId, RegistrationTokenId};

/// Who may register a client at the registration endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Nobody.
    #[default]
    Closed,
    /// Who has an initial access token (RFC 7591 §3).
    InitialAccessToken,
    /// Everybody.
    Open,
}

/// A client that registered itself.
pub struct ClientRegistration {
    /// The client.
    pub client_id: ClientId,
    /// The digest of its registration access token (RFC 7592 §3).
    pub digest: Vec<u8>,
    /// The initial access token it came with.
    pub registration_token_id: Option<RegistrationTokenId>,
    /// When it registered.
    pub created_at: DateTime<Utc>,
    /// When something was first issued through it.
    pub used_at: Option<DateTime<Utc>>,
}

/// An initial access token, without the token.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RegistrationToken {
    /// Its identifier.
    pub id: RegistrationTokenId,
    /// For people.
    pub description: String,
    /// How many clients it may register; null for any number.
    pub max_uses: Option<u32>,
    /// How many it has registered.
    pub uses: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working; null for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked; null while it is not.
    pub revoked_at: Option<DateTime<Utc>>,
}
