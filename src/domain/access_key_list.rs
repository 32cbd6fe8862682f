//! How a list of access keys is filtered, ordered and read page by page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::client::Status;
use crate::domain::ids::AccessKeyId;
use crate::domain::search::{SearchKind, SearchText};

/// Within how long a key ends that is listed as expiring.
pub const EXPIRING_WITHIN: TimeDelta = TimeDelta::days(30);

/// What a key must be to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingFilter {
    /// In this status, whether or not it has ended.
    Status(Status),
    /// Active, and past its end.
    Expired,
    /// Active, and at its end within [`EXPIRING_WITHIN`].
    Expiring,
}

impl StandingFilter {
    /// Reads the word of a filter.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "expired" => Some(Self::Expired),
            "expiring" => Some(Self::Expiring),
            _ => Status::parse(word).map(Self::Status),
        }
    }

    /// The word of the filter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Expired => "expired",
            Self::Expiring => "expiring",
        }
    }
}

/// Which keys are wanted.
#[derive(Debug, Clone, Default)]
pub struct AccessKeyFilter {
    /// Whose words, or whose owner's, begin with these.
    pub search: Option<SearchText>,
    /// Which kinds of owners are looked at for that: those whose names the caller may know.
    pub owner_kinds: Vec<SearchKind>,
    /// Of this owner.
    pub owner_id: Option<String>,
    /// That may act on this project by name.
    pub project: Option<String>,
    /// Of this environment.
    pub environment: Option<String>,
    /// Of this standing.
    pub standing: Option<StandingFilter>,
    /// Last used before this time, or never.
    pub last_used_before: Option<DateTime<Utc>>,
}

/// By what keys are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessKeySort {
    /// The time at which they were made.
    #[default]
    Created,
    /// Their name, without regard to case.
    Name,
    /// Their end; those without any come last.
    Expires,
    /// Their last use; those never used come first.
    LastUsed,
}

/// In which order keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessKeyOrder {
    /// By what.
    pub by: AccessKeySort,
    /// The other way around.
    pub descending: bool,
}

/// Where a page begins: behind this key, and behind what it is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyPlace {
    /// The key.
    pub id: String,
    /// Its name, where that orders the list; else empty.
    pub name: String,
    /// The time that orders the list, in microseconds; else 0.
    pub micros: i64,
}

impl AccessKeyOrder {
    /// The other way around.
    pub fn reversed(self) -> Self {
        Self { descending: !self.descending, ..self }
    }

    /// Reads `name`, or `-name` for the other way around.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
        let by = match word {
            "created" => AccessKeySort::Created,
            "name" => AccessKeySort::Name,
            "expires" => AccessKeySort::Expires,
            "last_used" => AccessKeySort::LastUsed,
            _ => return None,
        };
        Some(Self { by, descending })
    }

    /// The cursor of a place.
    pub fn cursor(self, place: &AccessKeyPlace) -> String {
        match self.by {
            AccessKeySort::Created => place.id.clone(),
            AccessKeySort::Name => format!("{}.{}", place.id, URL_SAFE_NO_PAD.encode(&place.name)),
            AccessKeySort::Expires | AccessKeySort::LastUsed => format!("{}.{}", place.id, place.micros),
        }
    }

    /// The place of a cursor; None for one that a list in this order never gave.
    pub fn place(self, cursor: &str) -> Option<AccessKeyPlace> {
        let (id, value) = match self.by {
            AccessKeySort::Created => (cursor, ""),
            _ => cursor.split_once('.')?,
        };
        let decode = || String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok().filter(|name| !name.contains('\0'));
        let name = if self.by == AccessKeySort::Name { decode()? } else { String::new() };
        let is_time = matches!(self.by, AccessKeySort::Expires | AccessKeySort::LastUsed);
        let micros = if is_time { value.parse().ok()? } else { 0 };
        AccessKeyId::is_valid(id).then(|| AccessKeyPlace { id: id.to_owned(), name, micros })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_in_its_own_order_only() {
        let place = AccessKeyPlace { id: format!("ak_{}", "0".repeat(32)), name: "Zürich ~.".to_owned(), micros: -7 };
        for word in ["created", "name", "expires", "-last_used"] {
            let order = AccessKeyOrder::parse(word).unwrap();
            let read = order.place(&order.cursor(&place)).unwrap();
            assert_eq!(read.id, place.id, "{word}");
            assert!(order.place("x").is_none() && order.place("ak_1.%").is_none(), "{word}");
        }
        let by_name = AccessKeyOrder::parse("-name").unwrap();
        assert_eq!(by_name.place(&by_name.cursor(&place)).unwrap().name, place.name);
        assert!(by_name.place(&place.id).is_none());
        assert_eq!(AccessKeyOrder::parse("size"), None);
    }

    #[test]
    fn every_standing_has_its_word() {
        for word in ["active", "inactive", "revoked", "expired", "expiring"] {
            assert_eq!(StandingFilter::parse(word).unwrap().as_str(), word);
        }
        assert_eq!(StandingFilter::parse("lost"), None);
    }
}
