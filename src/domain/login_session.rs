//! A login session: a browser in which a user has signed in.

use chrono::{DateTime, Utc};

use crate::domain::ids::UserId;

/// A stored session, without the cookie's text: only a digest of that is kept.
#[derive(Debug, Clone)]
pub struct LoginSession {
    /// Its public identifier: clients are told it, and it opens nothing.
    pub sid: String,
    /// Who signed in.
    pub user_id: UserId,
    /// When they did.
    pub auth_time: DateTime<Utc>,
    /// When the session ends.
    pub expires_at: DateTime<Utc>,
}
