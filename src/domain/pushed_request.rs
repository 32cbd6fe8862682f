//! A pushed authorization request (RFC 9126): what an authenticated client sent ahead.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::denial::Denial;
use crate::domain::ids::ClientId;

/// How long a request goes on once somebody has come with it: signing in and deciding takes people minutes.
pub const OPENED_LIFETIME: Duration = Duration::from_secs(600);

/// A stored request, without its reference: only a digest of that is kept.
#[derive(Debug, Clone)]
pub struct PushedRequest {
    /// Who pushed it.
    pub client_id: ClientId,
    /// The parameters, form-encoded, without what the client proved itself by.
    pub parameters: String,
    /// When it was pushed.
    pub created_at: DateTime<Utc>,
    /// When it stops working; moved once, when it is first opened.
    pub expires_at: DateTime<Utc>,
    /// When somebody first came with it.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was answered.
    pub consumed_at: Option<DateTime<Utc>>,
}

impl PushedRequest {
    /// May it be used by a request that names this client? RFC 9126 §2.2: it is bound to the client that pushed it; §7.3:
    /// once answered, it is over.
    pub fn present(&self, client_id: &str, now: DateTime<Utc>) -> Result<(), Denial> {
        if self.client_id.as_str() != client_id || self.consumed_at.is_some() || now >= self.expires_at {
            return Err(Denial::RequestUriInvalid);
        }
        Ok(())
    }
}
