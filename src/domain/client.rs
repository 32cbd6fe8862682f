//! A client (RFC 6749 §2) and what it is registered for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::domain::client_metadata::ClientMetadata;
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, ClientSecretId};
use crate::domain::limits::Limits;
use crate::domain::text::is_deceptive;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::origin::Origin;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Whether a client or user may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In use.
    Active,
    /// Refused for now; can return.
    Inactive,
    /// Refused for good.
    Revoked,
}

impl Status {
    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
        }
    }

    /// The status of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Revoked].into_iter().find(|status| status.as_str() == text)
    }
}

/// What happens to a refresh token when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokenPolicy {
    /// Each use consumes it and gives a successor (RFC 9700 §4.14.2).
    #[default]
    Rotate,
    /// It stays the same until it expires: only for clients that prove who they are.
    Keep,
}

impl RefreshTokenPolicy {
    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Keep => "keep",
        }
    }

    /// The policy of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Rotate, Self::Keep].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// A registered client. It holds no secret: those are rows of their own.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Client {
    /// `client_id`.
    pub client_id: ClientId,
    /// Shown to people on the consent page (RFC 7591 §2).
    pub client_name: String,
    /// For operators.
    pub description: String,
    /// Where it belongs.
    pub environment: String,
    /// Whether it may be used.
    pub status: Status,
    /// How it authenticates; `none` makes it a public client.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// Where it may be answered.
    #[schema(value_type = Vec<String>)]
    pub redirect_uris: Vec<RedirectUri>,
    /// The scopes it may ask for.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// The resources it may ask tokens for (RFC 8707); the first is the default.
    #[schema(value_type = Vec<String>)]
    pub resources: Vec<Resource>,
    /// Browser origins that may call the endpoints with CORS.
    #[schema(value_type = Vec<String>)]
    pub allowed_origins: Vec<Origin>,
    /// The roles it holds when it acts for itself.
    pub roles: Vec<String>,
    /// Must it use PKCE? Always true for public clients.
    pub require_pkce: bool,
    /// First party: people are not asked for consent.
    pub first_party: bool,
    /// May it ask the introspection endpoint?
    pub may_introspect: bool,
    /// What happens to its refresh tokens.
    pub refresh_token_policy: RefreshTokenPolicy,
    /// Lifetime of its access tokens in seconds, where it differs from the default.
    pub access_token_lifetime: Option<u32>,
    /// Sliding lifetime of its refresh tokens in seconds, where it differs from the default.
    pub refresh_token_lifetime: Option<u32>,
    /// Absolute lifetime of its refresh token families in seconds, where it differs from the default.
    pub refresh_token_max_lifetime: Option<u32>,
    /// Its plan, by name.
    pub plan: Option<String>,
    /// Its own limits.
    #[serde(flatten)]
    pub limits: Limits,
    /// The networks it may be used from; empty for all.
    #[schema(value_type = Vec<String>)]
    pub allowed_addresses: Vec<IpNet>,
    /// What OpenID Connect and other specifications add.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
    /// When it was last used, some seconds late; null when never.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A rule that a registration breaks, as a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidClient(pub &'static str);

impl Client {
    /// RFC 6749 §2.1: a public client cannot keep a secret.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == ClientAuthMethod::None
    }

    /// Does it have a secret?
    pub fn has_secret(&self) -> bool {
        self.token_endpoint_auth_method.has_secret()
    }

    /// Is it registered for this grant?
    pub fn allows_grant(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// The refusal of an authenticated client that is not registered for a grant (RFC 6749 §5.2).
    pub fn check_grant(&self, grant_type: GrantType) -> Result<(), Denial> {
        if self.allows_grant(grant_type) { Ok(()) } else { Err(Denial::GrantNotRegistered) }
    }

    /// The redirect URI to use: a registered one that matches (RFC 6749 §3.1.2.3), or the only one where none was sent.
    pub fn resolve_redirect_uri(&self, requested: Option<&str>) -> Result<String, Denial> {
        match (requested, self.redirect_uris.as_slice()) {
            (Some(requested), registered) => registered
                .iter()
                .any(|uri| uri.matches(requested))
                .then(|| requested.to_owned())
                .ok_or(Denial::RedirectUriNotRegistered),
            (None, [only]) => Ok(only.as_str().to_owned()),
            (None, _) => Err(Denial::RedirectUriMissing),
        }
    }

    /// RFC 8707 §2: each requested resource must be one that the client is registered for.
    pub fn check_resources(&self, requested: &[Resource]) -> Result<(), Denial> {
        if requested.iter().all(|resource| self.resources.contains(resource)) {
            Ok(())
        } else {
            Err(Denial::ResourceNotRegistered)
        }
    }

    /// RFC 6749 §3.3: nothing that the client is not registered for.
    pub fn check_scope(&self, requested: &Scope) -> Result<(), Denial> {
        if requested.is_subset_of(&self.scope) { Ok(()) } else { Err(Denial::ScopeNotRegistered) }
    }

    /// Lifetime of this client's access tokens.
    pub fn access_token_lifetime(&self) -> Option<Duration> {
        self.access_token_lifetime.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// Checks the rules that hold between the members of a registration.
    pub fn check_consistency(&self) -> Result<(), InvalidClient> {
        let fail = |sentence| Err(InvalidClient(sentence));
        if !ClientId::is_valid(self.client_id.as_str()) {
            return fail("client_id must be 1 to 128 of the characters A-Z a-z 0-9 - . _ ~");
        }
        if self.client_name.trim().is_empty()
            || self.client_name.len() > 200
            || self.client_name.chars().any(is_deceptive)
        {
            return fail("client_name must have 1 to 200 bytes and no control or direction characters");
        }
        if self.description.len() > 2000 {
            return fail("description must have at most 2000 bytes");
        }
        if self.grant_types.is_empty() {
            return fail("grant_types must name at least one grant");
        }
        if self.allows_grant(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return fail("redirect_uris must name at least one address for the authorization_code grant");
        }
        if self.redirect_uris.len() > 50 || self.allowed_origins.len() > 50 || self.resources.len() > 50 {
            return fail("redirect_uris, allowed_origins and resources take at most 50 entries each");
        }
        if self.allows_grant(GrantType::RefreshToken)
            && ![GrantType::AuthorizationCode, GrantType::Password, GrantType::DeviceCode]
                .into_iter()
                .any(|grant| self.allows_grant(grant))
        {
            return fail("refresh_token needs a grant that issues one: authorization_code, device_code or password");
        }
        if self.allows_grant(GrantType::Workflow) && !self.token_endpoint_auth_method.sends_secret() {
            return fail(
                "workflows are only for confidential clients: without a client_secret there is nothing to enter",
            );
        }
        if self.resources.is_empty() {
            return fail("resources must name at least one resource");
        }
        if self.is_public() { self.check_public() } else { Ok(()) }
    }

    fn check_public(&self) -> Result<(), InvalidClient> {
        let fail = |sentence| Err(InvalidClient(sentence));
        if self.allows_grant(GrantType::ClientCredentials) {
            // RFC 6749 §4.4: the grant must only be used by confidential clients.
            return fail("client_credentials is only for confidential clients");
        }
        if !self.require_pkce {
            // RFC 9700 §2.1.1: public clients must use PKCE.
            return fail("a public client always uses PKCE: require_pkce cannot be lifted");
        }
        if self.refresh_token_policy == RefreshTokenPolicy::Keep {
            // RFC 9700 §4.14.2: rotation or sender-constraining for public clients.
            return fail("a public client's refresh tokens are rotated: refresh_token_policy must be rotate");
        }
        if self.may_introspect {
            return fail("a public client cannot authenticate, so it cannot introspect");
        }
        if !self.roles.is_empty() {
            return fail("a public client never acts for itself, so it holds no roles");
        }
        Ok(())
    }
}

/// A client's secret as stored: a keyed digest, or argon2id where a person chose it.
pub struct ClientSecret {
    /// Its identifier, not secret.
    pub id: ClientSecretId,
    /// Whose it is.
    pub client_id: ClientId,
    /// How to check what is presented.
    pub verifier: SecretVerifier,
    /// Its last four characters, to tell secrets apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working; None while it is the current one.
    pub expires_at: Option<DateTime<Utc>>,
    /// The secret itself, sealed, where the client makes HMACs with it (`client_secret_jwt`).
    pub sealed: Option<Vec<u8>>,
}

/// What a presented secret is compared with.
pub enum SecretVerifier {
    /// HMAC-SHA-256 of a random secret.
    Digest(Vec<u8>),
    /// argon2id, PHC form, of a secret that a person chose.
    PasswordHash(String),
}

impl ClientSecret {
    /// Does it work at this time?
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
