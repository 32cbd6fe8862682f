//! What the server was asked in an hour: figures for people who look after it. Usage is counted by day and apart from these.

use chrono::{DateTime, TimeDelta, Utc};

/// A figure that is kept by hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HourFigure {
    /// Requests answered, but for documents, health and metrics.
    Requests,
    /// Of these, refused: status 400 to 499.
    Refused,
    /// Of these, failed inside: status 500 and above.
    Failed,
    /// Access tokens issued.
    Tokens,
    /// Credentials that were found good, whatever asked.
    Valid,
    /// Credentials that were not.
    Invalid,
}

impl HourFigure {
    /// Every figure, in the order of its place.
    pub const ALL: [Self; 6] = [Self::Requests, Self::Refused, Self::Failed, Self::Tokens, Self::Valid, Self::Invalid];

    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Tokens => "tokens",
            Self::Valid => "valid",
            Self::Invalid => "invalid",
        }
    }

    /// Reads the stored spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.as_str() == text)
    }
}

/// What one credential asked in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialCount {
    /// Access key id or client_id.
    pub credential_id: String,
    /// At the doors.
    pub requests: i64,
    /// Of these, refused.
    pub refused: i64,
}

/// The hour of a time: hours since 1970-01-01 UTC.
pub fn hour_of(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(3_600)
}

/// When an hour begins.
pub fn start_of(hour: i64) -> DateTime<Utc> {
    TimeDelta::try_hours(hour).and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_begin_where_they_should() {
        let time: DateTime<Utc> = "2026-01-31T12:59:59Z".parse().unwrap();
        assert_eq!(start_of(hour_of(time)).to_rfc3339(), "2026-01-31T12:00:00+00:00");
        assert!(HourFigure::ALL.into_iter().all(|figure| HourFigure::parse(figure.as_str()) == Some(figure)));
    }
}
