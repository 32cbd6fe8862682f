//! The SQLite writer: one thread owns the writing connection and runs waiting closures together, each in a savepoint,
//! under one `BEGIN IMMEDIATE ... COMMIT`. Their callers are answered after the commit, so many requests share one fsync.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};

use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;

/// Most closures under one commit.
const MAX_GROUP: usize = 256;
/// Most closures waiting; a caller behind them waits for a place.
const QUEUE: usize = 1024;

/// Tells a caller how its closure ended, given how the commit did.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A closure with its caller: runs on the connection and gives what is to be told after the commit.
type Job = Box<dyn FnOnce(&mut StoreConnection) -> Answer + Send>;

/// A handle on the writer thread, which ends when this is dropped.
pub struct GroupedWriter {
    queue: SyncSender<Job>,
}

impl GroupedWriter {
    /// Starts the writer on this connection.
    pub fn start(connection: StoreConnection) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(connection, &jobs))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { queue })
    }

    /// Queues a closure and waits until it is committed or rolled back.
    pub fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut StoreConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel::<Result<T, StoreError>>(1);
        let job: Job = Box::new(move |connection| {
            let outcome = connection.in_transaction(write);
            Box::new(move |commit| drop(answer.send(commit.and(outcome))))
        });
        let undone = || StoreError::Unavailable("the write was not begun".to_owned());
        self.queue.send(job).map_err(|_| undone())?;
        answered.recv().map_err(|_| undone())?
    }
}

fn run(mut connection: StoreConnection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        if let Err(error) = begin(&mut connection) {
            // The job is dropped unrun and nothing was changed; its caller is told that the write did not happen.
            log::error!("a write could not begin: {error}");
            // Neither do those behind it wait the same time again, one after the other.
            while jobs.try_recv().is_ok() {}
            continue;
        }
        let mut answers = vec![first(&mut connection)];
        while answers.len() < MAX_GROUP {
            let Ok(next) = jobs.try_recv() else { break };
            answers.push(next(&mut connection));
        }
        let committed = commit(&mut connection);
        for answer in answers {
            answer(committed.clone());
        }
    }
}

fn begin(connection: &mut StoreConnection) -> Result<(), StoreError> {
    match connection {
        StoreConnection::Sqlite(connection) => {
            Ok(AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?)
        }
        StoreConnection::Postgres(_) => Err(StoreError::Unavailable("the grouped writer is for SQLite".to_owned())),
    }
}

fn commit(connection: &mut StoreConnection) -> Result<(), StoreError> {
    match connection {
        StoreConnection::Sqlite(connection) => {
            let committed = AnsiTransactionManager::commit_transaction(connection);
            if committed.is_err() {
                // Leave no transaction open behind a failed commit, or every later one would be inside it.
                let _ = AnsiTransactionManager::rollback_transaction(connection);
            }
            Ok(committed?)
        }
        StoreConnection::Postgres(_) => Err(StoreError::Unavailable("the grouped writer is for SQLite".to_owned())),
    }
}
