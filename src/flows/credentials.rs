//! Every kind of credential in the one form in which it is judged. What its owner, client or user has lost is taken from it
//! here, so that no door needs to think of it.

use chrono::DateTime;

use crate::domain::access_key::{AccessKey, AccessKeySecret, Owner};
use crate::domain::client::{Client, Status};
use crate::domain::credential::{Bounds, Credential, CredentialKind, CredentialUser, KeyBounds};
use crate::domain::limits::Limits;
use crate::domain::personal_token::PersonalToken;
use crate::domain::role;
use crate::domain::user::User;
use crate::flows::bearer::KnownToken;
use crate::flows::{Server, subject};
use crate::protocol::scope::Scope;
use crate::store::PresentedAccessKey;

impl PresentedAccessKey {
    /// The worse of the key's status and its owner's. A revoked owner makes the key revoked, a disabled one inactive.
    pub fn status(&self) -> Status {
        let owner = [
            self.user.as_ref().map(|user| user.status),
            self.service_account.as_ref().map(|account| account.status),
            self.client.as_ref().map(|client| client.status),
        ];
        let worse = |one: Status, other: Status| match (one, other) {
            (Status::Revoked, _) | (_, Status::Revoked) => Status::Revoked,
            (Status::Inactive, _) | (_, Status::Inactive) => Status::Inactive,
            (Status::Active, Status::Active) => Status::Active,
        };
        owner.into_iter().flatten().fold(self.key.status, worse)
    }
}

/// What of a key's scope its owner still holds: a service account and a client bound it, and privileged scopes need the
/// roles of a user or client.
fn effective_scope(server: &Server, found: &PresentedAccessKey) -> Scope {
    let roles = match (&found.user, &found.client) {
        (Some(user), _) => Some(&user.roles),
        (None, Some(client)) => Some(&client.roles),
        (None, None) => None,
    };
    let held = roles.map(|roles| server.roles.scope_of(roles));
    let bound = found.service_account.as_ref().map(|account| &account.scope);
    let bound = bound.or(found.client.as_ref().map(|client| &client.scope));
    found.key.scope.filtered(|token| {
        bound.is_none_or(|bound| bound.contains(token))
            && held.as_ref().is_none_or(|held| !server.is_privileged(token) || role::holds(held, token))
    })
}

fn user_of(user: &User) -> CredentialUser {
    CredentialUser { id: user.id.0.clone(), username: Some(user.username.clone()), roles: user.roles.clone() }
}

/// An access key; with the secret by which it was presented.
pub fn of_access_key(server: &Server, found: &PresentedAccessKey, secret: Option<&AccessKeySecret>) -> Credential {
    let key: &AccessKey = &found.key;
    let plan = key.plan.clone().or_else(|| found.service_account.as_ref()?.plan.clone());
    let secret_end = secret.and_then(|secret| secret.expires_at);
    let limits = server.limits(&key.environment, key.limits, plan.as_deref());
    Credential {
        kind: CredentialKind::AccessKey,
        id: key.id.0.clone(),
        secret_id: secret.map(|secret| secret.id.0.clone()),
        name: key.name.clone(),
        subject: key.owner.as_ref().map_or(key.id.as_str(), Owner::id).to_owned(),
        owner: key.owner.clone(),
        client_id: found.client.as_ref().map(|client| client.client_id.0.clone()),
        user: found.user.as_ref().map(user_of),
        environment: key.environment.clone(),
        status: found.status(),
        expires_at: [key.expires_at, secret_end].into_iter().flatten().min(),
        allowed_addresses: key.allowed_addresses.clone(),
        resources: key.resources.clone(),
        scope: effective_scope(server, found),
        projects: key.projects.iter().map(|project| project.0.clone()).collect(),
        limits,
        bounds: Some(Bounds {
            expires_at: key.expires_at,
            allowed_addresses: key.allowed_addresses.clone(),
            limits,
            has_own_limits: key.limits.is_some() || plan.is_some(),
            key: Some(KeyBounds {
                id: key.id.0.clone(),
                environment: key.environment.clone(),
                resources: key.resources.clone(),
            }),
        }),
        plan,
        rotating_until: secret_end,
    }
}

/// The restrictions of a client, for whoever acts through it; None where it has none.
fn bounds_of_client(server: &Server, client: &Client) -> Option<Bounds> {
    let has_own_limits = client.limits.is_some() || client.plan.is_some();
    let bounds = Bounds {
        expires_at: None,
        allowed_addresses: client.allowed_addresses.clone(),
        limits: if has_own_limits { server.limits_of_client(client) } else { Limits::default() },
        has_own_limits,
        key: None,
    };
    bounds.is_restricted().then_some(bounds)
}

/// An access token; counted and limited as the access key or the client that it came from.
pub fn of_token(server: &Server, known: KnownToken, status: Option<Status>) -> Credential {
    let claimed = Scope::parse(&known.claims.scope).unwrap_or_default();
    let expires_at = DateTime::from_timestamp(known.claims.exp, 0);
    if let Some(key) = &known.key {
        let of_key = of_access_key(server, key, None);
        return Credential {
            kind: CredentialKind::AccessToken,
            client_id: known.client.map(|client| client.client_id.0),
            status: status.unwrap_or(known.status),
            expires_at: [expires_at, of_key.expires_at].into_iter().flatten().min(),
            resources: known.claims.aud.as_slice().to_vec(),
            scope: claimed.filtered(|token| of_key.scope.contains(token)),
            environment: known.claims.env,
            ..of_key
        };
    }
    if let Some(personal) = &known.personal {
        let status = status.unwrap_or(known.status);
        return of_personal_token(server, personal, (known.user.as_ref(), &claimed), status);
    }
    let client = known.client;
    let own = |roles: &[String]| server.roles.scope_of(roles);
    let held = match (&known.user, &client) {
        (Some(user), _) => own(&user.roles),
        (None, Some(client)) => own(&client.roles),
        (None, None) => Scope::default(),
    };
    let registered = client.as_ref().map(|client| client.scope.clone()).unwrap_or_default();
    let may = |token: &str| registered.contains(token) && (!server.is_privileged(token) || role::holds(&held, token));
    Credential {
        kind: CredentialKind::AccessToken,
        id: known.claims.client_id.clone(),
        secret_id: None,
        name: client.as_ref().map(|client| client.client_name.clone()).unwrap_or_default(),
        subject: known.claims.sub,
        owner: None,
        client_id: Some(known.claims.client_id),
        user: known.user.as_ref().map(user_of).map(|user| CredentialUser {
            username: user.username.filter(|_| !client.as_ref().is_some_and(subject::is_pairwise)),
            ..user
        }),
        environment: known.claims.env,
        status: status.unwrap_or(known.status),
        expires_at,
        allowed_addresses: client.as_ref().map(|client| client.allowed_addresses.clone()).unwrap_or_default(),
        resources: known.claims.aud.as_slice().to_vec(),
        scope: claimed.filtered(may),
        projects: known.claims.projects.unwrap_or_default(),
        limits: client.as_ref().map(|client| server.limits_of_client(client)).unwrap_or_default(),
        bounds: client.as_ref().and_then(|client| bounds_of_client(server, client)),
        plan: client.and_then(|client| client.plan),
        rotating_until: None,
    }
}

/// A token that a person made for themselves; counted and limited by itself, as an access key without a plan is. It has an
/// end, so what is made by it must have one, too.
pub(in crate::flows) fn of_personal_token(
    server: &Server,
    personal: &PersonalToken,
    (user, claimed): (Option<&User>, &Scope),
    status: Status,
) -> Credential {
    let held = user.map(|user| server.roles.scope_of(&user.roles)).unwrap_or_default();
    let limits = server.limits(&personal.environment, Limits::default(), None);
    let expires_at = Some(personal.expires_at);
    Credential {
        kind: CredentialKind::AccessToken,
        id: personal.id.0.clone(),
        secret_id: None,
        name: personal.name.clone(),
        subject: personal.user_id.0.clone(),
        owner: Some(Owner::User(personal.user_id.0.clone())),
        client_id: Some(personal.id.0.clone()),
        user: user.map(user_of),
        environment: personal.environment.clone(),
        status,
        expires_at,
        allowed_addresses: Vec::new(),
        resources: personal.resources.clone(),
        scope: claimed.filtered(|token| !server.is_privileged(token) || role::holds(&held, token)),
        projects: Vec::new(),
        limits,
        bounds: Some(Bounds {
            expires_at,
            allowed_addresses: Vec::new(),
            limits,
            has_own_limits: false,
            key: Some(KeyBounds {
                id: personal.id.0.clone(),
                environment: personal.environment.clone(),
                resources: personal.resources.clone(),
            }),
        }),
        plan: None,
        rotating_until: None,
    }
}

/// A client that presents its identifier and secret on a direct call; it holds what it is registered for, privileged
/// scopes as far as its roles give them.
pub fn of_client(server: &Server, client: &Client) -> Credential {
    let held = server.roles.scope_of(&client.roles);
    Credential {
        kind: CredentialKind::ClientSecret,
        id: client.client_id.0.clone(),
        secret_id: None,
        name: client.client_name.clone(),
        subject: client.client_id.0.clone(),
        owner: None,
        client_id: Some(client.client_id.0.clone()),
        user: None,
        environment: client.environment.clone(),
        status: client.status,
        expires_at: None,
        allowed_addresses: client.allowed_addresses.clone(),
        resources: client.resources.clone(),
        scope: client.scope.filtered(|token| !server.is_privileged(token) || role::holds(&held, token)),
        projects: Vec::new(),
        plan: client.plan.clone(),
        limits: server.limits_of_client(client),
        bounds: None,
        rotating_until: None,
    }
}
