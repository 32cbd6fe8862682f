//! How many requests a credential may make: its own number, else its plan's, else its environment's; never more than the
//! environment's cap.

use serde::{Deserialize, Serialize};

/// Limits by window; None where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests within any 60 seconds.
    pub requests_per_minute: Option<u32>,
    /// Requests within any 3,600 seconds.
    pub requests_per_hour: Option<u32>,
}

impl Limits {
    /// These limits, completed window by window by `fallback`.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            requests_per_minute: self.requests_per_minute.or(fallback.requests_per_minute),
            requests_per_hour: self.requests_per_hour.or(fallback.requests_per_hour),
        }
    }

    /// These limits, none above that of `most`; where there was none, the cap is the limit.
    #[must_use]
    pub fn capped(self, most: Self) -> Self {
        let cap = |own: Option<u32>, most: Option<u32>| match (own, most) {
            (Some(own), Some(most)) => Some(own.min(most)),
            (own, most) => own.or(most),
        };
        Self {
            requests_per_minute: cap(self.requests_per_minute, most.requests_per_minute),
            requests_per_hour: cap(self.requests_per_hour, most.requests_per_hour),
        }
    }

    /// Is there any?
    pub fn is_some(self) -> bool {
        self.requests_per_minute.is_some() || self.requests_per_hour.is_some()
    }

    /// Is one of these above that of `most`?
    pub fn exceed(self, most: Self) -> bool {
        let exceeds = |own: Option<u32>, most: Option<u32>| own.zip(most).is_some_and(|(own, most)| own > most);
        exceeds(self.requests_per_minute, most.requests_per_minute)
            || exceeds(self.requests_per_hour, most.requests_per_hour)
    }

    /// Is one of these above that of `most`, or absent where `most` has one?
    pub fn escape(self, most: Self) -> bool {
        let escapes = |own: Option<u32>, most: Option<u32>| most.is_some_and(|most| own.is_none_or(|own| own > most));
        escapes(self.requests_per_minute, most.requests_per_minute)
            || escapes(self.requests_per_hour, most.requests_per_hour)
    }

    /// The windows in seconds with their limits, shortest first.
    pub fn windows(self) -> impl Iterator<Item = (u32, u32)> {
        let minute = self.requests_per_minute.map(|limit| (60, limit));
        let hour = self.requests_per_hour.map(|limit| (3600, limit));
        minute.into_iter().chain(hour)
    }
}

/// Where a credential stands in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowState {
    /// Most uses in any interval of this length.
    pub limit: u32,
    /// The length of the interval, in seconds.
    pub seconds: u32,
    /// Uses that are free now.
    pub remaining: u32,
    /// Seconds, rounded up, until the whole limit is free again if nothing more is used; 0 when it is now.
    pub reset_after: u64,
}

/// A use that was refused because a limit is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateExceeded {
    /// Most uses in any interval of the window that stays full longest.
    pub limit: u32,
    /// The length of that interval, in seconds.
    pub seconds: u32,
    /// Seconds until the same use would be allowed, rounded up, at least 1.
    pub retry_after: u64,
    /// Where the credential stands in each window.
    pub windows: Vec<WindowState>,
}

impl RateExceeded {
    /// The sentence for whoever holds the credential, as platforms document it.
    pub fn public_text(&self) -> String {
        match self.seconds {
            60 => format!("Rate limit of {} requests/minute exceeded", self.limit),
            3600 => format!("Rate limit of {} requests/hour exceeded", self.limit),
            seconds => format!("Rate limit of {} requests/{seconds} seconds exceeded", self.limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(minute: u32, hour: u32) -> Limits {
        let some = |limit| (limit > 0).then_some(limit);
        Limits { requests_per_minute: some(minute), requests_per_hour: some(hour) }
    }

    #[test]
    fn own_then_plan_then_environment_under_the_cap() {
        assert_eq!(limits(5, 0).or(limits(60, 1000)).or(limits(1, 1)), limits(5, 1000));
        assert_eq!(limits(500, 0).capped(limits(100, 900)), limits(100, 900));
        assert_eq!(limits(0, 0).capped(limits(0, 0)), limits(0, 0));
        assert!(limits(101, 0).exceed(limits(100, 0)));
        assert!(!limits(101, 0).exceed(limits(0, 5)));
        assert!(limits(101, 0).escape(limits(100, 0)) && limits(0, 0).escape(limits(0, 5)));
        assert!(!limits(100, 0).escape(limits(100, 0)) && !limits(0, 5).escape(limits(0, 0)));
        assert_eq!(limits(5, 9).windows().collect::<Vec<_>>(), [(60, 5), (3600, 9)]);
    }
}
