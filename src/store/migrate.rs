//! Bringing the schema up to date, and down again. A migration that has landed is never edited.

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The key of the advisory lock that keeps two starting servers apart ("grantor" in octets).
const LOCK: i64 = 0x0067_7261_6e74_6f72;

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

fn failed(error: BoxedError) -> StoreError {
    StoreError::Migration(error.to_string())
}

/// Runs every pending migration, one server at a time.
pub fn up(connection: &mut StoreConnection, progress: &dyn Fn(&str)) -> Result<(), StoreError> {
    match connection {
        StoreConnection::Sqlite(connection) => {
            AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?;
            let done = run_pending(connection, SQLITE, progress);
            match done {
                Ok(()) => Ok(AnsiTransactionManager::commit_transaction(connection)?),
                Err(error) => {
                    AnsiTransactionManager::rollback_transaction(connection)?;
                    Err(error)
                }
            }
        }
        StoreConnection::Postgres(connection) => {
            connection.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))?;
            let done = run_pending(connection, POSTGRES, progress);
            connection.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
            done
        }
    }
}

fn run_pending<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
    progress: &dyn Fn(&str),
) -> Result<(), StoreError> {
    let pending = harness.pending_migrations(source).map_err(failed)?;
    for (number, migration) in pending.iter().enumerate() {
        progress(&format!("migration {} of {}: {}", number + 1, pending.len(), migration.name()));
        harness.run_migration(migration).map_err(failed)?;
    }
    Ok(())
}

/// Reverts every migration. For tests: it drops all data.
pub fn down(connection: &mut StoreConnection) -> Result<(), StoreError> {
    match connection {
        StoreConnection::Sqlite(connection) => connection.revert_all_migrations(SQLITE).map(drop),
        StoreConnection::Postgres(connection) => connection.revert_all_migrations(POSTGRES).map(drop),
    }
    .map_err(failed)
}
