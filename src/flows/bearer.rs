//! Access tokens presented to this server: verified, and asked of the database whether they were revoked.

use crate::crypto::jwt::{self, Verification};
use crate::domain::access_key::Owner;
use crate::domain::audit_event::{Actor, Source};
use crate::domain::client::{Client, Status};
use crate::domain::denial::Denial;
use crate::domain::role;
use crate::domain::user::User;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::{Server, signing_keys};
use crate::protocol::claims::AccessTokenClaims;
use crate::protocol::scope::Scope;
use crate::store::{StoreConnection, StoreError};

/// An access token that is good now, with its user where there is one.
pub struct LiveToken {
    /// Its claims.
    pub claims: AccessTokenClaims,
    /// The client it was issued to.
    pub client: Client,
    /// The user it speaks of.
    pub user: Option<User>,
}

/// Signature, type, issuer and time. None for anything that is not a token of this server within its time.
pub fn verify(server: &Server, token: &str) -> FlowResult<Option<AccessTokenClaims>> {
    let issuer = &server.config.server.issuer;
    let now = server.clock.now();
    let first = jwt::verify(token, issuer, &server.keyring(), now);
    let verified = match first {
        // Another instance may have made this key a moment ago.
        Verification::UnknownKey if signing_keys::reload_if_stale(server)? => {
            jwt::verify(token, issuer, &server.keyring(), now)
        }
        other => other,
    };
    Ok(match verified {
        Verification::Valid(claims) => Some(*claims),
        Verification::Invalid | Verification::UnknownKey => None,
    })
}

/// Asks what the token cannot know: was it, its grant, its client or its user revoked since? None when so.
pub fn check_live(
    connection: &mut StoreConnection,
    claims: AccessTokenClaims,
) -> Result<Option<LiveToken>, StoreError> {
    if connection.is_access_token_revoked(&claims.jti)? {
        return Ok(None);
    }
    let client = connection.find_client(&claims.client_id)?.filter(|client| client.status == Status::Active);
    let Some(client) = client else { return Ok(None) };
    let Some(grant_id) = &claims.grant_id else { return Ok(Some(LiveToken { claims, client, user: None })) };
    Ok(match connection.find_grant(grant_id)? {
        Some((grant, user)) if grant.revoked_at.is_none() && user.status == Status::Active => {
            Some(LiveToken { claims, client, user: Some(user) })
        }
        _ => None,
    })
}

/// The caller behind an access token for the admin API (RFC 6750; RFC 9068 §4: the audience must be this API).
pub fn authenticate(server: &Server, token: Option<&str>, source: Source) -> FlowResult<Caller> {
    let token = token.ok_or(Denial::BearerMissing)?;
    let claims = verify(server, token)?.ok_or(Denial::BearerInvalid)?;
    if !claims.aud.contains(&server.admin_resource) {
        return Err(Denial::BearerInvalid.into());
    }
    let live = server.store.read(|connection| check_live(connection, claims))?.ok_or(Denial::BearerInvalid)?;
    let (actor, owner) = match &live.user {
        Some(user) => (Actor::User(user.id.0.clone()), Owner::User(user.id.0.clone())),
        None => (Actor::Client(live.claims.client_id.clone()), Owner::Client(live.claims.client_id.clone())),
    };
    // What client or principal have lost since the token was issued is lost here at once.
    let roles = server.roles.scope_of(live.user.as_ref().map_or(&live.client.roles, |user| &user.roles));
    let claimed = Scope::parse(&live.claims.scope).map_err(|_| Denial::BearerInvalid)?;
    let held = claimed.filtered(|token| role::holds(&roles, token) && live.client.scope.contains(token));
    Ok(Caller { actor, client_id: Some(live.claims.client_id), owner: Some(owner), held, source })
}
