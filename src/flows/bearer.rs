//! Access tokens presented to this server: verified, and asked of the database whether they were revoked.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::crypto::jwt::{self, Verification};
use crate::domain::access_key::Owner;
use crate::domain::audit_event::{Actor, Source};
use crate::domain::client::{Client, Status};
use crate::domain::credential::{Credential, CredentialKind, Verdict};
use crate::domain::denial::Denial;
use crate::domain::grant::Grant;
use crate::domain::limits::WindowState;
use crate::domain::personal_token::PersonalToken;
use crate::domain::refusal::RefusingDoor;
use crate::domain::user::User;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::verdict::{self, Presented, Question, Trace};
use crate::flows::{Server, signing_keys};
use crate::protocol::claims::AccessTokenClaims;
use crate::store::{PresentedAccessKey, StoreConnection, StoreError};

/// An access token of this server with what has become of whom it speaks of.
pub struct KnownToken {
    /// Its claims.
    pub claims: AccessTokenClaims,
    /// The client it was issued to; None where it was exchanged for an access key alone.
    pub client: Option<Client>,
    /// The user it speaks of.
    pub user: Option<User>,
    /// The grant it was issued from.
    pub grant: Option<Grant>,
    /// The access key it was exchanged for.
    pub key: Option<PresentedAccessKey>,
    /// The personal token that it is.
    pub personal: Option<PersonalToken>,
    /// Of the token, its grant, its workflow, its client, its access key and its user: the worst.
    pub status: Status,
}

/// Signature, type, issuer and time. None for anything that is not a token of this server within its time.
pub fn verify(server: &Server, token: &str) -> FlowResult<Option<AccessTokenClaims>> {
    Ok(match verify_any(server, token)? {
        Verification::Valid(claims) => Some(*claims),
        Verification::Expired(_) | Verification::Invalid | Verification::UnknownKey => None,
    })
}

/// Signature, type, issuer and time, telling apart what has expired.
pub fn verify_any(server: &Server, token: &str) -> FlowResult<Verification> {
    let issuer = &server.config.server.issuer;
    let now = server.clock.now();
    Ok(match jwt::verify(token, issuer, &server.keyring(), now) {
        // Another instance may have made this key a moment ago.
        Verification::UnknownKey if signing_keys::reload_if_stale(server)? => {
            jwt::verify(token, issuer, &server.keyring(), now)
        }
        other => other,
    })
}

/// Asks what the token cannot know: was it, its grant, its client, its access key or its user revoked or disabled since?
/// None when there is no such client, grant, key or personal token (any more).
pub fn look_up(
    connection: &mut StoreConnection,
    claims: AccessTokenClaims,
    now: DateTime<Utc>,
) -> Result<Option<KnownToken>, StoreError> {
    if let Some(id) = claims.personal_token_id.clone() {
        return look_up_personal(connection, claims, &id);
    }
    let mut status = Status::Active;
    let mut worsen = |other: Status| {
        if other == Status::Revoked || status == Status::Active {
            status = other;
        }
    };
    if connection.is_access_token_revoked(&claims.jti)? {
        worsen(Status::Revoked);
    }
    let key = match &claims.access_key_id {
        Some(id) => match connection.find_access_key_with_owner(id)? {
            Some(key) => Some(key),
            None => return Ok(None),
        },
        None => None,
    };
    // A key that was exchanged alone stands in the place of the client: no client of this name is asked for.
    let is_key_alone = claims.access_key_id.as_deref() == Some(claims.client_id.as_str());
    let client = if is_key_alone { None } else { connection.find_client(&claims.client_id)? };
    match &client {
        Some(client) => worsen(client.status),
        None if is_key_alone => {}
        None => return Ok(None),
    }
    if let Some(key) = &key {
        worsen(key.status());
    }
    if let Some(id) = &claims.workflow_id {
        worsen(status_of_workflow(connection, id, claims.workflow_authorized_at, now)?);
    }
    let (grant, user) = match &claims.grant_id {
        Some(id) => match connection.find_grant(id)? {
            Some((grant, user)) => {
                if grant.revoked_at.is_some() {
                    worsen(Status::Revoked);
                }
                worsen(user.status);
                (Some(grant), Some(user))
            }
            None => return Ok(None),
        },
        None => (None, None),
    };
    Ok(Some(KnownToken { claims, client, user, grant, key, personal: None, status }))
}

/// A personal token has neither client nor grant: its row and its user decide.
fn look_up_personal(
    connection: &mut StoreConnection,
    claims: AccessTokenClaims,
    id: &str,
) -> Result<Option<KnownToken>, StoreError> {
    let Some((personal, user)) = connection.find_personal_token(id)? else { return Ok(None) };
    let revoked = personal.revoked_at.is_some() || personal.jti != claims.jti;
    let status = if revoked { Status::Revoked } else { user.status };
    let (client, grant, key) = (None, None, None);
    Ok(Some(KnownToken { claims, client, user: Some(user), grant, key, personal: Some(personal), status }))
}

/// What has become of the workflow of a token that was issued under the authorization of this time.
fn status_of_workflow(
    connection: &mut StoreConnection,
    id: &str,
    authorized_at: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Status, StoreError> {
    let Some(workflow) = connection.find_workflow(id)? else { return Ok(Status::Revoked) };
    // The very time, for `iat` is in seconds: an invalidation and the next authorization fit into one.
    let stands = authorized_at.is_some() && workflow.authorized_at.map(|at| at.timestamp_micros()) == authorized_at;
    let secret = match &workflow.client_secret_id {
        Some(id) => connection.find_client_secret(id)?,
        None => None,
    };
    let entitled = stands && workflow.is_entitled_by(secret.as_ref(), now);
    Ok(if entitled { workflow.status } else { Status::Revoked })
}

/// The token when it is good now; None when it is not.
pub fn check_live(
    connection: &mut StoreConnection,
    claims: AccessTokenClaims,
    now: DateTime<Utc>,
) -> Result<Option<KnownToken>, StoreError> {
    Ok(look_up(connection, claims, now)?.filter(|known| known.status == Status::Active))
}

/// The caller behind an access token or access key for the admin API (RFC 6750; RFC 9068 §4: the audience must be this
/// API). The admin API belongs to the default environment.
pub fn authenticate(server: &Server, token: Option<&str>, source: Source) -> FlowResult<Caller> {
    Ok(admit(server, token, source)?.0)
}

/// The caller, and where they stand within their limits: at the admin API a credential is judged as at every other door.
pub fn admit(server: &Server, token: Option<&str>, source: Source) -> FlowResult<(Caller, Vec<WindowState>)> {
    let token = token.ok_or(Denial::BearerMissing)?;
    let presented = Presented::Bearer(Zeroizing::new(token.to_owned()));
    let question = Question {
        environment: server.config.server.default_environment.clone(),
        audiences: vec![server.admin_resource.clone()],
        address: source.address,
        operation: "admin".to_owned(),
        trace: Some(Trace::new(RefusingDoor::AdminApi, source.request_id.clone())),
        ..Question::default()
    };
    let judged = verdict::judge(server, &presented, &question)?;
    match (judged.verdict, judged.credential, judged.exceeded) {
        (Verdict::Valid, Some(credential), _) => Ok((caller_of(credential, source), judged.windows)),
        (_, _, Some(exceeded)) => Err(Denial::RateLimitExceeded(exceeded).into()),
        (Verdict::AddressNotAllowed, ..) => Err(Denial::AddressNotAllowed.into()),
        // Whoever holds the key may know what is wrong with it.
        (refused, Some(credential), _) if credential.kind == CredentialKind::AccessKey => {
            Err(Denial::AccessKeyRefused(refused).into())
        }
        _ => Err(Denial::BearerInvalid.into()),
    }
}

fn caller_of(credential: Credential, source: Source) -> Caller {
    let is_token = credential.kind == CredentialKind::AccessToken;
    // A token that was exchanged for an access key is counted as that key, and acts as it.
    let own_token = is_token && credential.client_id.as_deref() == Some(credential.id.as_str());
    let (actor, owner) = match &credential.user {
        Some(user) if own_token => (Actor::User(user.id.clone()), Some(Owner::User(user.id.clone()))),
        None if own_token => (Actor::Client(credential.id.clone()), Some(Owner::Client(credential.id.clone()))),
        _ => (Actor::AccessKey(credential.id), credential.owner),
    };
    Caller {
        actor,
        client_id: credential.client_id.filter(|_| is_token),
        owner,
        held: credential.scope,
        projects: credential.projects,
        bounds: credential.bounds,
        source,
    }
}
