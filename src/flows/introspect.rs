//! Token introspection (RFC 7662).

use zeroize::Zeroizing;

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::Source;
use crate::domain::client::{Client, Status};
use crate::domain::credential::{Asked, Credential, CredentialKind, Verdict};
use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::verdict::{self, Presented, Question};
use crate::flows::{Server, bearer, client_auth, credentials, subject};
use crate::protocol::claims::AccessTokenClaims;
use crate::protocol::claims::Audience;
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::introspection::{IntrospectionResponse, TokenParameter};
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

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
    } else if server.environment_of_key(&request.token).is_some() {
        access_key(server, &caller, request.token)?
    } else {
        access_token(server, &caller, &request.token)?
    };
    Ok(answer.unwrap_or_default())
}

/// A caller may know of the tokens issued to it, and of those that are for a resource it is registered for; in either case
/// only of its own environment.
fn may_know(caller: &Client, claims: &AccessTokenClaims) -> bool {
    let own = claims.client_id == caller.client_id.as_str();
    let for_it = || claims.aud.as_slice().iter().any(|resource| caller.resources.contains(resource));
    claims.env == caller.environment && (own || for_it())
}

/// An access key, as the verdict on it says: for a caller that it is for, without an end client's address, uncounted.
fn access_key(
    server: &Server,
    caller: &Client,
    secret: Zeroizing<String>,
) -> FlowResult<Option<IntrospectionResponse>> {
    let Some(credential) = verdict::find(server, &Presented::Bearer(secret), &Question::default())? else {
        return Ok(None);
    };
    let asked = Asked {
        environment: &caller.environment,
        address: None,
        audiences: &caller.resources,
        scope: &Scope::default(),
        project: None,
        now: server.clock.now(),
    };
    // Introspection does not know where the key was used: its allow-list is for doors that do.
    let anywhere = Credential { allowed_addresses: Vec::new(), ..credential };
    if anywhere.judge(&asked) != Verdict::Valid {
        return Ok(None);
    }
    Ok(Some(IntrospectionResponse {
        active: true,
        scope: Some(anywhere.scope.to_string()),
        client_id: Some(anywhere.client_id.unwrap_or_else(|| anywhere.id.clone())),
        username: anywhere.user.as_ref().and_then(|user| user.username.clone()),
        token_type: Some(CredentialKind::AccessKey.as_str()),
        exp: anywhere.expires_at.map(|end| end.timestamp()),
        sub: Some(anywhere.subject),
        aud: Some(Audience::new(anywhere.resources)),
        iss: Some(server.config.server.issuer.clone()),
        jti: Some(anywhere.id),
        roles: anywhere.user.map(|user| user.roles),
        env: Some(anywhere.environment),
        ..IntrospectionResponse::default()
    }))
}

fn access_token(server: &Server, caller: &Client, token: &str) -> FlowResult<Option<IntrospectionResponse>> {
    let Some(claims) = bearer::verify(server, token)?.filter(|claims| may_know(caller, claims)) else {
        return Ok(None);
    };
    let now = server.clock.now();
    let known = claims.clone();
    let Some(live) = server.store.read(|connection| bearer::check_live(connection, known, now))? else {
        return Ok(None);
    };
    // What key, client or user have lost since it was issued, their lifetime and roles too, is lost to the token.
    let held = live.user.as_ref().map(|user| user.roles.clone()).unwrap_or_default();
    let roles = claims.roles.map(|roles| roles.into_iter().filter(|role| held.contains(role)).collect());
    let credential = credentials::of_token(server, live, None);
    let stands = credential.expires_at.is_none_or(|end| now < end);
    Ok(stands.then(|| {
        let user = credential.user;
        IntrospectionResponse {
            active: true,
            scope: Some(credential.scope.to_string()),
            client_id: Some(claims.client_id),
            username: user.and_then(|user| user.username),
            token_type: Some("Bearer"),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            nbf: Some(claims.nbf),
            sub: Some(claims.sub),
            aud: Some(claims.aud),
            iss: Some(claims.iss),
            jti: Some(claims.jti),
            auth_time: claims.auth_time,
            roles,
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
        username: Some(found.user.username).filter(|_| !subject::is_pairwise(caller)),
        token_type: Some("refresh_token"),
        exp: Some(found.token.expires_at.timestamp()),
        iat: Some(found.token.created_at.timestamp()),
        sub: Some(subject::of(server, caller, &found.user.id)),
        aud: Some(Audience::new(found.grant.resources)),
        iss: Some(server.config.server.issuer.clone()),
        auth_time: Some(found.grant.auth_time.timestamp()),
        env: Some(caller.environment.clone()),
        ..IntrospectionResponse::default()
    }))
}
