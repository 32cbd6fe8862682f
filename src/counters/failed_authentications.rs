//! Failed authentications of the last while, by account, client and address, for the alert about them. In memory: each
//! instance counts for itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::counters::login_throttle::network;
use crate::domain::alert::AlertSubject;

/// Most subjects counted at once.
const MAX_SUBJECTS: usize = 10_000;

/// The failures of one subject.
struct Window {
    started: DateTime<Utc>,
    failures: u32,
}

/// The counts.
pub struct FailedAuthentications {
    window: Duration,
    counts: Mutex<HashMap<(&'static str, String), Window>>,
}

impl FailedAuthentications {
    /// Nothing counted yet; counts start afresh after `window`.
    pub fn new(window: Duration) -> Self {
        Self { window, counts: Mutex::default() }
    }

    /// The window.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// Counts a failure; answers how many there were within the window.
    pub fn count(&self, subject: &AlertSubject, now: DateTime<Utc>) -> u32 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_SUBJECTS {
            make_room(&mut counts, self.window, now);
        }
        let fresh = Window { started: now, failures: 0 };
        let window = counts.entry((subject.kind, subject.id.clone())).or_insert(fresh);
        if now.signed_duration_since(window.started).to_std().unwrap_or_default() >= self.window {
            *window = Window { started: now, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
        window.failures
    }
}

/// The subject for an address: of IPv6 its /64, for one subscriber has that many.
pub fn address_subject(address: IpAddr) -> AlertSubject {
    AlertSubject::new("address", network(address).to_string())
}

/// Drops what is over, then what failed but once, then all: a flood of addresses costs memory no more than it costs time.
fn make_room(counts: &mut HashMap<(&'static str, String), Window>, window: Duration, now: DateTime<Utc>) {
    counts.retain(|_, held| now.signed_duration_since(held.started).to_std().unwrap_or_default() < window);
    if counts.len() > MAX_SUBJECTS / 2 {
        counts.retain(|_, held| held.failures > 1);
    }
    if counts.len() > MAX_SUBJECTS / 2 {
        counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_within_a_window_and_stays_bounded() {
        let failures = FailedAuthentications::new(Duration::from_secs(60));
        let start = DateTime::UNIX_EPOCH;
        let ada = AlertSubject::new("user", "ada");
        assert_eq!([0, 59].map(|second| failures.count(&ada, start + Duration::from_secs(second))), [1, 2]);
        assert_eq!(failures.count(&ada, start + Duration::from_secs(60)), 1);
        let later = start + Duration::from_secs(60);
        assert_eq!(failures.count(&ada, later), 2);
        for number in 0..3 * MAX_SUBJECTS {
            failures.count(&AlertSubject::new("user", number.to_string()), later);
        }
        assert!(failures.counts.lock().unwrap().len() <= MAX_SUBJECTS);
        assert_eq!(failures.count(&ada, later), 3, "the one that matters is kept");
    }

    #[test]
    fn neighbours_in_ipv6_are_one() {
        let near = ["2001:db8::1", "2001:db8::2"].map(|text| address_subject(text.parse().unwrap()));
        assert_eq!(near[0], near[1]);
    }
}
