//! A session of the console and the account pages: what their OAuth client keeps of a grant.

use chrono::{DateTime, Utc};

use crate::domain::ids::GrantId;

/// A stored session, without the cookie's text: only a digest of that is kept.
#[derive(Debug, Clone)]
pub struct ConsoleSession {
    /// The grant that the authorization code was redeemed for: the session ends with it.
    pub grant_id: GrantId,
    /// When the user last gave the password.
    pub proven_at: DateTime<Utc>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}
