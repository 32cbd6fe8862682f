//! Workflows, as operators manage them. The client's secret is entered for one and not kept: what entitles the workflow is
//! the row of that secret, for as long as it works.

mod members;

pub use members::{EnteredSecret, NewWorkflow, WorkflowEdit};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::clock::later;
use crate::crypto::random;
use crate::domain::audit_event::{AuditAction, NewAuditEvent};
use crate::domain::client::{Client, ClientSecret, Status};
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, WorkflowId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::ListFilter;
use crate::domain::workflow::{Workflow, WorkflowStanding, WorkflowState};
use crate::flows::access_keys::scope_of;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, client_auth, limits};
use members::{DEFAULT_LIFETIME, check, default_resources, widens};

/// A workflow with what has become of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ShownWorkflow {
    /// The workflow.
    #[serde(flatten)]
    pub workflow: Workflow,
    /// Whether it gives tokens now, and if not, why.
    pub state: WorkflowState,
    /// When it will be suspended, because the secret that was entered is being replaced; null where no end is set.
    pub authorized_until: Option<DateTime<Utc>>,
}

fn shown(workflow: Workflow, standing: &WorkflowStanding) -> ShownWorkflow {
    let state = workflow.state(standing);
    let until = standing.secret.flatten().filter(|_| workflow.authorized_at.is_some());
    ShownWorkflow { workflow, state, authorized_until: until }
}

/// Makes a workflow of a client whose secret is entered.
pub fn create(server: &Server, caller: &Caller, new: NewWorkflow) -> FlowResult<ShownWorkflow> {
    caller.require("client-workflows:write")?;
    let event = caller.event(AuditAction::WorkflowCreated, "client", &new.client_id);
    let (client, secret) = enter(server, &new.client_id, &new.client_secret, event)?;
    let now = server.clock.now();
    let scope = scope_of(&new.scopes)?;
    let mut workflow = Workflow {
        id: WorkflowId(format!("wf_{}", random::id(now)?.replace('-', ""))),
        name: new.name,
        client_id: client.client_id.clone(),
        resources: new.resources.unwrap_or_else(|| default_resources(server, &client, &scope)),
        scope,
        allowed_origins: new.allowed_origins,
        access_token_lifetime: new.access_token_lifetime.unwrap_or(DEFAULT_LIFETIME),
        status: Status::Active,
        client_secret_id: Some(secret.id.0.clone()),
        authorized_at: Some(now),
        created_at: now,
        updated_at: now,
    };
    check(server, &client, &mut workflow)?;
    let event = caller.event(AuditAction::WorkflowCreated, "workflow", workflow.id.as_str());
    let stored = workflow.clone();
    server.store.write(move |connection| {
        connection.insert_workflow(&stored)?;
        connection.insert_audit_event(&event, now)
    })?;
    show_now(server, workflow)
}

/// The client whose secret this is. One sentence for whatever is wrong, and not many tries: who may make workflows does not
/// thereby learn which clients exist, or their secrets. `event` is left as a failure.
fn enter(
    server: &Server,
    client_id: &str,
    entered: &EnteredSecret,
    event: NewAuditEvent,
) -> FlowResult<(Client, ClientSecret)> {
    let known = if ClientId::is_valid(client_id) {
        limits::check_entered_secret(server, client_id)?;
        client_auth::prove(server, client_id, &entered.0, &event.source)?
    } else {
        None
    };
    let Some((client, secret)) = known else {
        let now = server.clock.now();
        let event = NewAuditEvent { success: false, ..event }.detail("invalid client secret");
        if ClientId::is_valid(client_id) {
            server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
        }
        let text = "Invalid client secret: check which client it belongs to, for spaces around it, and whether it was \
                    replaced";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    };
    if client.status != Status::Active {
        return Err(Denial::Conflict("the client is disabled".to_owned()).into());
    }
    Ok((client, secret))
}

/// One workflow.
pub fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<ShownWorkflow> {
    caller.require("client-workflows:read")?;
    show_now(server, find(server, id)?)
}

fn show_now(server: &Server, workflow: Workflow) -> FlowResult<ShownWorkflow> {
    let now = server.clock.now();
    let only = std::slice::from_ref(&workflow);
    let standings = server.store.read(|connection| connection.list_workflow_standings(only, now))?;
    let standing = standings.first().copied().unwrap_or(WorkflowStanding { client: Status::Revoked, secret: None });
    Ok(shown(workflow, &standing))
}

fn find(server: &Server, id: &str) -> FlowResult<Workflow> {
    let found = server.store.read(|connection| connection.find_workflow(id))?;
    found.ok_or(FlowError::Denied(Denial::NotFound("workflow")))
}

/// A page of workflows, of one client where it is named.
pub fn list(
    server: &Server,
    caller: &Caller,
    client_id: Option<&str>,
    filter: &ListFilter,
    page: &PageRequest,
) -> FlowResult<Page<ShownWorkflow>> {
    caller.require("client-workflows:read")?;
    let now = server.clock.now();
    Ok(server.store.read(|connection| {
        let page = connection.list_workflows(client_id, filter, page)?;
        let standings = connection.list_workflow_standings(&page.items, now)?;
        let items = page.items.into_iter().zip(&standings).map(|(workflow, standing)| shown(workflow, standing));
        Ok(Page { items: items.collect(), next_cursor: page.next_cursor })
    })?)
}

/// Edits a workflow, within what its client is registered for. To widen it takes the client's secret, as to make it did.
pub fn update(server: &Server, caller: &Caller, id: &str, mut edit: WorkflowEdit) -> FlowResult<ShownWorkflow> {
    let before = find_to_change(server, caller, id)?;
    let entered = edit.client_secret.take();
    let client = server.store.read(|connection| connection.find_client(before.client_id.as_str()))?;
    let client = client.ok_or(Denial::NotFound("client"))?;
    let mut workflow = before.clone();
    edit.apply(&mut workflow)?;
    check(server, &client, &mut workflow)?;
    if widens(&before, &workflow) {
        let needed = || {
            let text = "this widens what the workflow may do: send client_secret too, as for making it";
            Denial::InvalidMember(text.to_owned())
        };
        let event = caller.event(AuditAction::WorkflowUpdated, "workflow", id);
        enter(server, client.client_id.as_str(), &entered.ok_or_else(needed)?, event)?;
    }
    change(server, caller, &before, workflow, AuditAction::WorkflowUpdated)
}

/// Enters the client's secret anew: the workflow is entitled by this one from here on. Tokens that were issued under the one
/// before end.
pub fn authorize(server: &Server, caller: &Caller, id: &str, entered: &EnteredSecret) -> FlowResult<ShownWorkflow> {
    let before = find_to_change(server, caller, id)?;
    let event = caller.event(AuditAction::WorkflowAuthorized, "workflow", id);
    let (_, secret) = enter(server, before.client_id.as_str(), entered, event)?;
    // Behind every earlier time of this workflow, so that the tokens of two authorizations can be told apart.
    let at = later(server.clock.now(), before.updated_at);
    let workflow = Workflow { client_secret_id: Some(secret.id.0), authorized_at: Some(at), ..before.clone() };
    change(server, caller, &before, workflow, AuditAction::WorkflowAuthorized)
}

/// Ends the workflow's tokens now, and gives no more until the client's secret is entered again.
pub fn invalidate(server: &Server, caller: &Caller, id: &str) -> FlowResult<ShownWorkflow> {
    let before = find_to_change(server, caller, id)?;
    if before.authorized_at.is_none() {
        return Err(Denial::Conflict("the workflow is invalidated already".to_owned()).into());
    }
    let workflow = Workflow { client_secret_id: None, authorized_at: None, ..before.clone() };
    change(server, caller, &before, workflow, AuditAction::WorkflowInvalidated)
}

/// Disables, enables or revokes a workflow. Revoking is final.
pub fn set_status(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<ShownWorkflow> {
    caller.require_to_set(to, "client-workflows:write")?;
    let before = changeable(find(server, id)?)?;
    let action = match to {
        Status::Active => AuditAction::WorkflowEnabled,
        Status::Inactive => AuditAction::WorkflowDisabled,
        Status::Revoked => AuditAction::WorkflowRevoked,
    };
    let workflow = Workflow { status: to, ..before.clone() };
    change(server, caller, &before, workflow, action)
}

/// A workflow that can still be changed.
fn find_to_change(server: &Server, caller: &Caller, id: &str) -> FlowResult<Workflow> {
    caller.require("client-workflows:write")?;
    changeable(find(server, id)?)
}

fn changeable(workflow: Workflow) -> FlowResult<Workflow> {
    if workflow.status == Status::Revoked {
        return Err(Denial::Conflict("the workflow is revoked, which is final".to_owned()).into());
    }
    Ok(workflow)
}

fn change(
    server: &Server,
    caller: &Caller,
    before: &Workflow,
    mut workflow: Workflow,
    action: AuditAction,
) -> FlowResult<ShownWorkflow> {
    let now = server.clock.now();
    workflow.updated_at = later(now, before.updated_at);
    let event = caller.event(action, "workflow", workflow.id.as_str());
    let (stored, from, read_at) = (workflow.clone(), before.status, before.updated_at);
    let done = server.store.write(move |connection| {
        let done = connection.update_workflow(&stored, from, read_at)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if !done {
        return Err(Denial::Conflict("the workflow was changed meanwhile: read it again".to_owned()).into());
    }
    show_now(server, workflow)
}
