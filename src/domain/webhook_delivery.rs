//! Deliveries of alerts: one for each alert and endpoint, tried until it arrives or is given up.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The endpoint of deliveries by mail: no webhook may have this name.
pub const MAIL_ENDPOINT: &str = "mail";

/// What follows a failed attempt: the first waits the first of these, and after the last the delivery is dead. Those of
/// Standard Webhooks.
const BACKOFF: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
];

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// Will be tried, again or for the first time.
    Pending,
    /// Has arrived.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryStatus {
    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// Reads the stored spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead].into_iter().find(|status| status.as_str() == text)
    }
}

/// A delivery as stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WebhookDelivery {
    /// Its identifier.
    pub id: String,
    /// The alert.
    pub alert_id: String,
    /// The name of the webhook; `mail` for mail.
    pub endpoint: String,
    /// Such as `alert.failed_authentications`.
    pub event_type: String,
    /// What is sent: a JSON text.
    pub payload: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts made.
    pub attempts: i64,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: DateTime<Utc>,
    /// What the last attempt ended with, if not with success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it arrived or was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}

/// What an attempt ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The endpoint took it.
    Arrived,
    /// The endpoint wants nothing more (410 Gone): trying again is no use.
    Unwanted(String),
    /// It did not work this time.
    Failed(String),
}

/// Where a delivery stands after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterAttempt {
    /// The new status.
    pub status: DeliveryStatus,
    /// When it is tried next, where it is.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What went wrong.
    pub error: Option<String>,
}

/// What follows from an attempt, the `attempts`th. `jitter` is a random octet that spreads the next one by up to a fifth
/// more, so that what failed together does not come back together.
pub fn after_attempt(outcome: AttemptOutcome, attempts: i64, jitter: u8, now: DateTime<Utc>) -> AfterAttempt {
    let finished = |status, error| AfterAttempt { status, next_attempt_at: None, error };
    match outcome {
        AttemptOutcome::Arrived => finished(DeliveryStatus::Delivered, None),
        AttemptOutcome::Unwanted(error) => finished(DeliveryStatus::Dead, Some(error)),
        AttemptOutcome::Failed(error) => {
            let wait = usize::try_from(attempts - 1).ok().and_then(|failed| BACKOFF.get(failed));
            match wait {
                Some(wait) => AfterAttempt {
                    status: DeliveryStatus::Pending,
                    next_attempt_at: Some(now + *wait + *wait * u32::from(jitter) / (5 * 255)),
                    error: Some(error),
                },
                None => finished(DeliveryStatus::Dead, Some(error)),
            }
        }
    }
}

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// In this status.
    pub status: Option<DeliveryStatus>,
    /// To this endpoint.
    pub endpoint: Option<String>,
    /// Of this alert.
    pub alert_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_is_spread_and_ends() {
        let now = DateTime::UNIX_EPOCH;
        let failed = |attempts, jitter| after_attempt(AttemptOutcome::Failed("x".to_owned()), attempts, jitter, now);
        let wait = |attempts, jitter| failed(attempts, jitter).next_attempt_at.unwrap() - now;
        let seconds: Vec<_> = (1..=6).map(|attempts| wait(attempts, 0).num_seconds()).collect();
        assert_eq!(seconds, [5, 300, 1_800, 7_200, 18_000, 36_000]);
        assert_eq!(wait(1, 255).num_seconds(), 6);
        assert_eq!(failed(7, 0).status, DeliveryStatus::Dead);
        assert_eq!(after_attempt(AttemptOutcome::Unwanted(String::new()), 1, 0, now).status, DeliveryStatus::Dead);
        assert_eq!(after_attempt(AttemptOutcome::Arrived, 7, 0, now).status, DeliveryStatus::Delivered);
    }
}
