//! Rate limits in memory: a map in many parts, each behind a lock of its own, so that callers rarely meet. Keys that used
//! nothing for their longest window are dropped now and then, and the number of keys is bounded.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use super::track::Track;
use super::{Counted, RateVerdict, SECOND, Window, verdict};

/// Parts of the map.
const SHARDS: usize = 64;
/// Most keys held. One that is hot in a minute and an hour takes about 8 KiB, most take a hundred bytes.
const MAX_KEYS: usize = 500_000;
const MAX_KEYS_OF_SHARD: usize = MAX_KEYS / SHARDS;
/// How often a part looks for idle keys, in microseconds.
const SWEEP_INTERVAL: i64 = 60 * SECOND;

/// The counts of this instance.
pub struct Memory {
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

#[derive(Default)]
struct Shard {
    keys: HashMap<Box<str>, Vec<Track>>,
    swept_at: i64,
}

impl Memory {
    /// See [`super::RateLimits::take`].
    pub fn take(&self, key: &str, windows: &[Window], cost: u32, now: i64) -> RateVerdict {
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        let Some(shard) = self.shards.get(place) else { return verdict(windows, std::iter::empty(), now) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.sweep_if_due(now);
        match shard.keys.get_mut(key) {
            Some(tracks) => take(tracks, windows, cost, now),
            None => {
                let mut tracks = Vec::with_capacity(windows.len());
                let verdict = take(&mut tracks, windows, cost, now);
                if tracks.iter().any(|track| track.empty_at().is_some()) {
                    shard.make_room(now);
                    shard.keys.insert(key.into(), tracks);
                }
                verdict
            }
        }
    }

    /// How many keys it holds.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().keys.len()).sum()
    }
}

/// Looks at every window, and counts in each of them if there is room in all.
fn take(tracks: &mut Vec<Track>, windows: &[Window], cost: u32, now: i64) -> RateVerdict {
    let mut fits = true;
    let counted = windows.iter().map(|window| {
        let track = track(tracks, window.seconds);
        let counted = track.map_or_else(Counted::default, |track| track.look(*window, cost, now));
        fits &= counted.room_at.is_none();
        counted
    });
    let before = verdict(windows, counted, now);
    if !fits || cost == 0 {
        return before;
    }
    for (index, window) in windows.iter().enumerate() {
        // Two limits over the same length share what is counted.
        let repeated = windows.iter().take(index).any(|earlier| earlier.seconds == window.seconds);
        if let (false, Some(track)) = (repeated, track(tracks, window.seconds)) {
            track.add(cost, now);
        }
    }
    let counted = windows.iter().map(|window| {
        let track = track(tracks, window.seconds);
        track.map_or_else(Counted::default, |track| track.look(*window, 0, now))
    });
    verdict(windows, counted, now)
}

fn track(tracks: &mut Vec<Track>, seconds: u32) -> Option<&mut Track> {
    if let Some(index) = tracks.iter().position(|track| track.seconds() == seconds) {
        return tracks.get_mut(index);
    }
    tracks.push(Track::new(seconds));
    tracks.last_mut()
}

impl Shard {
    fn sweep_if_due(&mut self, now: i64) {
        if now.saturating_sub(self.swept_at).saturating_abs() >= SWEEP_INTERVAL {
            self.sweep(now);
        }
    }

    /// Drops the keys that count nothing any more.
    fn sweep(&mut self, now: i64) {
        self.swept_at = now;
        self.keys.retain(|_, tracks| last(tracks) > now);
        if self.keys.capacity() > 64 && self.keys.len() < self.keys.capacity() / 4 {
            self.keys.shrink_to_fit();
        }
    }

    /// Room for one more key: idle ones go first, then the sixteenth that will be idle soonest.
    fn make_room(&mut self, now: i64) {
        if self.keys.len() < MAX_KEYS_OF_SHARD {
            return;
        }
        self.sweep(now);
        if self.keys.len() < MAX_KEYS_OF_SHARD {
            return;
        }
        let mut ends: Vec<i64> = self.keys.values().map(|tracks| last(tracks)).collect();
        let (_, soonest, _) = ends.select_nth_unstable(MAX_KEYS_OF_SHARD / 16);
        let soonest = *soonest;
        // Many may end at the same moment: no more than wanted go, so that a flood cannot clear the map.
        let mut wanted = MAX_KEYS_OF_SHARD / 16;
        self.keys.retain(|_, tracks| {
            let goes = wanted > 0 && last(tracks) <= soonest;
            wanted -= usize::from(goes);
            !goes
        });
    }
}

/// When a key counts nothing any more.
fn last(tracks: &[Track]) -> i64 {
    tracks.iter().filter_map(Track::empty_at).max().unwrap_or(i64::MIN)
}
