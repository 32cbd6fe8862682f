//! What this instance was asked since it was last written down, for the figures by hour: a few numbers, and the credentials
//! that asked most.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::domain::hour_figures::{CredentialCount, HourFigure};
use crate::domain::usage::{UsageCount, UsageKey, UsageSource};
use crate::domain::usage_summary::is_error;

/// Most credentials taken up each time that usage is written: the busiest.
const BUSIEST: usize = 50;
/// Most credentials that one instance tells apart in an hour.
const MOST: usize = 1_000;

/// The figures since they were last taken.
#[derive(Default)]
pub struct HourCounters {
    figures: [AtomicI64; HourFigure::ALL.len()],
    waiting: Mutex<HashMap<String, (i64, i64)>>,
    told_apart: Mutex<(i64, HashSet<String>)>,
}

/// What was taken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct HourCounts {
    /// Figures that are not 0.
    pub figures: Vec<(HourFigure, i64)>,
    /// In the order of their identifiers.
    pub credentials: Vec<CredentialCount>,
}

impl HourCounts {
    /// Is there nothing to write?
    pub fn is_empty(&self) -> bool {
        self.figures.is_empty() && self.credentials.is_empty()
    }
}

impl HourCounters {
    /// Counts one.
    pub fn count(&self, figure: HourFigure) {
        self.add(figure, 1);
    }

    fn add(&self, figure: HourFigure, number: i64) {
        if let Some(counter) = self.figures.get(figure as usize) {
            counter.fetch_add(number, Ordering::Relaxed);
        }
    }

    /// The busiest credentials of what the doors counted.
    pub fn busiest(counts: &[(UsageKey, UsageCount)]) -> Vec<CredentialCount> {
        let mut sums: HashMap<&str, (i64, i64)> = HashMap::new();
        for (key, count) in counts.iter().filter(|(key, _)| key.source == UsageSource::Door) {
            let sum = sums.entry(key.credential_id.as_str()).or_default();
            let refused = if is_error(key) { count.requests } else { 0 };
            *sum = (sum.0.saturating_add(count.requests), sum.1.saturating_add(refused));
        }
        let count =
            |(id, (requests, refused)): (&str, _)| CredentialCount { credential_id: id.to_owned(), requests, refused };
        let mut busiest: Vec<_> = sums.into_iter().map(count).collect();
        busiest.sort_unstable_by(|one, other| {
            other.requests.cmp(&one.requests).then_with(|| one.credential_id.cmp(&other.credential_id))
        });
        busiest.truncate(BUSIEST);
        busiest
    }

    /// Takes these up, as far as there is room in this hour.
    pub fn tell_apart(&self, busiest: Vec<CredentialCount>, hour: i64) {
        let mut told_apart = self.told_apart.lock().unwrap_or_else(PoisonError::into_inner);
        if told_apart.0 != hour {
            *told_apart = (hour, HashSet::new());
        }
        for CredentialCount { credential_id, requests, refused } in busiest {
            if told_apart.1.contains(&credential_id) || told_apart.1.len() < MOST {
                self.wait(&credential_id, (requests, refused));
                told_apart.1.insert(credential_id);
            }
        }
    }

    fn wait(&self, id: &str, (requests, refused): (i64, i64)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST && !waiting.contains_key(id) {
            return;
        }
        let sum = waiting.entry(id.to_owned()).or_default();
        *sum = (sum.0.saturating_add(requests), sum.1.saturating_add(refused));
    }

    /// Takes what was counted.
    pub fn take(&self) -> HourCounts {
        let taken = HourFigure::ALL.into_iter().zip(&self.figures);
        let figures = taken.map(|(figure, counter)| (figure, counter.swap(0, Ordering::Relaxed)));
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let count = |(credential_id, (requests, refused))| CredentialCount { credential_id, requests, refused };
        let mut credentials: Vec<_> = waiting.into_iter().map(count).collect();
        credentials.sort_unstable_by(|one, other| one.credential_id.cmp(&other.credential_id));
        HourCounts { figures: figures.filter(|(_, number)| *number != 0).collect(), credentials }
    }

    /// Puts back what could not be written.
    pub fn put_back(&self, counts: HourCounts) {
        counts.figures.into_iter().for_each(|(figure, number)| self.add(figure, number));
        for count in counts.credentials {
            self.wait(&count.credential_id, (count.requests, count.refused));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(id: usize, outcome: &str, requests: i64) -> (UsageKey, UsageCount) {
        let key = UsageKey {
            credential_id: format!("ak_{id:05}"),
            day: 1,
            source: UsageSource::Door,
            operation: String::new(),
            project: String::new(),
            outcome: outcome.to_owned(),
        };
        (key, UsageCount { requests, ..UsageCount::default() })
    }

    #[test]
    fn what_is_taken_is_gone_and_may_come_back() {
        let hours = HourCounters::default();
        hours.count(HourFigure::Tokens);
        hours.count(HourFigure::Tokens);
        let counts = [used(2, "valid", 5), used(2, "expired", 1), used(1, "valid", 3)];
        hours.tell_apart(HourCounters::busiest(&counts), 7);
        let taken = hours.take();
        assert_eq!(taken.figures, [(HourFigure::Tokens, 2)]);
        assert_eq!(taken.credentials[0].credential_id, "ak_00001");
        assert_eq!((taken.credentials[1].requests, taken.credentials[1].refused), (6, 1));
        assert!(hours.take().is_empty());
        hours.put_back(taken.clone());
        assert_eq!(hours.take(), taken);
    }

    #[test]
    fn only_the_busiest_are_told_apart() {
        let hours = HourCounters::default();
        let many: Vec<_> = (0..200).map(|id| used(id, "valid", i64::try_from(id).unwrap() + 1)).collect();
        hours.tell_apart(HourCounters::busiest(&many), 7);
        let taken = hours.take().credentials;
        assert_eq!(taken.len(), BUSIEST);
        assert_eq!(taken[0].credential_id, "ak_00150");
        for round in 0..100 {
            let others: Vec<_> = (0..50).map(|id| used(1_000 + round * 50 + id, "valid", 1)).collect();
            hours.tell_apart(HourCounters::busiest(&others), 7);
        }
        assert!(hours.take().credentials.len() < MOST);
        hours.tell_apart(HourCounters::busiest(&[used(99_999, "valid", 1)]), 8);
        assert_eq!(hours.take().credentials.len(), 1);
    }
}
