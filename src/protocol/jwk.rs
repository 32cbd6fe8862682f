//! JSON Web Keys for publication (RFC 7517; RFC 7518 §6.2 and §6.3; RFC 8037 §2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::protocol::signing_alg::SigningAlg;

/// A public signing key. There is no field for a private part, so none can be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicJwk {
    /// `sig`.
    #[serde(rename = "use")]
    pub public_key_use: String,
    /// The one algorithm that it is for.
    pub alg: SigningAlg,
    /// Key identifier.
    pub kid: String,
    /// Key type and the public part, each number as base64url of its big-endian octets.
    #[serde(flatten)]
    pub parameters: PublicParameters,
}

/// The public part of a key, by its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kty")]
pub enum PublicParameters {
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus.
        n: String,
        /// Public exponent.
        e: String,
    },
    /// An elliptic curve.
    #[serde(rename = "EC")]
    Ec {
        /// Curve, `P-256`.
        crv: String,
        /// Coordinate.
        x: String,
        /// Coordinate.
        y: String,
    },
    /// An octet key pair.
    #[serde(rename = "OKP")]
    Okp {
        /// Curve, `Ed25519`.
        crv: String,
        /// The public key.
        x: String,
    },
}

impl PublicParameters {
    /// An RSA key of this modulus and exponent.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::Rsa { n: URL_SAFE_NO_PAD.encode(modulus), e: URL_SAFE_NO_PAD.encode(exponent) }
    }

    /// A point on P-256.
    pub fn p256(x: &[u8], y: &[u8]) -> Self {
        Self::Ec { crv: "P-256".to_owned(), x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
    }

    /// An Ed25519 key.
    pub fn ed25519(public: &[u8]) -> Self {
        Self::Okp { crv: "Ed25519".to_owned(), x: URL_SAFE_NO_PAD.encode(public) }
    }

    /// What a thumbprint is taken of (RFC 7638 §3.2, RFC 8037 §2): the required members in lexicographic order.
    pub fn canonical(&self) -> String {
        match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        }
    }
}

/// A JWK Set (RFC 7517 §5).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<PublicJwk>,
}
