//! The workflow grant, an extension grant (RFC 6749 §4.5): a public identifier instead of a secret, for a front end. What
//! entitles it is the row of the client secret that was entered for the workflow; no refresh token exists as a text that
//! could leak. A client need not be registered for this grant: its workflow is the registration.

use crate::domain::audit_event::{Actor, Source};
use crate::domain::client::{Client, ClientSecret, Status};
use crate::domain::credential::is_allowed_address;
use crate::domain::denial::Denial;
use crate::domain::workflow::{SecretEnd, Workflow};
use crate::flows::error::FlowResult;
use crate::flows::token::mint::{self, Draft};
use crate::flows::token::{Asked, Authority, Wanted, authority, issued};
use crate::flows::{Server, limits};
use crate::protocol::credentials::{PresentedCredentials, Proof};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;
use crate::protocol::token_response::TokenResponse;

/// What the front end presents.
pub struct Claimed<'a> {
    /// Its client, without a secret.
    pub presented: PresentedCredentials,
    /// The workflow.
    pub workflow_id: &'a str,
    /// The page's origin.
    pub origin: Option<&'a str>,
    /// From where.
    pub source: Source,
}

/// Issues a short-lived access token of the workflow. The questions come in the order of every door; only what passes all
/// the others is counted.
pub fn redeem(
    server: &Server,
    claimed: Claimed<'_>,
    scope: Option<Scope>,
    resources: Vec<Resource>,
) -> FlowResult<TokenResponse> {
    if !matches!(claimed.presented.proof, Proof::Nothing) {
        // Whoever sends one from a page has published it.
        let text = "a workflow is used without client_secret: it must not be where a front end is";
        return Err(Denial::MalformedRequest(text.to_owned()).into());
    }
    let (client, workflow, secret) = load(server, &claimed)?;
    if client.status != Status::Active {
        return Err(Denial::ClientInactive.into());
    }
    if workflow.status != Status::Active {
        return Err(Denial::WorkflowInactive.into());
    }
    if !workflow.is_entitled_by(secret.as_ref(), server.clock.now()) {
        return Err(Denial::WorkflowSuspended.into());
    }
    let lifetime = lifetime(server, &workflow, secret.and_then(|secret| secret.expires_at))?;
    if !is_allowed_address(&client.allowed_addresses, claimed.source.address) {
        return Err(Denial::ClientAddressNotAllowed.into());
    }
    workflow.check_origin(claimed.origin)?;
    let asked = Asked { client, scope, resources, source: claimed.source };
    let authority = decide(server, &asked, &workflow)?;
    limits::check_client(server, &asked.client)?;
    let draft = Draft {
        lifetime,
        workflow_id: Some(workflow.id.0.clone()),
        workflow_authorized_at: workflow.authorized_at.map(|at| at.timestamp_micros()),
        ..Draft::of_client(server, &asked.client)
    };
    let minted = mint::sign(server, draft, &authority)?;
    let actor = Actor::Client(asked.client.client_id.0.clone());
    if let Some(event) = issued(server, &asked, actor, &minted) {
        let (now, event) = (server.clock.now(), event.detail(format!("workflow {}", workflow.id)));
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    }
    Ok(minted.respond(None, &authority))
}

fn load(server: &Server, claimed: &Claimed<'_>) -> FlowResult<(Client, Workflow, Option<ClientSecret>)> {
    let found = server.store.read(|connection| {
        let Some(client) = connection.find_client(&claimed.presented.client_id)? else { return Ok(None) };
        let workflow = connection.find_workflow(claimed.workflow_id)?;
        let secret = match workflow.as_ref().and_then(|workflow| workflow.client_secret_id.as_deref()) {
            Some(id) => connection.find_client_secret(id)?,
            None => None,
        };
        Ok(Some((client, workflow, secret)))
    })?;
    let (client, workflow, secret) = found.ok_or(Denial::ClientUnknown)?;
    let workflow = workflow.filter(|workflow| workflow.client_id == client.client_id);
    Ok((client, workflow.ok_or(Denial::WorkflowUnknown)?, secret))
}

/// The lifetime of a token, in seconds: never behind the end of the secret that entitles it, also where nobody asks us.
fn lifetime(server: &Server, workflow: &Workflow, end: SecretEnd) -> Result<i64, Denial> {
    let most = i64::try_from(server.config.tokens.access_token_max_lifetime.as_secs()).unwrap_or(i64::MAX);
    let own = i64::from(workflow.access_token_lifetime).min(most);
    let lifetime = end.map_or(own, |end| own.min((end - server.clock.now()).num_seconds()));
    if lifetime > 0 { Ok(lifetime) } else { Err(Denial::WorkflowSuspended) }
}

/// A workflow is a narrower client without roles: what either of them has lost is lost, and privileged scopes are for
/// neither.
fn decide(server: &Server, asked: &Asked, workflow: &Workflow) -> Result<Authority, Denial> {
    let client = &asked.client;
    let scope = workflow.scope.filtered(|token| client.scope.contains(token));
    if scope.is_empty() && !workflow.scope.is_empty() {
        return Err(Denial::ScopeNotGrantable);
    }
    let resources: Vec<_> =
        workflow.resources.iter().filter(|resource| client.resources.contains(resource)).cloned().collect();
    if asked.scope.as_ref().is_some_and(|wanted| !wanted.is_subset_of(&workflow.scope)) {
        return Err(Denial::ScopeWidened);
    }
    if !asked.resources.iter().all(|resource| workflow.resources.contains(resource)) {
        return Err(Denial::ResourceNotGranted);
    }
    let narrowed = Client { scope, resources, roles: Vec::new(), ..client.clone() };
    let wanted = Wanted {
        client: &narrowed,
        scope: asked.scope.as_ref(),
        resources: if asked.resources.is_empty() { &narrowed.resources } else { &asked.resources },
        roles: &[],
        of_user: false,
        grant: None,
    };
    authority::decide(server, &wanted)
}
