//! A pool of its own for password hashing: few threads and a bounded queue, so that a flood of log-ins takes at most
//! these threads and never those that issue tokens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::crypto::password::HashMemory;

/// Runs in the memory of the thread that takes it.
type Job = Box<dyn FnOnce(&mut HashMemory) + Send>;

/// A bounded pool of hashing threads.
pub struct PasswordPool {
    queue: SyncSender<Job>,
    few: AtomicUsize,
}

/// The queue is full, or the pool has ended: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many password checks are waiting")]
pub struct PoolBusy;

impl PasswordPool {
    /// Starts `threads` threads behind a queue of `capacity` jobs.
    pub fn start(threads: usize, capacity: usize) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(capacity);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("password-{number}")).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue, few: AtomicUsize::new(0) })
    }

    /// Like [`PasswordPool::run`], but refused while `limit` jobs of this way are waiting: for callers whose own threads
    /// are few and must not all end up here.
    pub fn run_few<T: Send + 'static>(
        &self,
        limit: usize,
        job: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, PoolBusy> {
        let waiting = self.few.fetch_add(1, Ordering::SeqCst);
        let answer = if waiting < limit { self.run(job) } else { Err(PoolBusy) };
        self.few.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    /// Runs `job` on a pool thread and waits for its answer. Must not be called from an async thread.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, PoolBusy> {
        let (answer, answered) = sync_channel(1);
        let job = Box::new(move |memory: &mut HashMemory| drop(answer.send(job(memory))));
        self.queue.try_send(job).map_err(|_| PoolBusy)?;
        answered.recv().map_err(|_| PoolBusy)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let mut memory = HashMemory::default();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A job that panics must not take its thread along; its caller sees the dropped channel.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut memory)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survives_a_panic_and_refuses_a_full_queue() {
        let pool = PasswordPool::start(1, 1).unwrap();
        assert_eq!(pool.run(|_| 7), Ok(7));
        assert_eq!(pool.run(|_| panic!("a job fails")), Err::<(), _>(PoolBusy));
        assert_eq!(pool.run(|_| 8), Ok(8));
        let (hold, held) = sync_channel::<()>(0);
        let (started, start) = sync_channel::<()>(0);
        thread::scope(|scope| {
            let pool = &pool;
            scope.spawn(move || {
                pool.run(move |_| {
                    started.send(()).unwrap();
                    held.recv().ok()
                })
            });
            start.recv().unwrap();
            pool.queue.try_send(Box::new(|_| ())).unwrap();
            assert_eq!(pool.run(|_| 9), Err(PoolBusy));
            drop(hold);
        });
    }
}
