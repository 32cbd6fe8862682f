//! How values stand in a row. Times are microseconds since the epoch, a 64-bit integer on both databases: it compares,
//! indexes and round-trips alike everywhere, which text on SQLite and Timestamp on PostgreSQL do not. Lists are
//! space-delimited text: no element of any of our lists may hold a space.

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::client::Status;
use crate::domain::limits::Limits;
use crate::protocol::scope::Scope;
use crate::store::error::StoreError;

/// A time for a column.
pub fn to_micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// A time from a column.
pub fn to_time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}

/// A list for a column.
pub fn to_list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    items.into_iter().collect::<Vec<_>>().join(" ")
}

/// A list from a column, each element through `parse`.
pub fn from_list<T>(text: &str, what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, StoreError> {
    text.split_ascii_whitespace().map(|item| parse(item).ok_or_else(|| corrupt(what, item))).collect()
}

/// A list from a column whose elements were checked when they were stored.
pub fn checked<T>(text: &str, wrap: impl Fn(String) -> T) -> Vec<T> {
    text.split_ascii_whitespace().map(|item| wrap(item.to_owned())).collect()
}

/// A scope from a column.
pub fn to_scope(text: &str) -> Result<Scope, StoreError> {
    Scope::parse(text).map_err(|_| corrupt("scope", text))
}

/// A count or a number of seconds for a column.
pub fn to_count(count: Option<u32>) -> Option<i32> {
    count.map(|count| i32::try_from(count).unwrap_or(i32::MAX))
}

/// A count or a number of seconds from a column.
pub fn from_count(column: Option<i32>) -> Option<u32> {
    column.and_then(|count| u32::try_from(count).ok())
}

/// Limits from their columns.
pub fn to_limits(requests_per_minute: Option<i32>, requests_per_hour: Option<i32>) -> Limits {
    Limits { requests_per_minute: from_count(requests_per_minute), requests_per_hour: from_count(requests_per_hour) }
}

/// Networks for a column.
pub fn to_networks(networks: &[IpNet]) -> String {
    networks.iter().map(IpNet::to_string).collect::<Vec<_>>().join(" ")
}

/// Networks from a column.
pub fn from_networks(text: &str) -> Result<Vec<IpNet>, StoreError> {
    from_list(text, "network", |item| item.parse().ok())
}

/// A status from a column.
pub fn to_status(text: &str) -> Result<Status, StoreError> {
    Status::parse(text).ok_or_else(|| corrupt("status", text))
}

/// An object for a column.
pub fn to_json<T: Serialize>(object: &T) -> String {
    serde_json::to_string(object).unwrap_or_else(|_| "{}".to_owned())
}

/// An object from a column.
pub fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| corrupt(what, text))
}

/// The error for a stored value that this version cannot read.
pub fn corrupt(what: &str, value: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} '{value}'"))
}
