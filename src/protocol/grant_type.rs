//! Grant types (RFC 6749 §4, §6), by their registered names.

use serde::{Deserialize, Serialize};

/// A grant that the token endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1, with PKCE (RFC 7636).
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.3; only for clients registered for it.
    Password,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 8693: an access key becomes a short-lived access token.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    /// RFC 6749 §4.5, an extension grant named by an absolute URI: a workflow's identifier instead of a secret.
    #[serde(rename = "urn:grantor:params:oauth:grant-type:workflow")]
    Workflow,
    /// RFC 8628 §3.4: a device without a browser, approved in another one.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl GrantType {
    /// Every grant of this server, in the order of the metadata document.
    pub const ALL: [Self; 7] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::Password,
        Self::ClientCredentials,
        Self::TokenExchange,
        Self::Workflow,
        Self::DeviceCode,
    ];

    /// The registered spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::Password => "password",
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Workflow => "urn:grantor:params:oauth:grant-type:workflow",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    /// The grant of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}
