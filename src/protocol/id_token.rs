//! The claims of an ID token (OpenID Connect Core §2) and the words that they take.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The `typ` header of an ID token and of a signed userinfo answer: no other kind of token of this server has it.
pub const ID_TOKEN_TYPE: &str = "JWT";

/// `acr` of a log-in with username and password: one factor. The one class that this server has.
pub const ACR_PASSWORD: &str = "1";

/// `amr` of a log-in with a password (RFC 8176 §2).
pub const AMR_PASSWORD: &str = "pwd";

/// The claims of an ID token. Times are seconds since the epoch. `azp` is not among them: the audience is always the one
/// client that it was issued to.
#[derive(Debug, Clone, Serialize)]
pub struct IdTokenClaims {
    /// Issuer.
    pub iss: String,
    /// Subject, as this client knows the user.
    pub sub: String,
    /// The client, as one string.
    pub aud: String,
    /// Expiry.
    pub exp: i64,
    /// Time of issue.
    pub iat: i64,
    /// When the user signed in.
    pub auth_time: i64,
    /// `nonce` of the request, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How strongly they signed in.
    pub acr: &'static str,
    /// By which methods.
    pub amr: [&'static str; 1],
    /// The login session (Front-Channel Logout §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The left half of the digest of the access token issued with it (§3.1.3.6).
    pub at_hash: String,
    /// Claims about the user that were asked for by name.
    #[serde(flatten)]
    pub requested: Map<String, Value>,
}

/// What is read of an ID token that comes back as a hint. Its audience may be written as a list elsewhere, never here.
#[derive(Debug, Clone, Deserialize)]
pub struct HintClaims {
    /// Issuer.
    pub iss: String,
    /// Subject.
    pub sub: String,
    /// The client it was issued to.
    pub aud: String,
    /// The login session.
    pub sid: Option<String>,
    /// Its end: a signed userinfo answer, which is no ID token, has none.
    pub exp: i64,
}
