//! Usage counted in memory and handed over in batches: counting never waits for the database. What was not yet handed over
//! is lost in a crash, never more than one interval of it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::usage::{SecretUse, UsageCount, UsageKey};

/// Locks are spread over this many parts, so that threads rarely meet.
const SHARDS: u64 = 16;
/// Most counts held in one part between two hand-overs; beyond, counts go under an empty operation.
const MAX_COUNTS: usize = 20_000;
/// Most operations of one credential that are told apart in a day: whoever names them must not fill the database.
const MAX_OPERATIONS: usize = 100;
/// What operations beyond that are counted under.
const OTHER: &str = "other";

#[derive(Default)]
struct Shard {
    counts: HashMap<UsageKey, UsageCount>,
    uses: HashMap<(String, String, String), SecretUse>,
    operations: HashMap<String, (i64, HashSet<String>)>,
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
}

impl UsageCounters {
    fn shard(&self, credential_id: &str) -> Option<MutexGuard<'_, Shard>> {
        let index = usize::try_from(self.hasher.hash_one(credential_id) % SHARDS).unwrap_or_default();
        self.shards.get(index).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds to a count.
    pub fn count(&self, mut key: UsageKey, count: UsageCount) {
        let Some(mut shard) = self.shard(&key.credential_id) else { return };
        shard.bound_operation(&mut key);
        if shard.counts.len() >= MAX_COUNTS && !shard.counts.contains_key(&key) {
            OTHER.clone_into(&mut key.operation);
            key.project.clear();
        }
        shard.counts.entry(key).or_default().add(count);
    }

    /// Notes the use of a secret.
    pub fn used(&self, used: SecretUse) {
        let Some(mut shard) = self.shard(&used.credential_id) else { return };
        let key = (used.credential_id.clone(), used.secret_id.clone(), used.address.clone());
        if shard.uses.len() >= MAX_COUNTS && !shard.uses.contains_key(&key) {
            return;
        }
        let known = shard.uses.entry(key).or_insert_with(|| SecretUse { uses: 0, ..used.clone() });
        known.uses = known.uses.saturating_add(used.uses);
        known.last_used_at = known.last_used_at.max(used.last_used_at);
    }

    /// Takes everything counted so far.
    pub fn take(&self) -> Counted {
        let mut counted = Counted::default();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            counted.counts.extend(std::mem::take(&mut shard.counts));
            counted.uses.extend(std::mem::take(&mut shard.uses).into_values());
        }
        counted
    }

    /// Puts back what could not be handed over.
    pub fn put_back(&self, counted: Counted) {
        counted.counts.into_iter().for_each(|(key, count)| self.count(key, count));
        counted.uses.into_iter().for_each(|used| self.used(used));
    }
}

impl Shard {
    fn bound_operation(&mut self, key: &mut UsageKey) {
        if key.operation.is_empty() {
            return;
        }
        if self.operations.len() >= MAX_COUNTS && !self.operations.contains_key(&key.credential_id) {
            self.operations.clear();
        }
        let (day, known) = self.operations.entry(key.credential_id.clone()).or_default();
        if *day != key.day {
            *day = key.day;
            known.clear();
        }
        if known.contains(&key.operation) {
            return;
        }
        if known.len() < MAX_OPERATIONS {
            known.insert(key.operation.clone());
        } else {
            OTHER.clone_into(&mut key.operation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::usage::UsageSource;

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
    fn operations_are_bounded() {
        let counters = UsageCounters::default();
        for number in 0..500 {
            counters.count(key(&number.to_string()), UsageCount { requests: 1, ..UsageCount::default() });
        }
        let taken = counters.take().counts;
        assert_eq!(taken.len(), MAX_OPERATIONS + 1);
        assert_eq!(taken.iter().map(|(_, count)| count.requests).sum::<i64>(), 500);
    }
}
