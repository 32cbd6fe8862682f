//! An access token that was revoked before its time (RFC 7009).

use chrono::{DateTime, Utc};

/// A revoked access token, listed until it would have expired.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct RevokedAccessToken {
    /// Its `jti`.
    pub jti: String,
    /// The client it was issued to.
    pub client_id: String,
    /// When it was revoked.
    pub revoked_at: DateTime<Utc>,
    /// When it would have expired.
    pub expires_at: DateTime<Utc>,
}
