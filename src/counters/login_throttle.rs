//! Brute-force protection of log-ins: failures per account and per address within the last window (ASVS 5.0 V6.3.1).
//! In memory: each instance counts for itself.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Most keys held, each with at most as many times as its limit; when full, those without a failure in the window are
/// dropped, then the tenth that failed longest ago.
const MAX_KEYS: usize = 100_000;

/// What failures are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

/// What is known of one key.
#[derive(Debug, Default)]
struct Held {
    /// When attempts failed, the oldest first.
    failures: VecDeque<DateTime<Utc>>,
    /// Attempts whose outcome is not known yet.
    in_flight: u32,
    /// Was a refusal told already?
    told: bool,
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

impl ThrottleLimits {
    /// Limits that are ten times as wide.
    pub fn ten_times(self) -> Self {
        let wide = |limit: u32| limit.saturating_mul(10);
        Self { per_account: wide(self.per_account), per_address: wide(self.per_address), window: self.window }
    }
}

/// Counts failed log-ins.
pub struct LoginThrottle {
    limits: ThrottleLimits,
    held: Mutex<HashMap<Key, Held>>,
}

/// Who tries, from where, and when.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The account, known or not.
    pub account: String,
    /// The address.
    pub address: Option<IpAddr>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// An attempt that must not be made yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled {
    /// Seconds until it may be.
    pub retry_after: u64,
    /// Is this the first refusal since it was last free? Then it is worth an audit event.
    pub first: bool,
}

/// Takes an attempt out of those in flight, however it ends.
struct InFlight<'a> {
    throttle: &'a LoginThrottle,
    keys: &'a [Key],
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut held = self.throttle.lock();
        for key in self.keys {
            let Some(known) = held.get_mut(key) else { continue };
            known.in_flight = known.in_flight.saturating_sub(1);
            if known.in_flight == 0 && known.failures.is_empty() {
                held.remove(key);
            }
        }
    }
}

impl LoginThrottle {
    /// A throttle with these limits.
    pub fn new(limits: ThrottleLimits) -> Self {
        Self { limits, held: Mutex::new(HashMap::new()) }
    }

    /// Makes an attempt and counts it if it failed. Errors, unmade, when account or address has used up its failures. Once
    /// there was a failure, attempts in flight take a place of their own, so that parallel guesses cannot slip through
    /// together; before that, right log-ins are not refused however many come at once.
    pub fn attempt<T>(
        &self,
        attempt: &Attempt,
        make: impl FnOnce() -> T,
        has_failed: impl FnOnce(&T) -> bool,
    ) -> Result<T, Throttled> {
        let keys = keys(&attempt.account, attempt.address);
        self.begin(&keys, attempt.now)?;
        let in_flight = InFlight { throttle: self, keys: &keys };
        let outcome = make();
        if has_failed(&outcome) {
            self.failed(attempt);
        }
        drop(in_flight);
        Ok(outcome)
    }

    /// Counts a failure.
    pub fn failed(&self, attempt: &Attempt) {
        let mut held = self.lock();
        for key in keys(&attempt.account, attempt.address) {
            let limit = self.limit(&key);
            let failures = &mut held.entry(key).or_default().failures;
            failures.push_back(attempt.now);
            // More than the limit says nothing more.
            while failures.len() > limit {
                failures.pop_front();
            }
        }
    }

    /// The attempt was a success: the account starts afresh.
    pub fn succeeded(&self, attempt: &Attempt) {
        let key = Key::Account(attempt.account.clone());
        let mut held = self.lock();
        match held.get_mut(&key) {
            Some(known) if known.in_flight > 0 => known.failures.clear(),
            _ => drop(held.remove(&key)),
        }
    }

    fn begin(&self, keys: &[Key], now: DateTime<Utc>) -> Result<(), Throttled> {
        let mut held = self.lock();
        for key in keys {
            let Some(known) = held.get_mut(key) else { continue };
            let limit = self.limit(key);
            while known.failures.front().is_some_and(|failed| age(*failed, now) >= self.limits.window) {
                known.failures.pop_front();
            }
            if let Some(oldest) = known.failures.front().filter(|_| known.failures.len() >= limit) {
                let retry_after = (self.limits.window - age(*oldest, now)).as_secs().max(1);
                let first = !std::mem::replace(&mut known.told, true);
                return Err(Throttled { retry_after, first });
            }
            known.told = false;
            let in_flight = usize::try_from(known.in_flight).unwrap_or(usize::MAX);
            if !known.failures.is_empty() && known.failures.len().saturating_add(in_flight) >= limit {
                return Err(Throttled { retry_after: 1, first: false });
            }
        }
        if held.len() >= MAX_KEYS {
            self.make_room(&mut held, now);
        }
        for key in keys {
            held.entry(key.clone()).or_default().in_flight += 1;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self, key: &Key) -> usize {
        let limit = match key {
            Key::Account(_) => self.limits.per_account,
            Key::Address(_) => self.limits.per_address,
        };
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    fn make_room(&self, held: &mut HashMap<Key, Held>, now: DateTime<Utc>) {
        let last = |known: &Held| known.failures.back().copied();
        held.retain(|_, known| {
            known.in_flight > 0 || last(known).is_some_and(|failed| age(failed, now) < self.limits.window)
        });
        if held.len() >= MAX_KEYS {
            let mut times: Vec<_> = held.values().filter_map(last).collect();
            let tenth = times.len() / 10;
            let (_, end, _) = times.select_nth_unstable(tenth);
            let end = *end;
            held.retain(|_, known| known.in_flight > 0 || last(known).is_some_and(|failed| failed > end));
        }
    }
}

fn keys(account: &str, address: Option<IpAddr>) -> Vec<Key> {
    let mut keys = vec![Key::Account(account.to_owned())];
    keys.extend(address.map(|address| Key::Address(network(address))));
    keys
}

/// IPv6 addresses are counted by their /64: one subscriber has that many.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        },
    }
}

fn age(failed: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    now.signed_duration_since(failed).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> LoginThrottle {
        LoginThrottle::new(ThrottleLimits { per_account: 3, per_address: 5, window: Duration::from_secs(60) })
    }

    fn at(account: &str, address: Option<&str>, seconds: u64) -> Attempt {
        let now = DateTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Attempt { account: account.to_owned(), address: address.map(|text| text.parse().unwrap()), now }
    }

    impl LoginThrottle {
        fn fail(&self, attempt: &Attempt) -> Result<(), Throttled> {
            self.attempt(attempt, || (), |()| true)
        }

        fn pass(&self, attempt: &Attempt) -> Result<(), Throttled> {
            self.attempt(attempt, || (), |()| false)?;
            self.succeeded(attempt);
            Ok(())
        }
    }

    #[test]
    fn an_account_is_refused_until_its_failures_are_older_than_the_window() {
        let throttle = throttle();
        for seconds in [0, 20, 40] {
            assert_eq!(throttle.fail(&at("ada", None, seconds)), Ok(()));
        }
        assert_eq!(throttle.fail(&at("ada", None, 50)), Err(Throttled { retry_after: 10, first: true }));
        assert_eq!(throttle.pass(&at("ada", None, 50)), Err(Throttled { retry_after: 10, first: false }));
        assert_eq!(throttle.fail(&at("bob", None, 50)), Ok(()));
        // One place is free now, not three: at no time are there more than three failures in a window.
        assert_eq!(throttle.fail(&at("ada", None, 60)), Ok(()));
        assert_eq!(throttle.fail(&at("ada", None, 61)), Err(Throttled { retry_after: 19, first: true }));
        assert_eq!(throttle.fail(&at("ada", None, 80)), Ok(()));
        assert_eq!(throttle.fail(&at("ada", None, 99)), Err(Throttled { retry_after: 1, first: true }));
        assert_eq!(throttle.pass(&at("ada", None, 100)), Ok(()));
        for _ in 0..3 {
            assert_eq!(throttle.fail(&at("ada", None, 100)), Ok(()));
        }
    }

    #[test]
    fn an_address_is_refused_over_many_accounts_and_a_success_costs_nothing() {
        let throttle = throttle();
        let here = Some("2001:db8::1");
        for _ in 0..10 {
            assert_eq!(throttle.pass(&at("ada", here, 0)), Ok(()));
        }
        assert!(throttle.lock().is_empty());
        for number in 0..5 {
            assert_eq!(throttle.fail(&at(&format!("user-{number}"), here, 0)), Ok(()));
        }
        assert!(throttle.pass(&at("another", Some("2001:db8::2"), 0)).is_err());
        assert_eq!(throttle.pass(&at("another", Some("2001:db8:0:1::2"), 0)), Ok(()));
    }

    /// Attempts of one account that are all in flight at the same time: how many were let in?
    fn nested(throttle: &LoginThrottle, depth: usize) -> usize {
        if depth == 0 {
            return 0;
        }
        let made = throttle.attempt(&at("ada", None, 0), || nested(throttle, depth - 1), |_| false);
        made.map_or(0, |deeper| 1 + deeper)
    }

    #[test]
    fn attempts_in_flight_count_only_once_there_was_a_failure() {
        let throttle = throttle();
        assert_eq!(nested(&throttle, 20), 20);
        assert_eq!(throttle.fail(&at("ada", None, 0)), Ok(()));
        assert_eq!(nested(&throttle, 20), 2);
        assert_eq!(throttle.fail(&at("ada", None, 0)), Ok(()));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            throttle.attempt(&at("ada", None, 0), || panic!("a check fails"), |()| false)
        }));
        assert!(panicked.is_err());
        assert_eq!(nested(&throttle, 20), 1);
        assert_eq!(throttle.pass(&at("ada", None, 0)), Ok(()));
        assert_eq!(nested(&throttle, 20), 20);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let throttle = throttle();
        for number in 0..MAX_KEYS + 10 {
            let seconds = u64::try_from(number / 10_000).unwrap();
            assert_eq!(throttle.fail(&at(&format!("user-{number}"), None, seconds)), Ok(()));
        }
        let held = throttle.lock().len();
        assert!(held <= MAX_KEYS && held > MAX_KEYS * 8 / 10, "{held}");
        assert!(!throttle.lock().contains_key(&Key::Account("user-0".to_owned())));
        assert!(throttle.lock().contains_key(&Key::Account(format!("user-{MAX_KEYS}"))));
    }
}
