//! Which credentials of this instance came near a limit of theirs lately, or to its end. Bounded; a restart forgets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::domain::limits::WindowState;

/// From which share of a window on a credential is near its limit, in percent.
const NEAR: u64 = 80;
/// Most credentials remembered; beyond, those that were near longest ago go.
const MOST: usize = 200;
/// For how long.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);

/// A credential near one of its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NearLimit {
    /// Access key id or client_id.
    pub credential_id: String,
    /// The most that the window allows.
    pub limit: u32,
    /// Its length.
    pub seconds: u32,
    /// The most that was counted in it.
    pub used: u32,
    /// Was something refused because of it?
    pub exceeded: bool,
    /// When it was last seen so.
    pub at: DateTime<Utc>,
}

/// What this instance has seen.
#[derive(Default)]
pub struct NearLimits(Mutex<HashMap<(String, u32), NearLimit>>);

impl NearLimits {
    /// Notes where a credential stands in one window, if that is near the end.
    pub fn note(&self, credential_id: &str, window: &WindowState, exceeded: bool, at: DateTime<Utc>) {
        let used = window.limit.saturating_sub(window.remaining);
        if u64::from(used) * 100 < u64::from(window.limit) * NEAR {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (credential_id.to_owned(), window.seconds);
        let before = known.get(&key).filter(|before| at - before.at < REMEMBERED);
        let near = NearLimit {
            credential_id: credential_id.to_owned(),
            limit: window.limit,
            seconds: window.seconds,
            used: used.max(before.map_or(0, |before| before.used)),
            exceeded: exceeded || before.is_some_and(|before| before.exceeded),
            at,
        };
        if known.len() >= MOST && !known.contains_key(&key) {
            let oldest = known.iter().min_by_key(|(_, near)| near.at).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| known.remove(&oldest));
        }
        known.insert(key, near);
    }

    /// Those of the last hour: what was refused first, then the latest.
    pub fn list(&self, now: DateTime<Utc>) -> Vec<NearLimit> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, near| now - near.at < REMEMBERED);
        let mut listed: Vec<NearLimit> = known.values().cloned().collect();
        listed.sort_unstable_by(|one, other| {
            let rank = |near: &NearLimit| (std::cmp::Reverse((near.exceeded, near.at)), near.credential_id.clone());
            rank(one).cmp(&rank(other))
        });
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(limit: u32, remaining: u32) -> WindowState {
        WindowState { limit, seconds: 60, remaining, reset_after: 60 }
    }

    #[test]
    fn only_what_is_near_is_remembered_and_for_an_hour() {
        let (near, now) = (NearLimits::default(), DateTime::UNIX_EPOCH);
        near.note("a", &window(10, 3), false, now);
        assert_eq!(near.list(now), []);
        near.note("a", &window(10, 1), false, now);
        near.note("a", &window(10, 2), true, now);
        let listed = near.list(now);
        assert_eq!((listed.len(), listed[0].used, listed[0].exceeded), (1, 9, true));
        assert_eq!(near.list(now + TimeDelta::hours(1)), []);
        for number in 0..300 {
            near.note(&number.to_string(), &window(10, 0), false, now + TimeDelta::seconds(number));
        }
        assert_eq!(near.list(now).len(), MOST);
    }
}
