//! How the background jobs of this instance fare: when each last ran, and whether it fails.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// How one job fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobState {
    /// How long it waits between two runs.
    pub interval: Duration,
    /// When it last ended a run, well or not.
    pub last_run: Option<DateTime<Utc>>,
    /// When it last ended one well.
    pub last_success: Option<DateTime<Utc>>,
    /// Since when each run fails; None while it is well.
    pub failing_since: Option<DateTime<Utc>>,
    /// What the last failure was.
    pub error: Option<String>,
}

/// Longest error kept, in characters.
const MAX_ERROR: usize = 300;

/// The jobs of this instance by name.
#[derive(Default)]
pub struct JobBoard(Mutex<BTreeMap<String, JobState>>);

impl JobBoard {
    /// A job that will run.
    pub fn add(&self, name: &str, interval: Duration) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.insert(name.to_owned(), JobState { interval, ..JobState::default() });
    }

    /// A run that ended now, with what went wrong.
    pub fn ran(&self, name: &str, error: Option<String>, now: DateTime<Utc>) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let job = jobs.entry(name.to_owned()).or_default();
        job.last_run = Some(now);
        match error {
            None => (job.last_success, job.failing_since, job.error) = (Some(now), None, None),
            Some(error) => {
                job.failing_since.get_or_insert(now);
                job.error = Some(error.chars().take(MAX_ERROR).collect());
            }
        }
    }

    /// Every job, by name; none in a process that runs no jobs.
    pub fn list(&self) -> Vec<(String, JobState)> {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.iter().map(|(name, job)| (name.clone(), job.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_fails_since_its_first_failure() {
        let (board, start) = (JobBoard::default(), DateTime::UNIX_EPOCH);
        let after = |seconds| start + Duration::from_secs(seconds);
        board.add("purge", Duration::from_secs(60));
        assert_eq!(board.list()[0].1.last_run, None);
        board.ran("purge", None, after(1));
        board.ran("purge", Some("x".repeat(1_000)), after(2));
        board.ran("purge", Some("gone".to_owned()), after(3));
        let job = board.list().remove(0).1;
        assert_eq!((job.last_run, job.last_success), (Some(after(3)), Some(after(1))));
        assert_eq!((job.failing_since, job.error.as_deref()), (Some(after(2)), Some("gone")));
        board.ran("purge", None, after(4));
        assert_eq!(board.list()[0].1.failing_since, None);
    }
}
