//! The SQLite writer: one thread owns the writing connection and runs waiting closures together, each in a savepoint,
//! under one `BEGIN IMMEDIATE ... COMMIT`. Their callers are answered after the commit, so many requests share one fsync.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel::{QueryableByName, RunQueryDsl as _};

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

enum Task {
    Write(Job),
    End {
        /// Is everything to be brought from the write-ahead log into the database's file first?
        checkpoint: bool,
    },
}

/// A handle on the writer thread, which ends when this is dropped.
pub struct GroupedWriter {
    queue: SyncSender<Task>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for GroupedWriter {
    fn drop(&mut self) {
        self.end(false);
    }
}

impl GroupedWriter {
    /// Starts the writer on this connection.
    pub fn start(connection: StoreConnection) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(connection, &jobs))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
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
        self.queue.send(Task::Write(job)).map_err(|_| undone())?;
        answered.recv().map_err(|_| undone())?
    }

    /// Ends the thread behind the writes that are queued, and waits for it. Later writes are refused.
    pub fn end(&self, checkpoint: bool) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.queue.send(Task::End { checkpoint });
            let _ = thread.join();
        }
    }
}

fn run(mut connection: StoreConnection, tasks: &Receiver<Task>) {
    let mut end = None;
    while end.is_none() {
        match tasks.recv() {
            Ok(Task::Write(first)) => end = write_group(&mut connection, first, tasks),
            Ok(Task::End { checkpoint }) => end = Some(checkpoint),
            Err(_) => return,
        }
    }
    if end == Some(true) {
        match checkpoint(&mut connection) {
            Ok(true) => {}
            Ok(false) => log::warn!("the write-ahead log is in use: it still holds a part of the database"),
            Err(error) => log::warn!("the write-ahead log still holds a part of the database: {error}"),
        }
    }
}

/// Runs what is waiting under one commit. When the end is among it: whether a checkpoint is wanted.
fn write_group(connection: &mut StoreConnection, first: Job, tasks: &Receiver<Task>) -> Option<bool> {
    if let Err(error) = begin(connection) {
        // The job is dropped unrun and nothing was changed; its caller is told that the write did not happen.
        log::error!("a write could not begin: {error}");
        // Neither do those behind it wait the same time again, one after the other.
        while let Ok(task) = tasks.try_recv() {
            if let Task::End { checkpoint } = task {
                return Some(checkpoint);
            }
        }
        return None;
    }
    let mut end = None;
    let mut answers = vec![first(connection)];
    while answers.len() < MAX_GROUP && end.is_none() {
        match tasks.try_recv() {
            Ok(Task::Write(next)) => answers.push(next(connection)),
            Ok(Task::End { checkpoint }) => end = Some(checkpoint),
            Err(_) => break,
        }
    }
    let committed = commit(connection);
    for answer in answers {
        answer(committed.clone());
    }
    end
}

/// What the pragma answers.
#[derive(QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// Brings the write-ahead log into the database's file, so that this alone is the database. False when others kept it.
fn checkpoint(connection: &mut StoreConnection) -> Result<bool, StoreError> {
    let StoreConnection::Sqlite(connection) = connection else { return Ok(true) };
    let answer = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpointed>(connection)?;
    Ok(answer.busy == 0)
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
