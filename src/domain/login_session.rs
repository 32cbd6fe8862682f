//! A login session: a browser in which a user has signed in.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::ids::UserId;

/// A stored session, without the cookie's text: only a digest of that is kept.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LoginSession {
    /// Its public identifier: clients are told it, and it opens nothing.
    pub sid: String,
    /// Who signed in.
    pub user_id: UserId,
    /// When it began. Who signs in once more in the same browser goes on in it.
    pub created_at: DateTime<Utc>,
    /// When they last signed in.
    pub auth_time: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: DateTime<Utc>,
    /// When the session ends.
    pub expires_at: DateTime<Utc>,
    /// From where they last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// With what, as the browser says of itself: a text that anybody may choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Which sessions are wanted.
#[derive(Debug, Clone, Default)]
pub struct LoginSessionFilter {
    /// Of this user.
    pub user_id: Option<UserId>,
}

/// A place in the list of sessions, which is by the time at which they began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSessionCursor {
    /// In microseconds since 1970.
    pub created_at: i64,
    /// Of several that began then.
    pub sid: String,
}

impl LoginSessionCursor {
    /// Reads the text of a cursor; None where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (created_at, sid) = text.split_once('.')?;
        let is_sid = !sid.is_empty() && sid.len() <= 64 && sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(Self { created_at: created_at.parse().ok().filter(|_| is_sid)?, sid: sid.to_owned() })
    }
}

impl LoginSession {
    /// The cursor of what follows.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.created_at.timestamp_micros(), self.sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_one_of_the_list() {
        let read = LoginSessionCursor::parse("1767268800000000.0f");
        assert_eq!(read, Some(LoginSessionCursor { created_at: 1_767_268_800_000_000, sid: "0f".to_owned() }));
        for wrong in ["", ".", "1.", ".a", "x.a", "1.a b", "1.a.b", "99999999999999999999.a"] {
            assert_eq!(LoginSessionCursor::parse(wrong), None, "{wrong}");
        }
    }
}
