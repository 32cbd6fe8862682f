//! Registered clients, as operators manage them.

mod authentication;
mod check;
mod members;
mod removal;
mod secrets;
mod sector;

pub use members::{ClientMembers, ClientWithSecret};
pub(super) use removal::begin_to_remove;
pub use removal::{delete, remove_deleted};
pub use secrets::{ClientSecretInUse, ClientSecretState, finish_rotation};
pub(super) use secrets::{has_secret, replace as replace_secret};
pub use secrets::{list as list_secrets, list_states as list_secret_states, rotate as rotate_secret};

use check::settle;
pub(super) use members::{apply, blank};
use secrets::make_secret;

use zeroize::Zeroizing;

use crate::crypto::random;
use crate::domain::audit_event::{Actor, AuditAction};
use crate::domain::client::{Client, ClientSecret, Status};
use crate::domain::client_list::{ClientFilter, ClientOrder};
use crate::domain::denial::Denial;
use crate::domain::grant::RevocationReason;
use crate::domain::ids::{ClientId, is_no_address};
use crate::domain::page::{Page, PageRequest};
use crate::flows::access_keys::said;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, console, environments, subject};
use crate::store::StoreError;

/// A registration that holds, before it is written. No `Debug`.
pub(super) struct PreparedClient {
    pub client: Client,
    pub secret: Option<Zeroizing<String>>,
    pub row: Option<ClientSecret>,
}

/// Completes and checks a registration, and makes its secret.
pub(super) fn prepare(server: &Server, caller: &Caller, mut members: ClientMembers) -> FlowResult<PreparedClient> {
    let brought = members.client_secret.take();
    let client_id = match members.client_id.take() {
        Some(chosen) => chosen,
        None => {
            let name = members.environment.as_deref().unwrap_or(&server.config.server.default_environment);
            format!("{}{}", environments::find(server, name)?.client_id_prefix, random::opaque_id()?)
        }
    };
    if ClientId::is_reserved(&client_id) {
        return Err(Denial::InvalidMember("client_id must not start with ak_, pt_, sa_ or wf_".to_owned()).into());
    }
    if is_no_address(&client_id) {
        return Err(
            Denial::InvalidMember("client_id must not be new, . or .. (no page could show it)".to_owned()).into()
        );
    }
    if server.store.read(|connection| connection.is_client_deleted(&client_id))? {
        let text = "there was a client of this client_id, which is deleted: an identifier is not used twice";
        return Err(Denial::Conflict(text.to_owned()).into());
    }
    // RFC 9700 §4.15: a client that acts for itself must not look like a user.
    if server.store.read(|connection| connection.find_user(&client_id))?.is_some() {
        return Err(Denial::InvalidMember("this client_id is taken".to_owned()).into());
    }
    let mut client = blank(server, client_id);
    apply(&mut client, members);
    settle(server, caller, &mut client)?;
    if !client.has_secret() && brought.is_some() {
        let text = "a public client has no client_secret, nor has one that authenticates with private_key_jwt";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    }
    sector::check(server, None, &client)?;
    let made = if client.has_secret() { Some(make_secret(server, &client, brought)?) } else { None };
    let (secret, row) = made.unzip();
    Ok(PreparedClient { client, secret, row })
}

/// Registers a client.
pub fn create(server: &Server, caller: &Caller, members: ClientMembers) -> FlowResult<ClientWithSecret> {
    caller.require("clients:write")?;
    let PreparedClient { client, secret, row } = prepare(server, caller, members)?;
    let event = caller.event(AuditAction::ClientCreated, "client", client.client_id.as_str());
    let (stored, now) = (client.clone(), server.clock.now());
    let written = server.store.write(move |connection| {
        connection.insert_client(&stored)?;
        row.iter().try_for_each(|row| connection.insert_client_secret(row))?;
        connection.insert_audit_event(&event, now)
    });
    match written {
        Ok(()) => Ok(ClientWithSecret { client, client_secret: secret.map(|text| text.to_string()) }),
        Err(StoreError::Conflict(_)) => {
            Err(Denial::Conflict("a client of this client_id exists already".to_owned()).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// What an edit would make of a client: nothing is written.
pub(super) fn edited(server: &Server, caller: &Caller, client: &Client, members: ClientMembers) -> FlowResult<Client> {
    let mut edited = client.clone();
    apply(&mut edited, members);
    settle(server, caller, &mut edited)?;
    Ok(edited)
}

/// One client.
pub fn show(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Client> {
    caller.require("clients:read")?;
    find(server, client_id)
}

/// Of a client that is deleted nothing is told, though rows of it may be left.
fn find(server: &Server, client_id: &str) -> FlowResult<Client> {
    let found = server.store.read(|connection| match connection.find_client(client_id)? {
        Some(client) if client.status == Status::Revoked && connection.is_client_deleted(client_id)? => Ok(None),
        found => Ok(found),
    })?;
    found.ok_or(FlowError::Denied(Denial::NotFound("client")))
}

/// A page of clients.
pub fn list(
    server: &Server,
    caller: &Caller,
    filter: &ClientFilter,
    order: ClientOrder,
    page: &PageRequest,
) -> FlowResult<Page<Client>> {
    caller.require("clients:read")?;
    Ok(server.store.read(|connection| connection.list_clients(filter, order, page))?)
}

/// A client that the caller may change: whoever can change it can become it, so it must hold no more than the caller.
fn find_to_change(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Client> {
    caller.require("clients:write")?;
    let client = find(server, client_id)?;
    check_not_of_console(caller, client_id)?;
    check_over(server, caller, &client)?;
    changeable(client)
}

/// One client, for somebody who may act as it.
pub fn show_to_change(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Client> {
    find_to_change(server, caller, client_id)
}

fn check_over(server: &Server, caller: &Caller, client: &Client) -> Result<(), Denial> {
    caller.may_register(&client.scope, &server.scopes())?;
    caller.may_hand_out(server.roles.scope_of(&client.roles).iter())
}

/// The client of the console is the server's: it makes it as it has to be at each start, and who stopped it or turned it
/// elsewhere would lock everybody out.
pub(super) fn check_not_of_console(caller: &Caller, client_id: &str) -> Result<(), Denial> {
    if client_id != console::CLIENT_ID || caller.actor == Actor::Server {
        return Ok(());
    }
    let text =
        "this is the client of these pages, which the server keeps: console.enabled and account.enabled turn them off";
    Err(Denial::Conflict(text.to_owned()))
}

/// A client whose status the caller may change to this one. Whoever stops a client does not become it.
fn find_to_set(server: &Server, caller: &Caller, client_id: &str, to: Status) -> FlowResult<Client> {
    caller.require_to_set(to, "clients:write")?;
    let client = find(server, client_id)?;
    check_not_of_console(caller, client_id)?;
    if to != Status::Inactive || !caller.may_disable() {
        check_over(server, caller, &client)?;
    }
    changeable(client)
}

fn changeable(client: Client) -> FlowResult<Client> {
    if client.status == Status::Revoked {
        return Err(Denial::Conflict("the client is revoked, which is final".to_owned()).into());
    }
    Ok(client)
}

/// Edits a client.
pub fn update(server: &Server, caller: &Caller, client_id: &str, members: ClientMembers) -> FlowResult<Client> {
    if members.client_id.is_some() || members.client_secret.is_some() {
        let text = "client_id and client_secret cannot be edited; a secret can be rotated";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    }
    let mut client = find_to_change(server, caller, client_id)?;
    let before = client.clone();
    apply(&mut client, members);
    store_edit(server, caller, &before, client)
}

/// Checks an edited client and writes it, unless it was changed since `before` was read.
pub(super) fn store_edit(server: &Server, caller: &Caller, before: &Client, mut client: Client) -> FlowResult<Client> {
    settle(server, caller, &mut client)?;
    if client.environment != before.environment {
        return Err(Denial::InvalidMember("the environment of a client is fixed at its registration".to_owned()).into());
    }
    if client.is_public() != before.is_public() {
        return Err(Denial::InvalidMember("a client stays public or confidential: register another".to_owned()).into());
    }
    if !authentication::may_change(before.token_endpoint_auth_method, client.token_endpoint_auth_method) {
        let text = "a client keeps what it authenticates with, its secret or its key: register another";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    }
    sector::check(server, Some(before), &client)?;
    let (now, read_at) = (server.clock.now(), client.updated_at);
    client.updated_at = now;
    let mut events = vec![caller.event(AuditAction::ClientUpdated, "client", client.client_id.as_str())];
    events.extend(limits_changed(before, &client).map(|detail| {
        caller.event(AuditAction::ClientLimitsChanged, "client", client.client_id.as_str()).detail(detail)
    }));
    // Under another sector the same grants would speak of the same people by other names (OpenID Connect Core §8.1, §12.2).
    let renamed = subject::is_pairwise(before) != subject::is_pairwise(&client)
        || (subject::is_pairwise(&client) && subject::sector(before) != subject::sector(&client));
    let stored = client.clone();
    let done = server.store.write(move |connection| {
        let done = connection.update_client(&stored, read_at)?;
        if done && renamed {
            connection.revoke_grants_of_client(stored.client_id.as_str(), RevocationReason::ClientChange, now)?;
        }
        if done {
            events.iter().try_for_each(|event| connection.insert_audit_event(event, now))?;
        }
        Ok(done)
    })?;
    let changed = || Denial::Conflict("the client was changed meanwhile: read it again".to_owned());
    if done { Ok(client) } else { Err(changed().into()) }
}

/// What an edit did to limits, plan and allow-list, old and new; None where they stay.
fn limits_changed(before: &Client, after: &Client) -> Option<String> {
    let all = |client: &Client| {
        let networks: Vec<_> = client.allowed_addresses.iter().map(ToString::to_string).collect();
        let from = if networks.is_empty() { "anywhere".to_owned() } else { networks.join(" ") };
        format!("{} from {from}", said(client.limits, client.plan.as_deref()))
    };
    let (old, new) = (all(before), all(after));
    (old != new).then(|| format!("{old} to {new}"))
}

/// Disables, enables or revokes a client. Revoking is final.
pub fn set_status(server: &Server, caller: &Caller, client_id: &str, to: Status) -> FlowResult<Client> {
    let mut client = find_to_set(server, caller, client_id, to)?;
    let action = match to {
        Status::Active => AuditAction::ClientEnabled,
        Status::Inactive => AuditAction::ClientDisabled,
        Status::Revoked => AuditAction::ClientRevoked,
    };
    let event = caller.event(action, "client", client.client_id.as_str());
    let (id, now) = (client.client_id.0.clone(), server.clock.now());
    let done = server.store.write(move |connection| {
        let done = connection.update_client_status(&id, &[Status::Active, Status::Inactive], to, now)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if !done {
        return Err(Denial::Conflict("the client was revoked meanwhile".to_owned()).into());
    }
    client.status = to;
    client.updated_at = now;
    Ok(client)
}
