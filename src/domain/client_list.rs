//! How a list of clients is filtered, ordered and read page by page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::client::Status;
use crate::domain::ids::ClientId;
use crate::domain::search::SearchText;
use crate::protocol::grant_type::GrantType;

/// The two types of clients (RFC 6749 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    /// It cannot keep a secret, and has none.
    Public,
    /// It proves who it is.
    Confidential,
}

impl ClientType {
    /// The type of that name.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "public" => Some(Self::Public),
            "confidential" => Some(Self::Confidential),
            _ => None,
        }
    }
}

/// Which clients are wanted.
#[derive(Debug, Clone, Default)]
pub struct ClientFilter {
    /// Whose words begin with these.
    pub search: Option<SearchText>,
    /// In this status.
    pub status: Option<Status>,
    /// Of this type.
    pub client_type: Option<ClientType>,
    /// That may use this grant.
    pub grant: Option<GrantType>,
}

/// By what clients are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientSort {
    /// Their identifier.
    #[default]
    Id,
    /// Their name, without regard to case.
    Name,
    /// The time at which they were registered.
    Created,
    /// Their last use; those never used come first.
    LastUsed,
}

/// In which order clients are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientOrder {
    /// By what.
    pub by: ClientSort,
    /// The other way around.
    pub descending: bool,
}

/// Where a page begins: behind this client, and behind what it is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPlace {
    /// The client.
    pub client_id: String,
    /// Its name, where that orders the list; else empty.
    pub name: String,
    /// The time that orders the list, in microseconds; else 0.
    pub micros: i64,
}

impl ClientOrder {
    /// Reads `name`, or `-name` for the other way around.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
        let by = match word {
            "client_id" => ClientSort::Id,
            "name" => ClientSort::Name,
            "created" => ClientSort::Created,
            "last_used" => ClientSort::LastUsed,
            _ => return None,
        };
        Some(Self { by, descending })
    }

    /// The cursor of a place. The identifier stands behind what orders, for it may hold a dot itself.
    pub fn cursor(self, place: &ClientPlace) -> String {
        match self.by {
            ClientSort::Id => place.client_id.clone(),
            ClientSort::Name => format!("{}.{}", URL_SAFE_NO_PAD.encode(&place.name), place.client_id),
            ClientSort::Created | ClientSort::LastUsed => format!("{}.{}", place.micros, place.client_id),
        }
    }

    /// The place of a cursor; None for one that a list in this order never gave.
    pub fn place(self, cursor: &str) -> Option<ClientPlace> {
        let (value, client_id) = if self.by == ClientSort::Id { ("", cursor) } else { cursor.split_once('.')? };
        let decode = || String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok().filter(|name| !name.contains('\0'));
        let name = if self.by == ClientSort::Name { decode()? } else { String::new() };
        let is_time = matches!(self.by, ClientSort::Created | ClientSort::LastUsed);
        let micros = if is_time { value.parse().ok()? } else { 0 };
        ClientId::is_valid(client_id).then(|| ClientPlace { client_id: client_id.to_owned(), name, micros })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_in_its_own_order_only() {
        let place = ClientPlace { client_id: "my.app".to_owned(), name: "Zürich. App".to_owned(), micros: -7 };
        for word in ["client_id", "name", "created", "last_used", "-client_id", "-name", "-created", "-last_used"] {
            let order = ClientOrder::parse(word).unwrap();
            let read = order.place(&order.cursor(&place)).unwrap();
            assert_eq!(read.client_id, place.client_id, "{word}");
            assert_eq!(read.name.is_empty(), order.by != ClientSort::Name, "{word}");
            assert!(order.place("").is_none(), "{word}");
            // A point alone can be an identifier.
            assert!(order.by == ClientSort::Id || order.place(".").is_none(), "{word}");
        }
        let (name, created) = (ClientOrder::parse("name").unwrap(), ClientOrder::parse("created").unwrap());
        assert!(name.place("my app").is_none() && created.place("x.app").is_none());
        assert_eq!(ClientOrder::parse("size"), None);
    }

    #[test]
    fn every_type_has_its_word() {
        assert_eq!(ClientType::parse("public"), Some(ClientType::Public));
        assert_eq!(ClientType::parse("confidential"), Some(ClientType::Confidential));
        assert_eq!(ClientType::parse("secret"), None);
    }
}
