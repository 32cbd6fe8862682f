//! A logout token on its way to a client (OpenID Connect Back-Channel Logout 1.0): tried until it arrives or is given up.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::ids::{ClientId, UserId};
use crate::domain::webhook_delivery::DeliveryStatus;

/// A delivery as stored and shown. The token is made at each attempt, so that it is fresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LogoutDelivery {
    /// Its identifier.
    pub id: String,
    /// Who is told.
    pub client_id: ClientId,
    /// Whose session has ended.
    pub user_id: UserId,
    /// Which one.
    pub sid: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts made.
    pub attempts: i64,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: DateTime<Utc>,
    /// What the last attempt ended with, if not with success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When the session ended.
    pub created_at: DateTime<Utc>,
    /// When it arrived or was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogoutDeliveryFilter {
    /// In this status.
    pub status: Option<DeliveryStatus>,
    /// To this client.
    pub client_id: Option<String>,
}
