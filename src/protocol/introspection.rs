//! Token introspection (RFC 7662).

use serde::Serialize;
use zeroize::Zeroizing;

use crate::protocol::claims::Audience;
use crate::protocol::params::{ParamError, Params};

/// An introspection or revocation request: both have the same two parameters (RFC 7662 §2.1, RFC 7009 §2.1).
pub struct TokenParameter {
    /// The token asked about.
    pub token: Zeroizing<String>,
    /// `token_type_hint`: only a hint, a wrong one must not change the answer.
    pub hint: Option<String>,
}

impl TokenParameter {
    /// Reads `token` and `token_type_hint`.
    pub fn read(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            token: Zeroizing::new(params.required("token")?.to_owned()),
            hint: params.optional("token_type_hint")?.map(str::to_owned),
        })
    }
}

/// The introspection response (RFC 7662 §2.2).
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct IntrospectionResponse {
    /// Is the token usable now? Everything else is left out when not (§2.2).
    pub active: bool,
    /// Granted scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The client the token was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The resource owner's name, where a user signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `Bearer` for access tokens, `refresh_token` for refresh tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// Expiry, seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Time of issue, seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Not before, seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub aud: Option<Audience>,
    /// Issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Token identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// When the user authenticated, seconds since the epoch (RFC 9068 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The user's roles (RFC 9068 §2.2.3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The environment of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
}
