//! ID tokens (OpenID Connect Core §2): the hash of the access token beside them.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::protocol::signing_alg::SigningAlg;

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
