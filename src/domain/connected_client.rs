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

/// Where a page of connected clients begins: behind this one. The one that was used last comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionPlace {
    /// When it was last used, else since when it is connected; in microseconds.
    pub micros: i64,
    /// The client.
    pub client_id: String,
}

impl ConnectionPlace {
    /// The place of a connection.
    pub fn of(client_id: &ClientId, since: DateTime<Utc>, last_used_at: Option<DateTime<Utc>>) -> Self {
        Self { micros: last_used_at.unwrap_or(since).timestamp_micros(), client_id: client_id.0.clone() }
    }

    /// What lists are ordered by.
    pub fn key(&self) -> (std::cmp::Reverse<i64>, &str) {
        (std::cmp::Reverse(self.micros), &self.client_id)
    }

    /// The cursor of this place.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.micros, self.client_id)
    }

    /// The place of a cursor; None for one that no list gave.
    pub fn parse(cursor: &str) -> Option<Self> {
        let (micros, client_id) = cursor.split_once('.')?;
        let micros = micros.parse().ok()?;
        ClientId::is_valid(client_id).then(|| Self { micros, client_id: client_id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let place = ConnectionPlace { micros: 7, client_id: "my.app".to_owned() };
        assert_eq!(ConnectionPlace::parse(&place.cursor()), Some(place.clone()));
        let later = ConnectionPlace { micros: 8, ..place.clone() };
        assert!(later.key() < place.key(), "the one that was used last comes first");
        for cursor in ["", ".", "7", "7.", "x.app", "7.my app"] {
            assert_eq!(ConnectionPlace::parse(cursor), None, "{cursor}");
        }
    }
}
