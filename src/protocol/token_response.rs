//! The successful token response (RFC 6749 §5.1).

use serde::Serialize;

/// The JSON body of a token response. Holds tokens, so it has no `Debug`.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TokenResponse {
    /// The access token, a JWT (RFC 9068).
    pub access_token: String,
    /// Always `Bearer` (RFC 6750).
    pub token_type: &'static str,
    /// Lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// The refresh token, where one was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token, where `openid` is granted (OpenID Connect Core §3.1.3.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What kind of token it is, where one was exchanged for another (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
    /// The granted scope: always sent, so that a client need not guess whether it is what it asked for.
    pub scope: String,
}
