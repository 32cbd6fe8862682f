//! Refused requests on their way to the database: a sample, however many there are. A flood of bad requests costs a lock
//! and a look at a count.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::refusal::Refusal;

/// Most that wait between two hand-overs.
const MAX_WAITING: usize = 100;
/// Most of one subject between two hand-overs.
const MAX_OF_SUBJECT: u32 = 5;
/// Most within an hour.
const MAX_PER_HOUR: usize = 5_000;
/// Most of one subject within an hour.
const MAX_OF_SUBJECT_PER_HOUR: u32 = 200;
/// Seconds of an hour.
const HOUR: i64 = 3_600;

/// Whose refusal it is: those of strangers must leave room for those of whom we know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RefusalSubject {
    /// A credential or a client that authenticated.
    Known(String),
    /// Anybody from this network.
    Stranger(String),
}

#[derive(Default)]
struct Waiting {
    refusals: Vec<Refusal>,
    /// By subject, since the last hand-over and within this hour.
    counts: HashMap<RefusalSubject, (u32, u32)>,
    strangers: usize,
    strangers_this_hour: usize,
    hour: i64,
    this_hour: usize,
}

/// The sample of one instance.
#[derive(Default)]
pub struct Refusals(Mutex<Waiting>);

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a refusal into the sample, if there is room; only then is it made. True if it was taken.
    pub fn note(&self, subject: RefusalSubject, now: DateTime<Utc>, make: impl FnOnce() -> Option<Refusal>) -> bool {
        let mut waiting = self.lock();
        let hour = now.timestamp().div_euclid(HOUR);
        if waiting.hour != hour {
            (waiting.hour, waiting.this_hour, waiting.strangers_this_hour) = (hour, 0, 0);
            waiting.counts.clear();
        }
        let is_stranger = matches!(subject, RefusalSubject::Stranger(_));
        let full = waiting.refusals.len() >= MAX_WAITING
            || waiting.this_hour >= MAX_PER_HOUR
            || (is_stranger
                && (waiting.strangers >= MAX_WAITING / 2 || waiting.strangers_this_hour >= MAX_PER_HOUR / 2));
        if full {
            return false;
        }
        let (recent, hourly) = waiting.counts.get(&subject).copied().unwrap_or_default();
        if recent >= MAX_OF_SUBJECT || hourly >= MAX_OF_SUBJECT_PER_HOUR {
            return false;
        }
        let Some(refusal) = make() else { return false };
        waiting.counts.insert(subject, (recent + 1, hourly + 1));
        waiting.this_hour += 1;
        if is_stranger {
            waiting.strangers += 1;
            waiting.strangers_this_hour += 1;
        }
        waiting.refusals.push(refusal);
        true
    }

    /// Takes what waits.
    pub fn take(&self) -> Vec<Refusal> {
        let mut waiting = self.lock();
        waiting.counts.values_mut().for_each(|(recent, _)| *recent = 0);
        waiting.strangers = 0;
        std::mem::take(&mut waiting.refusals)
    }

    /// What waits of this request.
    pub fn of_request(&self, request_id: &str) -> Vec<Refusal> {
        self.lock().refusals.iter().filter(|refusal| refusal.request_id == request_id).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::TimeDelta;

    use super::*;
    use crate::domain::refusal::RefusingDoor;

    fn refusal() -> Refusal {
        Refusal {
            id: String::new(),
            request_id: "r1".to_owned(),
            occurred_at: DateTime::UNIX_EPOCH,
            door: RefusingDoor::Verify,
            code: "unknown".to_owned(),
            step: "known".to_owned(),
            message: String::new(),
            credential_id: None,
            asked_by: None,
            address: None,
            asked: BTreeMap::new(),
        }
    }

    fn note(refusals: &Refusals, subject: RefusalSubject, now: DateTime<Utc>) -> bool {
        refusals.note(subject, now, || Some(refusal()))
    }

    #[test]
    fn a_flood_leaves_a_sample() {
        let refusals = Refusals::default();
        let (now, known) = (DateTime::UNIX_EPOCH, |name: &str| RefusalSubject::Known(name.to_owned()));
        let taken = (0..1_000).filter(|_| note(&refusals, known("ak_1"), now)).count();
        assert_eq!(taken, usize::try_from(MAX_OF_SUBJECT).unwrap());
        // Strangers have half of it, and whom we know has room beside them.
        let stranger = |number: usize| RefusalSubject::Stranger(number.to_string());
        let taken = (0..1_000).filter(|number| note(&refusals, stranger(*number), now)).count();
        assert_eq!(taken, MAX_WAITING / 2);
        assert!(note(&refusals, known("ak_2"), now));
        assert_eq!(refusals.of_request("r1").len(), 56);
        assert_eq!(refusals.take().len(), 56);
        assert!(refusals.take().is_empty() && note(&refusals, known("ak_1"), now));
    }

    #[test]
    fn an_hour_is_bounded_and_the_next_begins_anew() {
        let refusals = Refusals::default();
        let now = DateTime::UNIX_EPOCH;
        let mut taken = 0;
        for number in 0..20_000 {
            taken += usize::from(note(&refusals, RefusalSubject::Known((number % 2_000).to_string()), now));
            if number % 50 == 0 {
                refusals.take();
            }
        }
        assert_eq!(taken, MAX_PER_HOUR);
        let one = RefusalSubject::Known("one".to_owned());
        let later = now + TimeDelta::hours(1);
        let taken = (0..10_000).filter(|_| {
            refusals.take();
            note(&refusals, one.clone(), later)
        });
        assert_eq!(taken.count(), usize::try_from(MAX_OF_SUBJECT_PER_HOUR).unwrap());
    }
}
