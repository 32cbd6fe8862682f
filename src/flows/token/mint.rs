//! Building and signing an access token (RFC 9068 §2).

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::crypto::{jwt, random};
use crate::domain::client::Client;
use crate::domain::grant::Grant;
use crate::domain::user::User;
use crate::domain::workflow::{SecretEnd, Workflow};
use crate::flows::Server;
use crate::flows::error::Failure;
use crate::flows::token::authority::Authority;
use crate::protocol::claims::{AccessTokenClaims, Audience};
use crate::protocol::token_response::TokenResponse;

/// Whom a token speaks of.
pub enum Subject<'a> {
    /// The client itself (RFC 9068 §2.2: then `sub` is the client's identifier).
    Client,
    /// A user, by a grant of theirs.
    User(&'a User, &'a Grant),
    /// The client itself, through a workflow, whose secret ends then.
    Workflow(&'a Workflow, SecretEnd),
}

/// A signed token. No `Debug`.
pub struct Minted {
    /// The JWT.
    pub access_token: String,
    /// Its identifier.
    pub jti: String,
    /// Its lifetime in seconds.
    pub expires_in: i64,
}

impl Minted {
    /// The token response for it.
    pub fn respond(self, refresh_token: Option<String>, authority: &Authority) -> TokenResponse {
        TokenResponse {
            access_token: self.access_token,
            token_type: "Bearer",
            expires_in: self.expires_in,
            refresh_token,
            scope: authority.scope.to_string(),
        }
    }
}

/// Signs an access token: one RSA signature, and nothing else of weight.
pub fn mint(server: &Server, client: &Client, subject: &Subject<'_>, authority: &Authority) -> Result<Minted, Failure> {
    let now = server.clock.now();
    let issued_at = now.timestamp();
    let expires_in = expires_in(server, client, subject, issued_at);
    let (sub, auth_time, roles, grant_id) = match subject {
        Subject::Client | Subject::Workflow(..) => (client.client_id.as_str(), None, None, None),
        Subject::User(user, grant) => {
            (user.id.as_str(), Some(grant.auth_time.timestamp()), Some(user.roles.clone()), Some(grant.id.0.clone()))
        }
    };
    let workflow = match subject {
        Subject::Workflow(workflow, _) => Some(workflow),
        Subject::Client | Subject::User(..) => None,
    };
    let jti = random::opaque_id()?;
    let claims = AccessTokenClaims {
        iss: server.config.server.issuer.clone(),
        sub: sub.to_owned(),
        aud: Audience::new(authority.resources.clone()),
        client_id: client.client_id.0.clone(),
        exp: issued_at + expires_in,
        iat: issued_at,
        nbf: issued_at,
        jti: jti.clone(),
        scope: authority.scope.to_string(),
        env: client.environment.clone(),
        auth_time,
        roles,
        grant_id,
        access_key_id: None,
        workflow_id: workflow.map(|workflow| workflow.id.0.clone()),
        workflow_authorized_at: workflow.and_then(|workflow| workflow.authorized_at).map(|at| at.timestamp_micros()),
        projects: None,
    };
    let keyring = server.keyring();
    let key = keyring.signing_key(now).ok_or_else(|| Failure::Internal("there is no active signing key".to_owned()))?;
    Ok(Minted { access_token: jwt::sign(&claims, key)?, jti, expires_in })
}

/// The lifetime of a token in seconds. What it rests on until then is not usable behind it, also where nobody asks us.
fn expires_in(server: &Server, client: &Client, subject: &Subject<'_>, issued_at: i64) -> i64 {
    let seconds = |lifetime: Duration| i64::try_from(lifetime.as_secs()).unwrap_or_default();
    match subject {
        Subject::Client => seconds(lifetime(server, client)),
        Subject::User(_, grant) => seconds(lifetime(server, client)).min(grant.expires_at.timestamp() - issued_at),
        Subject::Workflow(workflow, end) => {
            let own = Duration::from_secs(workflow.access_token_lifetime.into());
            let own = seconds(own.min(server.config.tokens.access_token_max_lifetime));
            end.map_or(own, |end| own.min(end.timestamp() - issued_at))
        }
    }
}

/// The client's own, else its environment's, else the server's; never more than the server's most.
fn lifetime(server: &Server, client: &Client) -> Duration {
    let tokens = &server.config.tokens;
    let of_environment = || server.config.environments.0.get(&client.environment)?.access_token_lifetime;
    let lifetime = client.access_token_lifetime().or_else(of_environment).unwrap_or(tokens.access_token_lifetime);
    lifetime.min(tokens.access_token_max_lifetime)
}

/// When a refresh token issued now to this client expires: sliding, but never behind the end of its grant.
pub fn refresh_token_expiry(server: &Server, client: &Client, grant: &Grant, now: DateTime<Utc>) -> DateTime<Utc> {
    let own = client.refresh_token_lifetime.map(|seconds| Duration::from_secs(seconds.into()));
    (now + own.unwrap_or(server.config.tokens.refresh_token_lifetime)).min(grant.expires_at)
}

/// When a grant given now to this client ends, and with it its tokens.
pub fn grant_expiry(server: &Server, client: &Client, now: DateTime<Utc>) -> DateTime<Utc> {
    let own = client.refresh_token_max_lifetime.map(|seconds| Duration::from_secs(seconds.into()));
    now + own.unwrap_or(server.config.tokens.refresh_token_max_lifetime)
}
