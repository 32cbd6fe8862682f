//! Token introspection (RFC 7662).

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::Source;
use crate::domain::client::{Client, Status};
use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::{Server, bearer, client_auth};
use crate::protocol::claims::AccessTokenClaims;
use crate::protocol::claims::Audience;
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::introspection::{IntrospectionResponse, TokenParameter};
use crate::protocol::params::Params;

/// Answers whether a token is good now. RFC 7662 §2.1: only to authenticated callers that may ask; §4: of tokens that are
/// not the caller's affair it says no more than of unknown ones. The form of a token tells its kind, so the hint is not needed.
pub fn introspect(
    server: &Server,
    params: &Params,
    presented: Result<PresentedCredentials, CredentialsError>,
    source: &Source,
) -> FlowResult<IntrospectionResponse> {
    let request = TokenParameter::read(params).map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    let caller = client_auth::authenticate(server, presented, source)?;
    if !caller.may_introspect {
        return Err(Denial::IntrospectionNotAllowed.into());
    }
    let answer = if SecretKind::RefreshToken.is_well_formed(&request.token) {
        refresh_token(server, &caller, &request.token)?
    } else {
        access_token(server, &caller, &request.token)?
    };
    Ok(answer.unwrap_or_default())
}

/// A caller may know of the tokens issued to it, and of those that are for a resource it is registered for.
fn may_know(caller: &Client, claims: &AccessTokenClaims) -> bool {
    claims.client_id == caller.client_id.as_str()
        || claims.aud.as_slice().iter().any(|resource| caller.resources.contains(resource))
}

fn access_token(server: &Server, caller: &Client, token: &str) -> FlowResult<Option<IntrospectionResponse>> {
    let Some(claims) = bearer::verify(server, token)?.filter(|claims| may_know(caller, claims)) else {
        return Ok(None);
    };
    let live = server.store.read(|connection| bearer::check_live(connection, claims))?;
    Ok(live.map(|live| {
        let claims = live.claims;
        IntrospectionResponse {
            active: true,
            scope: Some(claims.scope),
            client_id: Some(claims.client_id),
            username: live.user.map(|user| user.username),
            token_type: Some("Bearer"),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            nbf: Some(claims.nbf),
            sub: Some(claims.sub),
            aud: Some(claims.aud),
            iss: Some(claims.iss),
            jti: Some(claims.jti),
            auth_time: claims.auth_time,
            roles: claims.roles,
            env: Some(claims.env),
        }
    }))
}

/// A refresh token is only its own client's affair.
fn refresh_token(server: &Server, caller: &Client, token: &str) -> FlowResult<Option<IntrospectionResponse>> {
    let digest = server.keys.digest(SecretKind::RefreshToken, token);
    let found = server.store.read(|connection| connection.find_refresh_token(&digest))?;
    let now = server.clock.now();
    let live = found.filter(|found| {
        found.grant.client_id == caller.client_id
            && found.grant.revoked_at.is_none()
            && found.token.consumed_at.is_none()
            && now < found.token.expires_at.min(found.grant.expires_at)
            && found.user.status == Status::Active
    });
    Ok(live.map(|found| IntrospectionResponse {
        active: true,
        scope: Some(found.grant.scope.to_string()),
        client_id: Some(caller.client_id.0.clone()),
        username: Some(found.user.username),
        token_type: Some("refresh_token"),
        exp: Some(found.token.expires_at.timestamp()),
        iat: Some(found.token.created_at.timestamp()),
        sub: Some(found.user.id.0),
        aud: Some(Audience::new(found.grant.resources)),
        iss: Some(server.config.server.issuer.clone()),
        auth_time: Some(found.grant.auth_time.timestamp()),
        env: Some(caller.environment.clone()),
        ..IntrospectionResponse::default()
    }))
}
