//! A resource server (RFC 6749 §1.1) that asks about credentials or reports their use: who it is, and what is its own.

use crate::domain::audit_event::{Actor, Source};
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::{Server, bearer, client_auth};
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::resource::Resource;

/// How a resource server authenticates. No `Debug`: it is secret.
pub enum Authorization {
    /// As a client: HTTP Basic (RFC 6749 §2.3.1).
    Client(Result<PresentedCredentials, CredentialsError>),
    /// With an access token or access key for the admin API; None when there is none.
    Bearer(Option<String>),
}

/// An authenticated resource server.
#[derive(Debug, Clone)]
pub struct ResourceServer {
    /// client_id, access key id or user id.
    pub id: String,
    /// What it may know of belongs to this environment.
    pub environment: String,
    /// What it may know of is for one of these.
    pub resources: Vec<Resource>,
    /// The projects that its credential is limited to; empty for all.
    pub projects: Vec<String>,
    /// The identifier of the request.
    pub request_id: Option<String>,
}

impl ResourceServer {
    /// Authenticates a client that may introspect, or a bearer that holds `scope`.
    pub fn authenticate(
        server: &Server,
        authorization: Authorization,
        scope: &'static str,
        source: Source,
    ) -> FlowResult<Self> {
        let request_id = source.request_id.clone();
        let mut found = match authorization {
            Authorization::Client(presented) => {
                let client = client_auth::authenticate(server, presented, &source)?;
                if !client.may_introspect {
                    return Err(Denial::IntrospectionNotAllowed.into());
                }
                let Client { client_id, environment, resources, .. } = client;
                Self { id: client_id.0, environment, resources, projects: Vec::new(), request_id }
            }
            Authorization::Bearer(token) => of_bearer(server, token.as_deref(), scope, source)?,
        };
        // The admin API is this server's own, though every bearer here needs it as an audience.
        let declared = server.environment(&found.environment).map(|environment| environment.resources.as_slice());
        let is_ours = |resource: &Resource| {
            *resource == server.admin_resource && !declared.is_some_and(|declared| declared.contains(resource))
        };
        found.resources.retain(|resource| !is_ours(resource));
        Ok(found)
    }

    /// May it report what was done on this project? One that is limited to projects may not leave out which.
    pub fn may_act_on(&self, project: Option<&str>) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|held| Some(held.as_str()) == project)
    }

    /// Is a credential for these audiences in this environment its affair?
    pub fn may_know(&self, environment: &str, audiences: &[Resource]) -> bool {
        self.environment == environment && audiences.iter().any(|audience| self.resources.contains(audience))
    }
}

fn of_bearer(server: &Server, token: Option<&str>, scope: &'static str, source: Source) -> FlowResult<ResourceServer> {
    let token = Some(token.ok_or(Denial::CallerUnauthenticated)?);
    let request_id = source.request_id.clone();
    let caller = bearer::authenticate(server, token, source)?;
    caller.require(scope)?;
    let id = caller.actor.id().unwrap_or_default().to_owned();
    let found = server.store.read(|connection| match (&caller.actor, &caller.client_id) {
        (Actor::AccessKey(id), _) => Ok(connection.find_access_key(id)?.map(|key| (key.environment, key.resources))),
        (_, Some(client_id)) => {
            Ok(connection.find_client(client_id)?.map(|client| (client.environment, client.resources)))
        }
        (_, None) => Ok(None),
    })?;
    let (environment, resources) = found.ok_or(Denial::BearerInvalid)?;
    Ok(ResourceServer { id, environment, resources, projects: caller.projects, request_id })
}
