//! Keys of clients that publish them at a `jwks_uri`, as last read. In memory: each instance reads for itself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::crypto::client_keys::ClientKeys;

/// After this long, keys are read again: a key that was withdrawn must not go on for good.
const MAX_AGE: Duration = Duration::from_secs(600);
/// While they cannot be read, older ones are used for this long.
const MAX_STALE: Duration = Duration::from_secs(3600);
/// The least time between two readings for one client, whatever its requests name: they must not make the server call
/// somebody else as often as they like.
const LEAST_INTERVAL: Duration = Duration::from_secs(30);
/// Most clients held; when full, all are forgotten and read anew.
const MAX_CLIENTS: usize = 10_000;
/// Most requests that read, or wait for another one that does: an address that never answers must not hold up log-ins.
const MAX_WAITING: usize = 32;

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
    /// Whoever has this reads; it tells when that was last tried, and where.
    reading: Mutex<Option<(String, DateTime<Utc>)>>,
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
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            drop(Waiting(&self.waiting));
            return Err(KeysBusy);
        }
        let _waiting = Waiting(&self.waiting);
        let mut reading = unpoisoned(&slot.reading);
        // Whoever read while this request waited may have found what it wants.
        if let Some(keys) = slot.usable(wanted, MAX_AGE) {
            return Ok(Some(keys));
        }
        let is_early = |(uri, at): &(String, DateTime<Utc>)| uri == wanted.uri && wanted.now < *at + LEAST_INTERVAL;
        if !reading.as_ref().is_some_and(is_early) {
            *reading = Some((wanted.uri.to_owned(), wanted.now));
            if let Some(keys) = read() {
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
        assert!(ask("a", 50, Some(&first), true).unwrap().is_none(), "not again for an unknown kid either");
        let second = ask("a", 60, Some(&first), true).unwrap().unwrap();
        assert!(!Arc::ptr_eq(&first, &second) && reads.get() == 3);
        assert!(Arc::ptr_eq(&second, &ask("a", 659, Some(&first), true).unwrap().unwrap()));
        assert!(Arc::ptr_eq(&second, &ask("a", 660, None, false).unwrap().unwrap()), "stale, but all there is");
        assert_eq!(reads.get(), 4);
        assert!(ask("a", 60 + 3600, None, false).unwrap().is_none());
        assert!(ask("b", 60 + 3601, None, true).unwrap().is_some(), "another address is read at once");
        cache.waiting.store(MAX_WAITING, Ordering::Relaxed);
        assert_eq!(ask("c", 9999, None, true).err(), Some(KeysBusy));
        assert_eq!(cache.waiting.load(Ordering::Relaxed), MAX_WAITING);
    }
}
