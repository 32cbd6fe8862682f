//! What a token may say: its scope and its audience, from what was asked, what the client is registered for, what the
//! grant holds and what the principal's roles allow (RFC 6749 §3.3, RFC 8707 §2, RFC 9068 §3).

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::domain::grant::Grant;
use crate::domain::role::{self, Roles};
use crate::domain::scope_definition::{ScopeDefinition, ScopeDefinitions};
use crate::domain::standard_claims::is_openid_scope;
use crate::flows::Server;
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource::Resource;
use crate::protocol::scope::{OFFLINE_ACCESS, Scope};

/// What is asked for, and within which bounds.
pub struct Wanted<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// The requested scope.
    pub scope: Option<&'a Scope>,
    /// The requested resources.
    pub resources: &'a [Resource],
    /// The roles of the principal: the user, or the client that acts for itself.
    pub roles: &'a [String],
    /// Is the principal a user? Scopes of OpenID Connect speak of one.
    pub of_user: bool,
    /// The grant that bounds it, where there is one already.
    pub grant: Option<&'a Grant>,
}

/// What is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Scope.
    pub scope: Scope,
    /// Audience.
    pub resources: Vec<Resource>,
}

/// Decides scope and audience.
pub fn decide(server: &Server, wanted: &Wanted<'_>) -> Result<Authority, Denial> {
    let asked = check_bounds(wanted)?;
    let authority = settle(wanted, &server.roles, asked, &server.scopes())?;
    // RFC 9068 §5: whoever receives such a token could use it here as an administrator.
    if authority.resources.len() > 1 && authority.resources.contains(&server.admin_resource) {
        return Err(Denial::AdminResourceShared);
    }
    Ok(authority)
}

/// Each scope of it with its description, as people are asked.
pub fn describe(server: &Server, scope: &Scope) -> Vec<(String, String)> {
    let definitions = server.scopes();
    let description = |name: &str| definitions.find(name).map_or(name, |definition| &definition.description).to_owned();
    scope.iter().map(|name| (name.to_owned(), description(name))).collect()
}

/// The scope asked for, and whether it was asked for or is the default; refused beyond client or grant.
fn check_bounds(wanted: &Wanted<'_>) -> Result<(Scope, bool), Denial> {
    let client = wanted.client;
    match wanted.grant {
        None => {
            client.check_resources(wanted.resources)?;
            wanted.scope.map_or(Ok(()), |scope| client.check_scope(scope))?;
            Ok((wanted.scope.unwrap_or(&client.scope).clone(), wanted.scope.is_some()))
        }
        Some(grant) => {
            if !wanted.resources.iter().all(|resource| grant.resources.contains(resource)) {
                return Err(Denial::ResourceNotGranted);
            }
            client.check_resources(wanted.resources)?;
            // RFC 6749 §6: must not include any scope not originally granted.
            if wanted.scope.is_some_and(|scope| !scope.is_subset_of(&grant.scope)) {
                return Err(Denial::ScopeWidened);
            }
            let scope = wanted.scope.unwrap_or(&grant.scope);
            // What the client has lost since the grant is lost to the grant.
            Ok((scope.filtered(|token| client.scope.contains(token)), true))
        }
    }
}

fn settle(
    wanted: &Wanted<'_>,
    roles: &Roles,
    (asked, explicit): (Scope, bool),
    definitions: &ScopeDefinitions,
) -> Result<Authority, Denial> {
    let held = roles.scope_of(wanted.roles);
    let definition = |token: &str| definitions.find(token);
    let may = |token: &str| {
        let privileged = role::is_admin_api_scope(token) || definition(token).is_some_and(|found| found.privileged);
        // OpenID Connect Core §11: where no refresh token could be used, the wish for one is ignored.
        let pointless = token == OFFLINE_ACCESS && !wanted.client.allows_grant(GrantType::RefreshToken);
        // Core §3.1.2.1: without openid in the request it is none of OpenID Connect, so it is never a default.
        if is_openid_scope(token) && (!wanted.of_user || !explicit || pointless) {
            return false;
        }
        // Least privilege: a privileged scope must be asked for by name, and held.
        !privileged || (explicit && role::holds(&held, token))
    };
    // A token for one resource does not carry the scopes of another.
    let fits = |token: &str| {
        let resource = definition(token).and_then(|found| found.resource.as_ref());
        wanted.resources.is_empty() || resource.is_none_or(|resource| wanted.resources.contains(resource))
    };
    let scope = asked.filtered(|token| may(token) && fits(token));
    let named = wanted.scope.or(wanted.grant.map(|grant| &grant.scope)).unwrap_or(&wanted.client.scope);
    if scope.is_empty() && !named.is_empty() {
        return Err(Denial::ScopeNotGrantable);
    }
    let resources = match (wanted.resources, wanted.grant) {
        ([], Some(grant)) => {
            grant.resources.iter().filter(|held| wanted.client.resources.contains(held)).cloned().collect()
        }
        ([], None) => infer_resources(wanted.client, &scope, definition),
        (requested, _) => requested.to_vec(),
    };
    if resources.is_empty() {
        return Err(Denial::ResourceNotRegistered);
    }
    Ok(Authority { scope, resources })
}

/// RFC 9068 §3: without a resource parameter, the scopes tell; those that belong to no resource are for the client's first.
fn infer_resources<'a>(
    client: &Client,
    scope: &Scope,
    definition: impl Fn(&str) -> Option<&'a ScopeDefinition>,
) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    // What is asked of the user is answered here, whatever else the token is for.
    for token in scope.iter().filter(|token| !is_openid_scope(token)) {
        let named = definition(token).and_then(|found| found.resource.clone());
        let resource = named.or_else(|| client.resources.first().cloned());
        resources
            .extend(resource.filter(|resource| !resources.contains(resource) && client.resources.contains(resource)));
    }
    if resources.is_empty() {
        resources.extend(client.resources.first().cloned());
    }
    resources
}
