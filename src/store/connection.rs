//! One connection type over both databases, chosen by the URL's scheme alone.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use diesel::connection::{SimpleConnection as _, TransactionManager as _};
use diesel::r2d2::R2D2Connection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};

use crate::store::audit_gather;
use crate::store::error::StoreError;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum StoreConnection {
    /// The embedded database.
    Sqlite(SqliteConnection),
    /// A server.
    Postgres(PgConnection),
}

impl StoreConnection {
    /// Runs `write` in a transaction, or in a savepoint where one is open; the audit events that it leaves come last. An
    /// error or a panic rolls back exactly this.
    pub(super) fn in_transaction<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        type Manager = <StoreConnection as diesel::Connection>::TransactionManager;
        Manager::begin_transaction(self)?;
        let outcome = catch_unwind(AssertUnwindSafe(|| audit_gather::with_events(self, write)))
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a write panicked".to_owned())));
        match outcome {
            Ok(answer) => {
                Manager::commit_transaction(self)?;
                Ok(answer)
            }
            Err(error) => {
                Manager::rollback_transaction(self)?;
                Err(error)
            }
        }
    }

    /// Lifts the time limit of statements for the rest of this transaction: for work that nobody waits for.
    pub fn lift_statement_timeout(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => Ok(connection.batch_execute("SET LOCAL statement_timeout = 0")?),
        }
    }

    /// A round trip that touches no table.
    pub fn ping(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.ping(),
            Self::Postgres(connection) => connection.ping(),
        }
        .map_err(StoreError::from)
    }
}

/// Runs the same query on whichever database it is, typed for that database. A query on the enum itself is built as text
/// at each call to find its prepared statement; a typed one is found by its type, which is what the busiest reads need.
macro_rules! on_each {
    ($connection:expr, |$inner:ident| $query:expr) => {
        match $connection {
            $crate::store::connection::StoreConnection::Sqlite($inner) => $query,
            $crate::store::connection::StoreConnection::Postgres($inner) => $query,
        }
    };
}
pub(super) use on_each;

/// Where the database is. Its `Display` leaves a password out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `postgres://...` or `postgresql://...`, as libpq takes it.
    Postgres(String),
}

/// A URL of neither kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a database URL is sqlite:PATH or postgres://user:password@host/database; this one has the scheme '{0}'")]
pub struct InvalidDatabaseUrl(String);

impl DatabaseUrl {
    /// Reads a URL. diesel's own choice tries one database after the other, so that a mistyped URL of PostgreSQL would
    /// become the name of an SQLite file.
    pub fn parse(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
            _ if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Postgres(url.to_owned()))
            }
            _ => Err(InvalidDatabaseUrl(scheme.to_owned())),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let host = url.rsplit_once('@').map_or_else(|| url.as_str(), |(_, host)| host);
                let bare = host.split_once("://").map_or(host, |(_, rest)| rest);
                write!(formatter, "postgres://{}", bare.split('?').next().unwrap_or_default())
            }
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reading only: on SQLite the connection refuses to write.
    Read,
    /// Reading and writing.
    Write,
}

/// Opens connections of one kind for the pool.
#[derive(Debug)]
pub struct Manager {
    url: DatabaseUrl,
    role: Role,
}

impl Manager {
    /// A manager for this database.
    pub fn new(url: DatabaseUrl, role: Role) -> Self {
        Self { url, role }
    }

    /// Opens one connection and sets it up.
    pub fn open(&self) -> Result<StoreConnection, StoreError> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
                connection.batch_execute("PRAGMA busy_timeout = 5000;")?;
                enter_wal(&mut connection)?;
                // synchronous=FULL: in WAL mode, NORMAL may lose the last commits at a power cut, and they were answered.
                connection.batch_execute(
                    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -512; \
                     PRAGMA temp_store = MEMORY;",
                )?;
                if self.role == Role::Read {
                    connection.batch_execute("PRAGMA query_only = ON;")?;
                }
                Ok(StoreConnection::Sqlite(connection))
            }
            DatabaseUrl::Postgres(url) => Ok(StoreConnection::Postgres(PgConnection::establish(&with_timeouts(url))?)),
        }
    }
}

/// How long PostgreSQL may work on one statement of a request, for instance waiting for a lock, and how long it keeps the
/// locks of one that began a transaction and said no more. And what a page costs that is not the next one: its default of 4
/// is that of turning disks, and has lists of 100,000 rows read and sorted whole where an index has them in order, for four
/// times as long. A URL may set its own in `options`.
const REQUEST_SETTINGS: [(&str, &str); 3] =
    [("statement_timeout", "5s"), ("idle_in_transaction_session_timeout", "10s"), ("random_page_cost", "1.1")];

/// Adds the time limits of libpq that the URL does not set itself: without them a server that falls silent, its machine
/// gone or its network cut, would hold a request for as long as the kernel goes on sending.
fn with_timeouts(url: &str) -> String {
    let limits = [("connect_timeout", "5"), ("tcp_user_timeout", "10000"), ("keepalives_idle", "30")];
    let mut url = url.to_owned();
    for (name, value) in limits {
        if !url.contains(&format!("{name}=")) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&format!("{name}={value}"));
        }
    }
    url
}

/// Switches to WAL. SQLite does not wait for its turn at this one statement, so two servers that open a fresh file at the
/// same moment would refuse each other: ask again for as long as any other statement would wait.
fn enter_wal(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL;") {
            Err(_) if tries < 500 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return Ok(done?),
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = StoreConnection;
    type Error = StoreError;

    /// With the settings of requests, whose time limits a connection that migrates must not have.
    fn connect(&self) -> Result<StoreConnection, StoreError> {
        let mut opened = self.open()?;
        if let (StoreConnection::Postgres(connection), DatabaseUrl::Postgres(url)) = (&mut opened, &self.url) {
            for (name, value) in REQUEST_SETTINGS {
                if !url.contains(name) {
                    connection.batch_execute(&format!("SET {name} = '{value}'"))?;
                }
            }
        }
        Ok(opened)
    }

    fn is_valid(&self, connection: &mut StoreConnection) -> Result<(), StoreError> {
        connection.ping()
    }

    fn has_broken(&self, connection: &mut StoreConnection) -> bool {
        match connection {
            StoreConnection::Sqlite(connection) => connection.is_broken(),
            StoreConnection::Postgres(connection) => connection.is_broken(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_schemes_and_no_password_in_print() {
        assert_eq!(DatabaseUrl::parse("sqlite:data/a.db"), Ok(DatabaseUrl::Sqlite("data/a.db".into())));
        assert_eq!(DatabaseUrl::parse("sqlite:///tmp/a.db"), Ok(DatabaseUrl::Sqlite("/tmp/a.db".into())));
        for bad in ["postgresql:x", "postgres:x", "mysql://x", "data/a.db", "sqlite:", ""] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad}");
        }
        let url = DatabaseUrl::parse("postgres://user:secret@host:5432/db?password=other").unwrap();
        assert_eq!(url.to_string(), "postgres://host:5432/db");
    }
}
