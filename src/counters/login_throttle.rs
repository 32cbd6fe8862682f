//! Brute-force protection of log-ins: failures per account and per address within a window (ASVS 5.0 V6.3.1).
//! In memory: each instance counts for itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Most keys held; when full, the ones whose window has passed are dropped, then the oldest.
const MAX_KEYS: usize = 100_000;

/// What failures are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

/// The failures of one key.
#[derive(Debug, Clone, Copy)]
struct Window {
    started: DateTime<Utc>,
    failures: u32,
}

/// The limits.
#[derive(Debug, Clone, Copy)]
pub struct ThrottleLimits {
    /// Failures of one account within the window.
    pub per_account: u32,
    /// Failures from one address within the window.
    pub per_address: u32,
    /// The window.
    pub window: Duration,
}

/// Counts failed log-ins.
pub struct LoginThrottle {
    limits: ThrottleLimits,
    windows: Mutex<HashMap<Key, Window>>,
}

/// An attempt that must not be made yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled {
    /// Seconds until it may be.
    pub retry_after: u64,
    /// Is this the first refusal of this window? Then it is worth an audit event.
    pub first: bool,
}

impl LoginThrottle {
    /// A throttle with these limits.
    pub fn new(limits: ThrottleLimits) -> Self {
        Self { limits, windows: Mutex::new(HashMap::new()) }
    }

    /// Counts an attempt as failed before it is made, so that parallel guesses cannot slip through together;
    /// [`LoginThrottle::succeeded`] takes it back. Errors when account or address has used up its failures.
    pub fn attempt(&self, account: &str, address: Option<IpAddr>, now: DateTime<Utc>) -> Result<(), Throttled> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = keys(account, address);
        for (key, limit) in self.with_limits(&keys) {
            let Some(window) = windows.get_mut(key) else { continue };
            let age = now.signed_duration_since(window.started).to_std().unwrap_or_default();
            if age >= self.limits.window {
                windows.remove(key);
            } else if window.failures >= limit {
                let first = window.failures == limit;
                window.failures = limit.saturating_add(1);
                return Err(Throttled { retry_after: (self.limits.window - age).as_secs().max(1), first });
            }
        }
        if windows.len() >= MAX_KEYS {
            make_room(&mut windows, self.limits.window, now);
        }
        for key in keys {
            windows.entry(key).or_insert(Window { started: now, failures: 0 }).failures += 1;
        }
        Ok(())
    }

    /// The attempt was a success: the account starts afresh, and the address gets its attempt back.
    pub fn succeeded(&self, account: &str, address: Option<IpAddr>) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.remove(&Key::Account(account.to_owned()));
        if let Some(window) = address.and_then(|address| windows.get_mut(&Key::Address(network(address)))) {
            window.failures = window.failures.saturating_sub(1);
        }
    }

    fn with_limits<'a>(&self, keys: &'a [Key]) -> impl Iterator<Item = (&'a Key, u32)> {
        let limits = self.limits;
        keys.iter().map(move |key| match key {
            Key::Account(_) => (key, limits.per_account),
            Key::Address(_) => (key, limits.per_address),
        })
    }
}

fn keys(account: &str, address: Option<IpAddr>) -> Vec<Key> {
    let mut keys = vec![Key::Account(account.to_owned())];
    keys.extend(address.map(|address| Key::Address(network(address))));
    keys
}

/// IPv6 addresses are counted by their /64: one subscriber has that many.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        },
    }
}

fn make_room(windows: &mut HashMap<Key, Window>, window: Duration, now: DateTime<Utc>) {
    windows.retain(|_, held| now.signed_duration_since(held.started).to_std().unwrap_or_default() < window);
    if windows.len() >= MAX_KEYS
        && let Some(oldest) = windows.iter().min_by_key(|(_, held)| held.started).map(|(key, _)| key.clone())
    {
        windows.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> LoginThrottle {
        LoginThrottle::new(ThrottleLimits { per_account: 3, per_address: 5, window: Duration::from_secs(60) })
    }

    #[test]
    fn an_account_is_refused_until_the_window_has_passed() {
        let throttle = throttle();
        let start = DateTime::UNIX_EPOCH;
        for _ in 0..3 {
            assert_eq!(throttle.attempt("ada", None, start), Ok(()));
        }
        assert_eq!(throttle.attempt("ada", None, start), Err(Throttled { retry_after: 60, first: true }));
        assert_eq!(throttle.attempt("ada", None, start), Err(Throttled { retry_after: 60, first: false }));
        assert_eq!(throttle.attempt("bob", None, start), Ok(()));
        assert_eq!(throttle.attempt("ada", None, start + Duration::from_secs(60)), Ok(()));
    }

    #[test]
    fn an_address_is_refused_over_many_accounts_and_success_gives_back() {
        let throttle = throttle();
        let start = DateTime::UNIX_EPOCH;
        let here = Some("2001:db8::1".parse().unwrap());
        let near = Some("2001:db8::2".parse().unwrap());
        assert_eq!(throttle.attempt("ada", here, start), Ok(()));
        throttle.succeeded("ada", here);
        for number in 0..5 {
            assert_eq!(throttle.attempt(&format!("user-{number}"), here, start), Ok(()));
        }
        assert!(throttle.attempt("another", near, start).is_err());
    }
}
