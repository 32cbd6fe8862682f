//! How credentials are used: counts by day, and who uses which secret from where.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Where a count comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UsageSource {
    /// Counted by a door of this server: the outcome is a verdict.
    Door,
    /// Reported by an API server: the outcome is its own.
    Report,
}

impl UsageSource {
    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Report => "report",
        }
    }
}

/// The outcomes that a report may name without inventing a word.
pub const REPORTED_OUTCOMES: [&str; 3] = ["success", "client_error", "server_error"];

/// What counts are kept apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsageKey {
    /// Access key id or client_id.
    pub credential_id: String,
    /// Days since 1970-01-01 UTC.
    pub day: i64,
    /// Where the count comes from.
    pub source: UsageSource,
    /// What was done; empty where nobody said.
    pub operation: String,
    /// On which project; empty where nobody said.
    pub project: String,
    /// `valid` or a refusal at a door; `success` or a kind of error in a report.
    pub outcome: String,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageCount {
    /// Requests.
    pub requests: i64,
    /// Units consumed, as reported.
    pub units: i64,
    /// Time taken, as reported, in microseconds.
    pub duration_micros: i64,
}

impl UsageCount {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.units = self.units.saturating_add(other.units);
        self.duration_micros = self.duration_micros.saturating_add(other.duration_micros);
    }
}

/// The use of one secret from one address.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SecretUse {
    /// Access key id or client_id.
    #[serde(skip)]
    pub credential_id: String,
    /// Which of its secrets.
    #[serde(skip)]
    pub secret_id: String,
    /// From where.
    pub address: String,
    /// First use.
    pub first_used_at: DateTime<Utc>,
    /// Last use.
    pub last_used_at: DateTime<Utc>,
    /// How often.
    pub uses: i64,
}

/// The day of a time: days since 1970-01-01 UTC.
pub fn day_of(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(86_400)
}
