//! Taking over the users of another system, with the hashes of their passwords, in batches. A batch that was taken over is
//! skipped the next time: an import that was cut off is run again. The password of an account that is there already is never
//! touched, for it may have been changed or hashed anew since.

mod record;

pub(in crate::flows) use record::text;
pub use record::{UserRecord, is_same};

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::crypto::password::NO_PASSWORD;
use crate::crypto::random;
use crate::domain::audit_event::AuditAction;
use crate::domain::client::Status;
use crate::domain::grant::RevocationReason;
use crate::domain::ids::UserId;
use crate::domain::profile::Profile;
use crate::domain::user::{User, username_key};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::users::check_roles;
use crate::store::{StoreConnection, StoreError, UserWithPassword};

/// Users of one batch: one transaction.
pub const BATCH: usize = 1000;

/// A line that was not taken over.
#[derive(Debug, Clone, Serialize)]
pub struct ImportFailure {
    /// Which line.
    pub line: u64,
    /// Why not.
    pub error: String,
}

/// What became of the users so far.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportCounts {
    /// Made.
    pub created: usize,
    /// There already, and brought up to date.
    pub updated: usize,
    /// There already, as they are.
    pub skipped: usize,
    /// Not taken over.
    pub failed: usize,
}

/// How to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Leave the accounts alone that are there already, whatever they hold.
    pub keep_existing: bool,
    /// Write nothing.
    pub dry_run: bool,
}

/// What a record comes to.
pub(in crate::flows) enum Step {
    /// A new account.
    Create(Box<UserWithPassword>),
    /// The account as read, and as it becomes.
    Update(Box<(User, User)>),
    /// Nothing to do.
    Skip,
}

/// A new account of this record.
fn new_account(record: &UserRecord, now: DateTime<Utc>) -> Result<UserWithPassword, String> {
    let id = match &record.id {
        Some(id) => id.clone(),
        None => random::id(now).map_err(|error| error.to_string())?,
    };
    let blank = User {
        id: UserId(id),
        username: String::new(),
        name: None,
        email: None,
        profile: Profile::default(),
        roles: Vec::new(),
        status: Status::Active,
        created_at: now,
        updated_at: now,
        password_changed_at: now,
    };
    let password_hash = record.password_hash.clone().unwrap_or_else(|| NO_PASSWORD.to_owned());
    Ok(UserWithPassword { user: record.over(&blank)?, password_hash })
}

/// What is in the database beside a batch.
struct Known {
    by_id: HashMap<String, User>,
    by_key: HashMap<String, User>,
    client_ids: HashSet<String>,
}

impl Known {
    fn read(connection: &mut StoreConnection, records: &[(u64, UserRecord)]) -> Result<Self, StoreError> {
        let ids: Vec<String> = records.iter().filter_map(|(_, record)| record.id.clone()).collect();
        let names: Vec<String> = records.iter().map(|(_, record)| record.username.clone()).collect();
        let users = connection.find_users(&ids, &names)?;
        Ok(Self {
            by_id: users.iter().map(|user| (user.id.0.clone(), user.clone())).collect(),
            by_key: users.into_iter().map(|user| (username_key(&user.username), user)).collect(),
            client_ids: connection.find_client_ids(&ids)?.into_iter().collect(),
        })
    }

    fn step(&self, record: &UserRecord, options: ImportOptions, now: DateTime<Utc>) -> Result<Step, String> {
        let same_name = self.by_key.get(&username_key(&record.username));
        let found = match &record.id {
            Some(id) if self.client_ids.contains(id) => return Err("the id is that of a client".to_owned()),
            Some(id) => match (self.by_id.get(id), same_name) {
                (None, Some(_)) => return Err("another account has this username".to_owned()),
                (Some(mine), Some(other)) if mine.id != other.id => {
                    return Err("another account has this username".to_owned());
                }
                (mine, _) => mine,
            },
            None => same_name,
        };
        let Some(found) = found else { return new_account(record, now).map(|account| Step::Create(Box::new(account))) };
        let wanted = record.over(found)?;
        if options.keep_existing || is_same(found, &wanted) {
            return Ok(Step::Skip);
        }
        let updated_at = crate::clock::later(now, found.updated_at);
        Ok(Step::Update(Box::new((found.clone(), User { updated_at, ..wanted }))))
    }
}

/// Takes over a batch of at most [`BATCH`] records, given with their lines.
pub fn import(
    server: &Server,
    caller: &Caller,
    records: Vec<(u64, UserRecord)>,
    options: ImportOptions,
    failures: &mut Vec<ImportFailure>,
) -> FlowResult<ImportCounts> {
    caller.require("users:write")?;
    let mut counts = ImportCounts::default();
    let mut sound = Vec::with_capacity(records.len());
    let mut seen = HashSet::new();
    for (line, record) in records {
        let repeated = !seen.insert(username_key(&record.username))
            || record.id.as_ref().is_some_and(|id| !seen.insert(format!("\0{id}")));
        let checked = match &record.roles {
            _ if repeated => Err("the id or username was on an earlier line".to_owned()),
            Some(roles) => check_roles(server, caller, roles).map_err(|denial| denial.public_text()),
            None => Ok(()),
        };
        match checked {
            Ok(()) => sound.push((line, record)),
            Err(error) => failures.push(ImportFailure { line, error }),
        }
    }
    take_over(server, caller, &sound, options, (&mut counts, failures))?;
    Ok(counts)
}

type Outcome<'a> = (&'a mut ImportCounts, &'a mut Vec<ImportFailure>);

fn take_over(
    server: &Server,
    caller: &Caller,
    records: &[(u64, UserRecord)],
    options: ImportOptions,
    (counts, failures): Outcome<'_>,
) -> FlowResult<()> {
    let now = server.clock.now();
    let known = server.store.read(|connection| Known::read(connection, records))?;
    let (mut new, mut edited, mut skipped, mut failed) = (Vec::new(), Vec::new(), 0, Vec::new());
    for (line, record) in records {
        match known.step(record, options, now) {
            Ok(Step::Create(account)) => new.push(*account),
            Ok(Step::Update(edit)) => edited.push(*edit),
            Ok(Step::Skip) => skipped += 1,
            Err(error) => failed.push(ImportFailure { line: *line, error }),
        }
    }
    let (created, updated) = (new.len(), edited.len());
    if !options.dry_run && created + updated > 0 {
        let [first, last] = [records.first(), records.last()].map(|record| record.map_or(0, |(line, _)| *line));
        let event = caller
            .event(AuditAction::UsersImported, "import", &format!("lines {}-{}", first, last))
            .detail(format!("created={created} updated={updated}"));
        let written = server.store.write(move |connection| {
            connection.insert_users(&new)?;
            edited.iter().try_for_each(|(before, after)| write_edit(connection, before, after, now))?;
            connection.insert_audit_event(&event, now)
        });
        match (written, records) {
            (Ok(()), _) => {}
            // Somebody else made or changed one of them meanwhile: find out which.
            (Err(StoreError::Conflict(_)), [(line, _)]) => {
                failures.push(ImportFailure { line: *line, error: "the account was changed meanwhile".to_owned() });
                return Ok(());
            }
            (Err(StoreError::Conflict(_)), _) => {
                for record in records.chunks(1) {
                    take_over(server, caller, record, options, (&mut *counts, &mut *failures))?;
                }
                return Ok(());
            }
            (Err(error), _) => return Err(error.into()),
        }
    }
    counts.created += created;
    counts.updated += updated;
    counts.skipped += skipped;
    failures.extend(failed);
    Ok(())
}

/// Writes an edit of an account; a conflict when it was changed since it was read. One that is disabled loses its sessions
/// and grants.
pub(in crate::flows) fn write_edit(
    connection: &mut StoreConnection,
    before: &User,
    after: &User,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if !connection.update_user(after, before.updated_at)? {
        return Err(StoreError::Conflict("the account was changed meanwhile".to_owned()));
    }
    if before.status != after.status {
        connection.update_user_status(after.id.as_str(), after.status, after.updated_at)?;
        if after.status != Status::Active {
            connection.delete_login_sessions_of_user(after.id.as_str())?;
            connection.revoke_grants_of_user(after.id.as_str(), RevocationReason::UserChange, now)?;
            connection.revoke_personal_tokens_of_user(after.id.as_str(), now)?;
        }
    }
    Ok(())
}

/// What one record comes to, outside of any file with lines.
pub(in crate::flows) fn plan(
    server: &Server,
    caller: &Caller,
    record: &UserRecord,
) -> FlowResult<Result<Step, String>> {
    if let Some(roles) = &record.roles {
        check_roles(server, caller, roles)?;
    }
    let one = [(0, record.clone())];
    let known = server.store.read(|connection| Known::read(connection, &one))?;
    Ok(known.step(record, ImportOptions::default(), server.clock.now()))
}
