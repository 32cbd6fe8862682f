//! Building and signing an access token (RFC 9068 §2).

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::crypto::{jwt, random};
use crate::domain::client::Client;
use crate::domain::grant::Grant;
use crate::domain::user::User;
use crate::flows::error::Failure;
use crate::flows::token::authority::Authority;
use crate::flows::{Server, signing_keys, subject};
use crate::protocol::claims::{AccessTokenClaims, Audience};
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::{OFFLINE_ACCESS, OPENID, Scope};
use crate::protocol::signing_alg::SigningAlg;
use crate::protocol::token_response::TokenResponse;

/// Whom a token speaks of.
pub enum Subject<'a> {
    /// The client itself (RFC 9068 §2.2: then `sub` is the client's identifier).
    Client,
    /// A user, by a grant of theirs.
    User(&'a User, &'a Grant),
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
            id_token: None,
            issued_token_type: None,
            scope: authority.scope.to_string(),
        }
    }
}

/// An access token to be: all but what every token gets alike.
pub struct Draft {
    /// Subject.
    pub sub: String,
    /// The client, or the access key that acts for itself.
    pub client_id: String,
    /// Where it works.
    pub environment: String,
    /// Lifetime in seconds.
    pub lifetime: i64,
    /// When the user signed in.
    pub auth_time: Option<i64>,
    /// The user's roles.
    pub roles: Option<Vec<String>>,
    /// The grant it comes from.
    pub grant_id: Option<String>,
    /// The access key it was exchanged for.
    pub access_key_id: Option<String>,
    /// The personal token that it is.
    pub personal_token_id: Option<String>,
    /// The workflow it is for.
    pub workflow_id: Option<String>,
    /// When that workflow was authorized, in microseconds.
    pub workflow_authorized_at: Option<i64>,
    /// The projects it is limited to.
    pub projects: Option<Vec<String>>,
}

impl Draft {
    /// A token of this client for itself.
    pub fn of_client(server: &Server, client: &Client) -> Self {
        Self {
            sub: client.client_id.0.clone(),
            client_id: client.client_id.0.clone(),
            environment: client.environment.clone(),
            lifetime: i64::try_from(lifetime(server, client).as_secs()).unwrap_or_default(),
            auth_time: None,
            roles: None,
            grant_id: None,
            access_key_id: None,
            personal_token_id: None,
            workflow_id: None,
            workflow_authorized_at: None,
            projects: None,
        }
    }
}

/// Signs an access token for a client, or for a user through it.
pub fn mint(server: &Server, client: &Client, subject: &Subject<'_>, authority: &Authority) -> Result<Minted, Failure> {
    let mut draft = Draft::of_client(server, client);
    if let Subject::User(user, grant) = subject {
        // What was granted until then is not usable behind it, also where nobody asks us.
        draft.lifetime = draft.lifetime.min((grant.expires_at - server.clock.now()).num_seconds());
        draft.sub = subject::of(server, client, &user.id);
        draft.auth_time = Some(grant.auth_time.timestamp());
        draft.roles = Some(user.roles.clone());
        draft.grant_id = Some(grant.id.0.clone());
    }
    sign(server, draft, authority)
}

/// Signs an access token: one RSA signature, and nothing else of weight.
pub fn sign(server: &Server, draft: Draft, authority: &Authority) -> Result<Minted, Failure> {
    let now = server.clock.now();
    let issued_at = now.timestamp();
    let jti = random::opaque_id()?;
    let expires_in = draft.lifetime;
    let claims = AccessTokenClaims {
        iss: server.config.server.issuer.clone(),
        sub: draft.sub,
        aud: Audience::new(authority.resources.clone()),
        client_id: draft.client_id,
        exp: issued_at + expires_in,
        iat: issued_at,
        nbf: issued_at,
        jti: jti.clone(),
        scope: authority.scope.to_string(),
        env: draft.environment,
        auth_time: draft.auth_time,
        roles: draft.roles,
        grant_id: draft.grant_id,
        access_key_id: draft.access_key_id,
        personal_token_id: draft.personal_token_id,
        workflow_id: draft.workflow_id,
        workflow_authorized_at: draft.workflow_authorized_at,
        projects: draft.projects,
    };
    let keyring = server.keyring();
    let key = signing_keys::signing_key(&keyring, SigningAlg::RS256, now)?;
    Ok(Minted { access_token: jwt::sign(&claims, key)?, jti, expires_in })
}

/// The client's own, else its environment's, else the server's; never more than the server's most.
fn lifetime(server: &Server, client: &Client) -> Duration {
    let tokens = &server.config.tokens;
    let of_environment = || server.config.environments.0.get(&client.environment)?.access_token_lifetime;
    let lifetime = client.access_token_lifetime().or_else(of_environment).unwrap_or(tokens.access_token_lifetime);
    lifetime.min(tokens.access_token_max_lifetime)
}

/// Does this client get a refresh token with this scope? An OpenID Connect request of a third party only with
/// `offline_access` (OpenID Connect Core §11); whoever does not speak OpenID Connect, and first parties, as registered.
pub fn may_refresh(client: &Client, scope: &Scope) -> bool {
    let agreed = client.first_party || !scope.contains(OPENID) || scope.contains(OFFLINE_ACCESS);
    client.allows_grant(GrantType::RefreshToken) && agreed
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
