//! Keys of clients that publish them at a `jwks_uri`, as last read. In memory: each instance reads for itself.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::crypto::client_keys::ClientKeys;

/// After this long, keys are read again: a key that was withdrawn must not go on for good.
const MAX_AGE: Duration = Duration::from_secs(600);
/// While they cannot be read, older ones are used for this long.
const MAX_STALE: Duration = Duration::from_secs(3600);
/// The time after a reading that failed in which there is no other one for this client, and in which there are at most
/// `MAX_READINGS`, whatever its requests name: they must not make the server call somebody else as often as they like.
const INTERVAL: Duration = Duration::from_secs(30);
/// Most readings for one client in an interval: the first, and some for keys that are new since, for a client may change
/// its keys at any time, and somebody may just have asked with a key that never was.
const MAX_READINGS: usize = 3;
/// Most clients held; when full, all are forgotten and read anew.
const MAX_CLIENTS: usize = 10_000;
/// Most requests that read, or wait for another one that does: an address that never answers must not hold up log-ins.
const MAX_WAITING: usize = 64;
/// Most of them for one client, so that it does not use up the places of others.
const MAX_WAITING_FOR_ONE: usize = 8;

/// Keys as they were read.
struct Held {
    uri: String,
    keys: Arc<ClientKeys>,
    read_at: DateTime<Utc>,
}

/// The place of one client.
#[derive(Default)]
struct Slot {
    held: RwLock<Option<Held>>,
    /// Whoever has this reads; it tells what was tried of late.
    reading: Mutex<Readings>,
    waiting: AtomicUsize,
}

/// The readings of the last interval from one address.
#[derive(Default)]
struct Readings {
    uri: String,
    /// When, and whether it worked, the oldest first.
    tried: VecDeque<(DateTime<Utc>, bool)>,
}

impl Readings {
    /// May this address be read now?
    fn allow(&mut self, wanted: &WantedKeys<'_>) -> bool {
        if self.uri != wanted.uri {
            *self = Self { uri: wanted.uri.to_owned(), tried: VecDeque::new() };
        }
        while self.tried.front().is_some_and(|(at, _)| wanted.now >= *at + INTERVAL) {
            self.tried.pop_front();
        }
        self.tried.len() < MAX_READINGS && self.tried.back().is_none_or(|(_, worked)| *worked)
    }
}

/// More requests wait for keys than may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests are waiting for the keys of clients")]
pub struct KeysBusy;

/// Whose keys are wanted.
pub struct WantedKeys<'a> {
    /// The client.
    pub client_id: &'a str,
    /// Where it publishes them.
    pub uri: &'a str,
    /// Keys that were tried and did not fit: others are wanted.
    pub other_than: Option<&'a Arc<ClientKeys>>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// The keys.
#[derive(Default)]
pub struct ClientKeyCache {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    waiting: AtomicUsize,
}

/// Counts a request that waits, for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    /// Counts one more where there is a place.
    fn begin(count: &'a AtomicUsize, most: usize) -> Result<Self, KeysBusy> {
        let waiting = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) < most { Ok(waiting) } else { Err(KeysBusy) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientKeyCache {
    /// The keys of a client, read by `read` where there are none, where they are old, or where others are wanted: by one
    /// request at a time, and never in quick succession. None when they cannot be had.
    pub fn keys(
        &self,
        wanted: &WantedKeys<'_>,
        read: impl FnOnce() -> Option<ClientKeys>,
    ) -> Result<Option<Arc<ClientKeys>>, KeysBusy> {
        let slot = self.slot(wanted.client_id);
        if let Some(keys) = slot.usable(wanted, MAX_AGE) {
            return Ok(Some(keys));
        }
        let _of_client = Waiting::begin(&slot.waiting, MAX_WAITING_FOR_ONE)?;
        let _of_all = Waiting::begin(&self.waiting, MAX_WAITING)?;
        let mut reading = unpoisoned(&slot.reading);
        // Whoever read while this request waited may have found what it wants.
        if let Some(keys) = slot.usable(wanted, MAX_AGE) {
            return Ok(Some(keys));
        }
        if reading.allow(wanted) {
            let keys = read();
            reading.tried.push_back((wanted.now, keys.is_some()));
            if let Some(keys) = keys {
                slot.hold(wanted, keys);
            }
        }
        Ok(slot.usable(wanted, MAX_STALE))
    }

    fn slot(&self, client_id: &str) -> Arc<Slot> {
        let mut slots = unpoisoned(&self.slots);
        if let Some(slot) = slots.get(client_id) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_CLIENTS {
            slots.clear();
        }
        let slot = Arc::<Slot>::default();
        slots.insert(client_id.to_owned(), Arc::clone(&slot));
        slot
    }
}

impl Slot {
    fn usable(&self, wanted: &WantedKeys<'_>, max_age: Duration) -> Option<Arc<ClientKeys>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| held.uri == wanted.uri && wanted.now < held.read_at + max_age)?;
        let is_other = wanted.other_than.is_none_or(|tried| !Arc::ptr_eq(tried, &held.keys));
        is_other.then(|| Arc::clone(&held.keys))
    }

    fn hold(&self, wanted: &WantedKeys<'_>, keys: ClientKeys) {
        let held = Held { uri: wanted.uri.to_owned(), keys: Arc::new(keys), read_at: wanted.now };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    #[test]
    fn read_seldom_and_kept_for_a_while() {
        let (cache, reads) = (ClientKeyCache::default(), Cell::new(0));
        let ask = |uri: &str, second: u64, tried: Option<&Arc<ClientKeys>>, works: bool| {
            let now = DateTime::UNIX_EPOCH + Duration::from_secs(second);
            cache.keys(&WantedKeys { client_id: "app", uri, other_than: tried, now }, || {
                reads.set(reads.get() + 1);
                works.then(|| ClientKeys::parse(&json!({ "keys": [] })).unwrap())
            })
        };
        assert!(ask("a", 0, None, false).unwrap().is_none());
        assert!(ask("a", 29, None, true).unwrap().is_none(), "not again so soon");
        let first = ask("a", 30, None, true).unwrap().unwrap();
        let other = ask("a", 40, Some(&first), true).unwrap().unwrap();
        let third = ask("a", 50, Some(&other), true).unwrap().unwrap();
        assert!(ask("a", 59, Some(&third), true).unwrap().is_none(), "not for each unknown kid");
        let second = ask("a", 60, Some(&third), true).unwrap().unwrap();
        assert!(!Arc::ptr_eq(&third, &second) && reads.get() == 5);
        assert!(Arc::ptr_eq(&second, &ask("a", 659, Some(&first), true).unwrap().unwrap()));
        assert!(Arc::ptr_eq(&second, &ask("a", 660, None, false).unwrap().unwrap()), "stale, but all there is");
        assert_eq!(reads.get(), 6);
        assert!(ask("a", 60 + 3600, None, false).unwrap().is_none());
        assert!(ask("b", 60 + 3601, None, true).unwrap().is_some(), "another address is read at once");
    }

    #[test]
    fn one_client_does_not_use_up_the_places_of_others() {
        let cache = ClientKeyCache::default();
        let ask = |client_id: &str| {
            let wanted = WantedKeys { client_id, uri: "a", other_than: None, now: DateTime::UNIX_EPOCH };
            cache.keys(&wanted, || None).map(|keys| keys.is_some())
        };
        cache.slot("slow").waiting.store(MAX_WAITING_FOR_ONE, Ordering::Relaxed);
        assert_eq!((ask("slow"), ask("other")), (Err(KeysBusy), Ok(false)));
        cache.slot("slow").waiting.store(0, Ordering::Relaxed);
        cache.waiting.store(MAX_WAITING, Ordering::Relaxed);
        assert_eq!(ask("slow"), Err(KeysBusy));
        assert_eq!(cache.waiting.load(Ordering::Relaxed), MAX_WAITING);
        assert_eq!(cache.slot("slow").waiting.load(Ordering::Relaxed), 0);
    }
}
