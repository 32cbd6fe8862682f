//! JSON Web Keys for publication (RFC 7517, RFC 7518 §6.3.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// A public RSA signing key. There is no field for a private part, so none can be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicJwk {
    /// Key type, `RSA`.
    pub kty: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub public_key_use: String,
    /// `RS256`.
    pub alg: String,
    /// Key identifier.
    pub kid: String,
    /// Modulus, base64url of the big-endian octets.
    pub n: String,
    /// Public exponent, base64url of the big-endian octets.
    pub e: String,
}

impl PublicJwk {
    /// An RS256 key from its big-endian modulus and exponent.
    pub fn rs256(kid: &str, modulus: &[u8], exponent: &[u8]) -> Self {
        Self {
            kty: "RSA".to_owned(),
            public_key_use: "sig".to_owned(),
            alg: "RS256".to_owned(),
            kid: kid.to_owned(),
            n: URL_SAFE_NO_PAD.encode(modulus),
            e: URL_SAFE_NO_PAD.encode(exponent),
        }
    }
}

/// A JWK Set (RFC 7517 §5).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<PublicJwk>,
}
