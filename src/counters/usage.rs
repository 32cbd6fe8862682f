//! Usage counted in memory and handed over in batches: counting never waits for the database. What was not yet handed over
//! is lost in a crash, never more than one interval of it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::usage::{REPORTED_OUTCOMES, SecretUse, UsageCount, UsageKey, UsageSource};

/// Locks are spread over this many parts, so that threads rarely meet.
const SHARDS: u64 = 16;
/// Most counts held in one part between two hand-overs; beyond, those of a credential are added together.
const MAX_COUNTS: usize = 10_000;
/// Most combinations of operation, project and outcome of one credential that are told apart in a day: whoever names them
/// must not fill the database.
const MAX_COMBINATIONS: usize = 500;
/// Most combinations remembered in one part; beyond, all are forgotten and told apart anew.
const MAX_REMEMBERED: usize = 50_000;
/// Longest operation, project or outcome, in bytes.
const MAX_NAME: usize = 100;
/// What is beyond these is counted under.
const OTHER: &str = "other";

#[derive(Default)]
struct Shard {
    counts: HashMap<UsageKey, UsageCount>,
    uses: HashMap<(String, String, String), SecretUse>,
    /// By credential: a day and the hashes of its combinations.
    combinations: HashMap<String, (i64, HashSet<u64>)>,
    remembered: usize,
    dropped: u64,
}

/// The counts since the last hand-over.
pub struct UsageCounters {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
}

impl Default for UsageCounters {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

/// What has been counted since the last hand-over.
#[derive(Debug, Default)]
pub struct Counted {
    /// By day, credential, operation, project and outcome.
    pub counts: Vec<(UsageKey, UsageCount)>,
    /// By secret and address.
    pub uses: Vec<SecretUse>,
    /// How many there was no room for.
    pub dropped: u64,
}

impl UsageCounters {
    fn shard(&self, credential_id: &str) -> Option<MutexGuard<'_, Shard>> {
        let index = usize::try_from(self.hasher.hash_one(credential_id) % SHARDS).unwrap_or_default();
        self.shards.get(index).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds to a count.
    pub fn count(&self, mut key: UsageKey, count: UsageCount) {
        let Some(mut shard) = self.shard(&key.credential_id) else { return };
        for name in [&mut key.operation, &mut key.project, &mut key.outcome] {
            // No database takes a NUL into a text.
            if name.len() > MAX_NAME || name.contains('\0') {
                OTHER.clone_into(name);
            }
        }
        let combination = self.hasher.hash_one((&key.operation, &key.project, &key.outcome));
        let is_told_apart = shard.is_told_apart(&key, combination);
        if !is_told_apart || (shard.counts.len() >= MAX_COUNTS && !shard.counts.contains_key(&key)) {
            fold(&mut key);
        }
        if shard.counts.len() >= 2 * MAX_COUNTS && !shard.counts.contains_key(&key) {
            shard.dropped += 1;
            return;
        }
        shard.counts.entry(key).or_default().add(count);
    }

    /// Notes the use of a secret.
    pub fn used(&self, used: SecretUse) {
        let Some(mut shard) = self.shard(&used.credential_id) else { return };
        let key = (used.credential_id.clone(), used.secret_id.clone(), used.address.clone());
        if shard.uses.len() >= MAX_COUNTS && !shard.uses.contains_key(&key) {
            shard.dropped += 1;
            return;
        }
        let known = shard.uses.entry(key).or_insert_with(|| SecretUse { uses: 0, ..used.clone() });
        known.uses = known.uses.saturating_add(used.uses);
        known.first_used_at = known.first_used_at.min(used.first_used_at);
        known.last_used_at = known.last_used_at.max(used.last_used_at);
    }

    /// Takes everything counted so far.
    pub fn take(&self) -> Counted {
        let mut counted = Counted::default();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            counted.counts.extend(std::mem::take(&mut shard.counts));
            counted.uses.extend(std::mem::take(&mut shard.uses).into_values());
            counted.dropped += std::mem::take(&mut shard.dropped);
        }
        counted
    }

    /// How many counts wait to be handed over.
    pub fn waiting(&self) -> usize {
        let held = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.counts.len() + shard.uses.len()
        };
        self.shards.iter().map(held).sum()
    }

    /// Puts back what could not be handed over.
    pub fn put_back(&self, counted: Counted) {
        counted.counts.into_iter().for_each(|(key, count)| self.count(key, count));
        counted.uses.into_iter().for_each(|used| self.used(used));
    }
}

impl Shard {
    /// Is there room to keep this combination apart from the others of its credential and day?
    fn is_told_apart(&mut self, key: &UsageKey, combination: u64) -> bool {
        if self.remembered >= MAX_REMEMBERED {
            self.combinations.clear();
            self.remembered = 0;
        }
        if !self.combinations.contains_key(&key.credential_id) {
            self.combinations.insert(key.credential_id.clone(), (key.day, HashSet::new()));
            self.remembered += 1;
        }
        let Some((day, known)) = self.combinations.get_mut(&key.credential_id) else { return false };
        if *day != key.day {
            *day = key.day;
            self.remembered = self.remembered.saturating_sub(known.len());
            known.clear();
        }
        if known.contains(&combination) {
            return true;
        }
        let has_room = known.len() < MAX_COMBINATIONS;
        if has_room {
            known.insert(combination);
            self.remembered += 1;
        }
        has_room
    }
}

/// What is no longer told apart: operation and project, where one was named, and of reported outcomes what an API server invented.
fn fold(key: &mut UsageKey) {
    for name in [&mut key.operation, &mut key.project].into_iter().filter(|name| !name.is_empty()) {
        OTHER.clone_into(name);
    }
    if key.source == UsageSource::Report && !REPORTED_OUTCOMES.contains(&key.outcome.as_str()) {
        OTHER.clone_into(&mut key.outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(operation: &str) -> UsageKey {
        UsageKey {
            credential_id: "ak_1".to_owned(),
            day: 1,
            source: UsageSource::Door,
            operation: operation.to_owned(),
            project: String::new(),
            outcome: "valid".to_owned(),
        }
    }

    #[test]
    fn counts_add_up_are_taken_once_and_can_be_put_back() {
        let counters = UsageCounters::default();
        let one = UsageCount { requests: 1, units: 2, duration_micros: 3 };
        counters.count(key("a"), one);
        counters.count(key("a"), one);
        let taken = counters.take();
        assert_eq!(taken.counts, [(key("a"), UsageCount { requests: 2, units: 4, duration_micros: 6 })]);
        assert!(counters.take().counts.is_empty());
        counters.put_back(taken);
        counters.count(key("a"), one);
        assert_eq!(counters.take().counts[0].1.requests, 3);
    }

    #[test]
    fn combinations_of_a_credential_are_bounded() {
        let counters = UsageCounters::default();
        let one = UsageCount { requests: 1, ..UsageCount::default() };
        for number in 0..2_000 {
            let (project, outcome) = (number.to_string(), format!("word_{number}"));
            counters.count(UsageKey { source: UsageSource::Report, project, outcome, ..key("a") }, one);
        }
        counters.count(key(&"x".repeat(101)), one);
        counters.count(key("a\0b"), one);
        let taken = counters.take().counts;
        assert_eq!(taken.len(), MAX_COMBINATIONS + 2);
        assert_eq!(taken.iter().map(|(_, count)| count.requests).sum::<i64>(), 2_002);
        // Another day begins anew.
        counters.count(UsageKey { day: 2, ..key("fresh") }, one);
        assert_eq!(counters.take().counts[0].0.operation, "fresh");
    }

    #[test]
    fn a_flood_of_credentials_is_bounded() {
        let counters = UsageCounters::default();
        let one = UsageCount { requests: 1, ..UsageCount::default() };
        for number in 0..330_000 {
            counters.count(UsageKey { credential_id: number.to_string(), ..key("a") }, one);
        }
        let taken = counters.take();
        let most = usize::try_from(SHARDS).unwrap() * 2 * MAX_COUNTS;
        assert!(taken.counts.len() <= most, "{}", taken.counts.len());
        assert_eq!(taken.counts.len() as u64 + taken.dropped, 330_000);
        assert!(counters.shards.iter().all(|shard| shard.lock().unwrap().remembered <= MAX_REMEMBERED + 1));
    }
}
