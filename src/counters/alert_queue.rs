//! Alerts on their way from the request that noticed something to the job that stores them: bounded, never waited for.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;

use crate::domain::alert::NewAlert;

/// Most alerts that wait; one more is dropped and counted.
pub const CAPACITY: usize = 1_024;

/// The queue of one instance.
pub struct AlertQueue {
    waiting: Mutex<VecDeque<NewAlert>>,
    dropped: Counter,
}

impl AlertQueue {
    /// An empty queue that counts here what it drops.
    pub fn new(dropped: Counter) -> Self {
        Self { waiting: Mutex::default(), dropped }
    }

    /// Leaves an alert to the job. Costs a lock and no more; false when it was dropped, because too many wait already.
    pub fn offer(&self, alert: NewAlert) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = waiting.len() < CAPACITY;
        if room {
            waiting.push_back(alert);
        } else {
            self.dropped.inc();
        }
        room
    }

    /// Puts back in front what could not be stored.
    pub fn put_back(&self, alert: NewAlert) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_front(alert);
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes the alert that has waited for longest.
    pub fn take(&self) -> Option<NewAlert> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::Value;

    use super::*;
    use crate::domain::alert::{AlertRule, AlertSubject};

    #[test]
    fn a_full_queue_drops_and_counts() {
        let dropped = Counter::default();
        let queue = AlertQueue::new(dropped.clone());
        let alert = |id: usize| {
            NewAlert::new(AlertRule::Test, AlertSubject::new("x", id.to_string()), Value::Null, DateTime::UNIX_EPOCH)
        };
        for id in 0..CAPACITY {
            assert!(queue.offer(alert(id)));
        }
        assert!(!queue.offer(alert(CAPACITY)));
        assert_eq!(dropped.get(), 1);
        let first = queue.take().unwrap();
        assert_eq!(first, alert(0));
        queue.put_back(first);
        assert_eq!(queue.take(), Some(alert(0)));
        assert_eq!(queue.take(), Some(alert(1)));
    }
}
