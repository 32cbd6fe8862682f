//! Whether a registration holds: within itself, against the configuration and the defined scopes, and for this caller.

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::caller::Caller;
use crate::flows::clients::authentication;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, environments, subject};
use crate::protocol::grant_type::GrantType;
use crate::protocol::signing_alg::SigningAlg;

/// Completes and checks a registration: within itself, against the configuration, against the defined scopes, and
/// against what the caller holds.
pub(super) fn settle(server: &Server, caller: &Caller, client: &mut Client) -> FlowResult<()> {
    caller.may_register(&client.scope, &server.scopes())?;
    caller.may_hand_out(server.roles.scope_of(&client.roles).iter())?;
    let environment = environments::find(server, &client.environment)?;
    let definitions = server.scopes();
    let client_scope = client.scope.clone();
    let owned = || {
        let named = client_scope.iter().filter_map(|name| definitions.find(name));
        named.filter_map(|scope| scope.resource.as_ref().map(|resource| (scope, resource)))
    };
    if client.resources.is_empty() {
        client.resources.extend(environment.resources.first().cloned());
        let missing: Vec<_> = owned().map(|(_, resource)| resource.clone()).collect();
        for resource in missing {
            if !client.resources.contains(&resource) {
                client.resources.push(resource);
            }
        }
    }
    client.check_consistency().map_err(Denial::from)?;
    authentication::check(server, client)?;
    let metadata = client.metadata.check(&client.redirect_uris);
    metadata.map_err(|error| Denial::InvalidMember(error.to_string()))?;
    if client.is_public()
        && client.allows_grant(GrantType::Password)
        && !server.config.tokens.danger_public_password_grant
    {
        return Err(Denial::InvalidMember("password is only for confidential clients".to_owned()).into());
    }
    if !subject::has_sector(client) {
        let text = "pairwise subjects with redirect URIs of several hosts need a sector_identifier_uri";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    }
    let refuse = |text: String| Err(FlowError::from(Denial::InvalidMember(text)));
    if let Some((scope, resource)) = owned().find(|(_, resource)| !client.resources.contains(resource)) {
        return refuse(format!("scope {} belongs to {resource}, which is not among the resources", scope.name));
    }
    environments::check_resources(server, environment, &client.resources)?;
    environments::check_limits(server, environment, client.limits, client.plan.as_deref())?;
    environments::check_addresses(&client.allowed_addresses)?;
    if let Some(unknown) = client.roles.iter().find(|role| !server.roles.contains(role)) {
        return refuse(format!("there is no role '{unknown}' in the configuration"));
    }
    check_lifetimes(server, client)?;
    check_algorithms(server, client)?;
    Ok(())
}

/// What is to be signed for a client needs a key.
fn check_algorithms(server: &Server, client: &Client) -> Result<(), Denial> {
    let metadata = &client.metadata;
    let wanted = [
        ("id_token_signed_response_alg", Some(metadata.id_token_signed_response_alg)),
        ("userinfo_signed_response_alg", metadata.userinfo_signed_response_alg),
    ];
    for (member, alg) in wanted.into_iter().filter_map(|(member, alg)| alg.map(|alg| (member, alg))) {
        if !server.config.signing_keys.algorithms.contains(alg) {
            let known: Vec<_> = server.config.signing_keys.algorithms.iter().map(SigningAlg::as_str).collect();
            let text = format!("{member}: there is no key for {}; there is one for {}", alg.as_str(), known.join(", "));
            return Err(Denial::InvalidMember(text));
        }
    }
    Ok(())
}

fn check_lifetimes(server: &Server, client: &Client) -> Result<(), Denial> {
    let most = server.config.tokens.access_token_max_lifetime.as_secs();
    let sensible =
        |seconds: Option<u32>, least: u32| seconds.is_none_or(|seconds| seconds >= least && seconds <= 316_224_000);
    if client.access_token_lifetime.is_some_and(|seconds| seconds < 10 || u64::from(seconds) > most) {
        return Err(Denial::InvalidMember(format!("access_token_lifetime must be 10 to {most} seconds")));
    }
    if !sensible(client.refresh_token_lifetime, 60) || !sensible(client.refresh_token_max_lifetime, 60) {
        return Err(Denial::InvalidMember("refresh token lifetimes must be 60 seconds to 10 years".to_owned()));
    }
    Ok(())
}
