//! How clients that are told of logouts have answered of late, so that those that do not answer hold up nobody else.
//! In memory: each instance finds out for itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The rest of a client after its first failure in a row; each further one doubles it.
const FIRST_REST: Duration = Duration::from_secs(5);
/// Its longest rest.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// An attempt that takes longer counts against the client, although it arrived.
const SLOW: Duration = Duration::from_secs(2);
/// Most clients at once that failed or were slow the last time: the other threads are for those that answer.
const MAX_BAD: usize = 2;
/// Most clients remembered; when full, those that rest no more are forgotten, and if there are none, all.
const MAX_HELD: usize = 1_000;

/// What is remembered of a client that failed or was slow.
struct Bad {
    failures: u32,
    rests_until: DateTime<Utc>,
}

#[derive(Default)]
struct Held {
    busy: BTreeSet<String>,
    bad: HashMap<String, Bad>,
}

/// The clients that some thread is at, and those that did not do well the last time.
#[derive(Default)]
pub struct ClientStandings(Mutex<Held>);

/// A client that is this thread's alone until this goes.
pub struct TakenClient<'a> {
    standings: &'a ClientStandings,
    client_id: String,
}

impl ClientStandings {
    /// Takes a client for this thread: one that `choose` finds when it is told which ones must not be taken now.
    pub fn take<T, E>(
        &self,
        now: DateTime<Utc>,
        choose: impl FnOnce(&[String]) -> Result<Option<(T, String)>, E>,
    ) -> Result<Option<(T, TakenClient<'_>)>, E> {
        let mut held = self.lock();
        let not_these = held.not_now(now);
        Ok(choose(&not_these)?.map(|(chosen, client_id)| {
            held.busy.insert(client_id.clone());
            (chosen, TakenClient { standings: self, client_id })
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn not_now(&self, now: DateTime<Utc>) -> Vec<String> {
        let full = self.busy.iter().filter(|client_id| self.bad.contains_key(*client_id)).count() >= MAX_BAD;
        let bad = self
            .bad
            .iter()
            .filter(|(client_id, bad)| (full || now < bad.rests_until) && !self.busy.contains(*client_id));
        self.busy.iter().chain(bad.map(|(client_id, _)| client_id)).cloned().collect()
    }

    fn note(&mut self, client_id: &str, failures: u32, rests_until: DateTime<Utc>, now: DateTime<Utc>) {
        if self.bad.len() >= MAX_HELD {
            self.bad.retain(|_, bad| now < bad.rests_until);
        }
        if self.bad.len() >= MAX_HELD {
            self.bad.clear();
        }
        self.bad.insert(client_id.to_owned(), Bad { failures, rests_until });
    }
}

impl TakenClient<'_> {
    /// Its identifier.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// It answered, after this long.
    pub fn answered(&self, after: chrono::Duration, now: DateTime<Utc>) {
        let mut held = self.standings.lock();
        if after.to_std().is_ok_and(|after| after > SLOW) {
            held.note(&self.client_id, 0, now, now);
        } else {
            held.bad.remove(&self.client_id);
        }
    }

    /// It did not: until when it rests.
    pub fn failed(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut held = self.standings.lock();
        let failures = held.bad.get(&self.client_id).map_or(0, |bad| bad.failures);
        let rest = FIRST_REST.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_REST);
        held.note(&self.client_id, failures.saturating_add(1), now + rest, now);
        now + rest
    }
}

impl Drop for TakenClient<'_> {
    fn drop(&mut self) {
        self.standings.lock().busy.remove(&self.client_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    /// The first of these that may be taken.
    fn take<'a>(standings: &'a ClientStandings, second: u64, of: &[&str]) -> Option<TakenClient<'a>> {
        let choose = |not_these: &[String]| {
            let found = of.iter().find(|client_id| !not_these.iter().any(|not| not == *client_id));
            Ok::<_, ()>(found.map(|client_id| ((), (*client_id).to_owned())))
        };
        standings.take(at(second), choose).unwrap().map(|((), taken)| taken)
    }

    #[test]
    fn a_client_is_one_thread_s_and_rests_longer_each_time() {
        let standings = ClientStandings::default();
        let first = take(&standings, 0, &["a"]).unwrap();
        assert!(take(&standings, 0, &["a"]).is_none());
        let rests: Vec<i64> = (0..8).map(|_| (first.failed(at(0)) - at(0)).num_seconds()).collect();
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 300, 300]);
        drop(first);
        assert!(take(&standings, 299, &["a"]).is_none());
        let again = take(&standings, 300, &["a"]).unwrap();
        again.answered(chrono::Duration::seconds(1), at(301));
        assert_eq!(again.failed(at(301)), at(306), "an answer wipes the slate");
    }

    #[test]
    fn those_that_fail_or_are_slow_get_two_threads() {
        let standings = ClientStandings::default();
        for client_id in ["a", "b", "c"] {
            let taken = take(&standings, 0, &[client_id]).unwrap();
            if client_id == "c" {
                taken.answered(chrono::Duration::seconds(3), at(0));
            } else {
                taken.failed(at(0));
            }
        }
        let bad = ["c", "b", "a"];
        let held = [take(&standings, 10, &bad).unwrap(), take(&standings, 10, &bad).unwrap()];
        assert_eq!(held.each_ref().map(TakenClient::client_id), ["c", "b"]);
        assert!(take(&standings, 10, &bad).is_none());
        assert!(take(&standings, 10, &["a", "good"]).is_some_and(|taken| taken.client_id() == "good"));
        drop(held);
        assert!(take(&standings, 10, &["a"]).is_some());
    }

    #[test]
    fn no_more_is_held_than_fits() {
        let standings = ClientStandings::default();
        for number in 0..=MAX_HELD as u64 {
            take(&standings, number * 10, &[&number.to_string()]).unwrap().failed(at(number * 10));
        }
        assert!(standings.lock().bad.len() <= 2 && standings.lock().busy.is_empty());
    }
}
