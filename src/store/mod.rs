//! The only place that knows diesel: one file per table, speaking domain types (layer 2).
//!
//! `Store::read` runs on a pooled connection. `Store::write` returns when its effect is durable: one transaction on
//! PostgreSQL; on SQLite one writer thread gathers waiting closures under one commit (see `writer`).

mod access_key_list;
mod access_key_owners;
mod access_key_secrets;
mod access_key_walk;
mod access_keys;
mod alerts;
mod audit_chain;
mod audit_checkpoints;
mod audit_end;
mod audit_events;
mod audit_gather;
mod audit_purged_ranges;
mod audit_search;
mod audit_statement;
mod audit_verifications;
mod authorization_codes;
mod client_list;
mod client_secrets;
mod clients;
mod connected_clients;
mod connection;
mod consents;
mod console_sessions;
mod credential_audiences;
mod deleted_clients;
mod device_authorizations;
mod error;
mod grants;
mod hours;
mod login_sessions;
mod logout_deliveries;
pub mod migrate;
mod overview;
mod personal_tokens;
mod projects;
mod pushed_requests;
mod refresh_tokens;
mod refusals;
mod registrations;
mod revoked_access_tokens;
mod rows;
mod schema;
mod scopes;
mod search_words;
mod secret_uses;
mod server_state;
mod service_accounts;
mod signing_keys;
mod usage_days;
mod used_assertions;
mod user_imports;
mod users;
mod webhook_deliveries;
mod workflows;
mod writer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use access_keys::PresentedAccessKey;
pub use audit_chain::ChainPart;
pub use audit_purged_ranges::AuditPurge;
pub use connection::{DatabaseUrl, InvalidDatabaseUrl, StoreConnection};
pub use deleted_clients::ClientRemoval;
pub use error::StoreError;
pub use refresh_tokens::PresentedRefreshToken;
pub use secret_uses::MAX_ADDRESSES;
pub use signing_keys::SealedSigningKey;
pub use users::UserWithPassword;

use crate::crypto::audit_key::AuditSealKey;
use connection::{Manager, Role};
use writer::GroupedWriter;

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Which database.
    pub url: DatabaseUrl,
    /// Connections kept (on SQLite: for reading; there is one more that writes).
    pub pool_size: u32,
    /// How long a request waits for a connection before it is told to come back.
    pub connect_timeout: Duration,
}

/// The open database.
pub struct Store {
    pool: r2d2::Pool<Manager>,
    writer: Option<GroupedWriter>,
    audit_seal: OnceLock<Arc<AuditSealKey>>,
}

impl Store {
    /// Opens the database and brings its schema up to date, reporting each migration to `progress`.
    ///
    /// Errors when the database cannot be reached or a migration fails.
    pub fn open(settings: &StoreSettings, progress: &dyn Fn(&str)) -> Result<Self, StoreError> {
        let mut first = Manager::new(settings.url.clone(), Role::Write).open()?;
        migrate::up(&mut first, progress)?;
        let (role, writer) = match settings.url {
            DatabaseUrl::Sqlite(_) => (Role::Read, Some(GroupedWriter::start(first)?)),
            DatabaseUrl::Postgres(_) => (Role::Write, None),
        };
        let pool = r2d2::Pool::builder()
            .max_size(settings.pool_size.max(1))
            .min_idle(Some(0))
            .connection_timeout(settings.connect_timeout)
            // A connection of SQLite cannot go stale; one of PostgreSQL can, and is asked before use.
            .test_on_check_out(matches!(settings.url, DatabaseUrl::Postgres(_)))
            .build_unchecked(Manager::new(settings.url.clone(), role));
        Ok(Self { pool, writer, audit_seal: OnceLock::new() })
    }

    /// Names the key that seals the end of the audit log from now on. What is written before leaves it without a seal.
    pub fn seal_audit_log(&self, key: AuditSealKey) {
        let _ = self.audit_seal.set(Arc::new(key));
    }

    /// Reads. Must not be called from an async thread.
    pub fn read<T>(&self, read: impl FnOnce(&mut StoreConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.pool.get()?;
        read(&mut connection)
    }

    /// Writes in one transaction and returns when the effect is durable. An `Err` rolls back, an `Ok` commits: a refusal
    /// that must leave a mark is an `Ok` outcome. Must not be called from an async thread.
    pub fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut StoreConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let key = self.audit_seal.get().cloned();
        let write = move |connection: &mut StoreConnection| {
            audit_gather::seal_with(key);
            write(connection)
        };
        match &self.writer {
            Some(writer) => writer.write(write),
            None => {
                let mut pooled = self.pool.get()?;
                let connection: &mut StoreConnection = &mut pooled;
                connection.in_transaction(write)
            }
        }
    }

    /// Ends writing, for a clean stop: on SQLite everything is then in the database's file alone.
    pub fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.end(true);
        }
    }

    /// Can the database be read and, on SQLite, does its writer run?
    pub fn ping(&self) -> Result<(), StoreError> {
        self.read(StoreConnection::ping)?;
        match &self.writer {
            Some(writer) => writer.write(|_| Ok(())),
            None => Ok(()),
        }
    }
}
