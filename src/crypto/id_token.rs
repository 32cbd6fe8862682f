//! ID tokens (OpenID Connect Core §2): the hash of the access token beside them, and reading one that comes back as a hint.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};

use crate::crypto::keyring::Keyring;
use crate::protocol::id_token::{HintClaims, ID_TOKEN_TYPE};
use crate::protocol::signing_alg::SigningAlg;

/// Longest hint looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// `at_hash` (OpenID Connect Core §3.1.3.6): the left half of the digest that the algorithm of the ID token computes with.
pub fn at_hash(alg: SigningAlg, access_token: &str) -> String {
    let algorithm = match alg {
        SigningAlg::RS256 | SigningAlg::PS256 | SigningAlg::ES256 => &SHA256,
        // RFC 8032 §5.1: Ed25519 computes with SHA-512.
        SigningAlg::EdDsa => &SHA512,
    };
    let digest = digest(algorithm, access_token.as_bytes());
    let octets = digest.as_ref();
    URL_SAFE_NO_PAD.encode(octets.get(..octets.len() / 2).unwrap_or_default())
}

/// Verifies an ID token of this server that comes back as a hint: type, algorithm, issuer, signature. It may have expired
/// (OpenID Connect Core §3.1.2.1). None for anything else.
pub fn verify_hint(token: &str, issuer: &str, keyring: &Keyring, now: DateTime<Utc>) -> Option<HintClaims> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let header = decode_header(token).ok()?;
    // RFC 8725 §3.11: an access token is no ID token, whatever its claims.
    if header.typ.as_deref() != Some(ID_TOKEN_TYPE) || header.alg != Algorithm::RS256 {
        return None;
    }
    let key = keyring.find(&header.kid?, now)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<HintClaims>(token, &key.decoding, &validation).ok()?.claims;
    (claims.iss == issuer).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_known_token() {
        // OpenID Connect Core §A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(SigningAlg::RS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(SigningAlg::EdDsa, token).len(), 43);
    }
}
