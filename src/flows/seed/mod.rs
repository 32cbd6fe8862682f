//! Applying a seed: what is missing is made, what differs is brought up to date, nothing is deleted. Done at each start, and
//! by several instances at once: who comes second finds it done.

mod file;

pub use file::{InvalidSeed, Seed};

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::domain::audit_event::AuditAction;
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::clients::{self, ClientMembers};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::password_check;
use crate::flows::scopes::{self, NewScope};
use crate::flows::user_import::{self, Step, UserRecord};
use crate::store::StoreError;

/// How often one thing is tried that somebody else changes at the same moment.
const TRIES: usize = 5;

/// What became of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedOutcome {
    /// It was not there.
    Created,
    /// It was different.
    Updated,
    /// It is as it should be.
    Unchanged,
}

/// One thing of a seed.
#[derive(Debug, Clone, Serialize)]
pub struct SeedItem {
    /// `scope`, `user` or `client`.
    pub kind: &'static str,
    /// Its name.
    pub id: String,
    /// What was done, or would be.
    pub outcome: SeedOutcome,
}

/// Applies a seed; with `dry_run` only says what would be done. Ends at the first thing that is refused.
pub fn apply(server: &Server, caller: &Caller, seed: &Seed, dry_run: bool) -> Result<Vec<SeedItem>, SeedError> {
    let mut done = Vec::new();
    for new in &seed.scopes {
        done.push(item("scope", &new.name, || scope(server, caller, new, dry_run))?);
    }
    for (record, password) in &seed.users {
        done.push(item("user", &record.username, || user(server, caller, (record, password.as_ref()), dry_run))?);
    }
    for (members, secret) in &seed.clients {
        let id = members.client_id.as_deref().unwrap_or_default();
        done.push(item("client", id, || client(server, caller, (members, secret.as_ref()), dry_run))?);
    }
    Ok(done)
}

/// Which thing could not be applied, and why.
pub struct SeedError {
    /// Which.
    pub item: String,
    /// Why.
    pub error: FlowError,
}

fn item(
    kind: &'static str,
    id: &str,
    mut apply: impl FnMut() -> FlowResult<SeedOutcome>,
) -> Result<SeedItem, SeedError> {
    let mut tries = 0;
    loop {
        match apply() {
            Ok(outcome) => return Ok(SeedItem { kind, id: id.to_owned(), outcome }),
            // Another instance is at it: look again.
            Err(FlowError::Denied(Denial::Conflict(_))) if tries < TRIES => tries += 1,
            Err(error) => return Err(SeedError { item: format!("{kind} {id}"), error }),
        }
    }
}

fn scope(server: &Server, caller: &Caller, new: &NewScope, dry_run: bool) -> FlowResult<SeedOutcome> {
    let found = server.store.read(|connection| connection.find_scope(&new.name))?;
    let outcome = match found {
        None => SeedOutcome::Created,
        Some(found)
            if found.description == new.description
                && found.resource == new.resource
                && found.privileged == new.privileged =>
        {
            SeedOutcome::Unchanged
        }
        Some(_) => SeedOutcome::Updated,
    };
    match outcome {
        _ if dry_run => {}
        SeedOutcome::Created => drop(scopes::create(server, caller, new.clone())?),
        SeedOutcome::Updated => drop(scopes::update(server, caller, new.clone())?),
        SeedOutcome::Unchanged => {}
    }
    Ok(outcome)
}

/// The password is set when the account is made, and then it is its owner's.
fn user(
    server: &Server,
    caller: &Caller,
    (record, password): (&UserRecord, Option<&Zeroizing<String>>),
    dry_run: bool,
) -> FlowResult<SeedOutcome> {
    let step = user_import::plan(server, caller, record)?.map_err(Denial::InvalidMember)?;
    if let (Step::Create(_), Some(password)) = (&step, password) {
        let known = (record.name.as_deref(), record.email.as_deref());
        password_check::check_choice(server, password, &record.username, known)?;
    }
    let now = server.clock.now();
    let (outcome, written) = match step {
        Step::Skip => return Ok(SeedOutcome::Unchanged),
        Step::Create(_) if dry_run => return Ok(SeedOutcome::Created),
        Step::Update(..) if dry_run => return Ok(SeedOutcome::Updated),
        Step::Create(mut account) => {
            if let Some(password) = password {
                account.password_hash = password_check::hash_new(server, password)?;
            }
            let event = caller.event(AuditAction::UserCreated, "user", account.user.id.as_str());
            let written = server.store.write(move |connection| {
                connection.insert_user(&account)?;
                connection.insert_audit_event(&event, now)
            });
            (SeedOutcome::Created, written)
        }
        Step::Update(edit) => {
            let (before, after) = *edit;
            let event = caller.event(AuditAction::UserUpdated, "user", after.id.as_str());
            let written = server.store.write(move |connection| {
                user_import::write_edit(connection, &before, &after, now)?;
                connection.insert_audit_event(&event, now)
            });
            (SeedOutcome::Updated, written)
        }
    };
    match written {
        Ok(()) => Ok(outcome),
        Err(StoreError::Conflict(_)) => Err(Denial::Conflict("the account was changed meanwhile".to_owned()).into()),
        Err(error) => Err(error.into()),
    }
}

fn client(
    server: &Server,
    caller: &Caller,
    (members, secret): (&ClientMembers, Option<&Zeroizing<String>>),
    dry_run: bool,
) -> FlowResult<SeedOutcome> {
    let id = members.client_id.clone().unwrap_or_default();
    if server.store.read(|connection| connection.is_client_deleted(&id))? {
        // An operator's word, and no reason not to start.
        log::warn!("the seed names the client {id}, which was deleted: it is not made again");
        return Ok(SeedOutcome::Unchanged);
    }
    let Some(found) = server.store.read(|connection| connection.find_client(&id))? else {
        return make_client(server, caller, (members, secret), dry_run);
    };
    let edit = ClientMembers { client_id: None, client_secret: None, ..members.clone() };
    let wanted = clients::edited(server, caller, &found, edit.clone())?;
    let mut outcome = SeedOutcome::Unchanged;
    if as_json(&wanted) != as_json(&found) {
        outcome = SeedOutcome::Updated;
        if !dry_run {
            clients::update(server, caller, &id, edit)?;
        }
    }
    if let Some(secret) = secret
        && !clients::has_secret(server, &id, secret)?
    {
        outcome = SeedOutcome::Updated;
        if !dry_run {
            clients::replace_secret(server, caller, &id, secret)?;
        }
    }
    Ok(outcome)
}

fn make_client(
    server: &Server,
    caller: &Caller,
    (members, secret): (&ClientMembers, Option<&Zeroizing<String>>),
    dry_run: bool,
) -> FlowResult<SeedOutcome> {
    let method = members.token_endpoint_auth_method.map_or("client_secret_basic", |method| method.as_str());
    if method.starts_with("client_secret") && secret.is_none() {
        let text = "client_secret, client_secret_file or client_secret_env is needed: nobody would see a generated one";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    }
    let members = ClientMembers { client_secret: secret.map(|secret| secret.to_string()), ..members.clone() };
    if dry_run {
        clients::prepare(server, caller, members)?;
    } else {
        clients::create(server, caller, members)?;
    }
    Ok(SeedOutcome::Created)
}

fn as_json(client: &Client) -> Value {
    serde_json::to_value(client).unwrap_or_default()
}
