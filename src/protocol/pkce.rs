//! Proof Key for Code Exchange (RFC 7636). Only `S256`: §4.2 lets a server refuse `plain`, RFC 9700 §2.1.1 asks it to.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The one supported `code_challenge_method`.
pub const S256: &str = "S256";

/// A `code_challenge` as sent: 43 characters of base64url, a SHA-256 digest (RFC 7636 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// A `code_verifier` by the grammar of RFC 7636 §4.1. It is a secret until used, so it has no `Debug`.
pub struct CodeVerifier(String);

impl CodeChallenge {
    /// Accepts only what an S256 transformation can give: base64url without padding of 32 octets.
    pub fn parse(text: &str) -> Option<Self> {
        let octets = URL_SAFE_NO_PAD.decode(text).ok()?;
        (octets.len() == digest::SHA256_OUTPUT_LEN).then(|| Self(text.to_owned()))
    }

    /// RFC 7636 §4.6: BASE64URL-ENCODE(SHA256(ASCII(code_verifier))) == code_challenge, in constant time.
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        let computed = verifier.challenge();
        constant_time::verify_slices_are_equal(computed.0.as_bytes(), self.0.as_bytes()).is_ok()
    }

    /// The challenge as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CodeVerifier {
    /// `code-verifier = 43*128unreserved` (RFC 7636 §4.1).
    pub fn parse(text: &str) -> Option<Self> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        ((43..=128).contains(&text.len()) && text.bytes().all(unreserved)).then(|| Self(text.to_owned()))
    }

    /// The S256 transformation (RFC 7636 §4.2).
    pub fn challenge(&self) -> CodeChallenge {
        let hash = digest::digest(&digest::SHA256, self.0.as_bytes());
        CodeChallenge(URL_SAFE_NO_PAD.encode(hash.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(challenge.is_met_by(&verifier));
        assert!(!challenge.is_met_by(&CodeVerifier::parse(&"a".repeat(43)).unwrap()));
    }

    #[test]
    fn lengths_and_alphabets() {
        assert!(CodeVerifier::parse(&"a".repeat(42)).is_none());
        assert!(CodeVerifier::parse(&"a".repeat(129)).is_none());
        assert!(CodeVerifier::parse(&"+".repeat(43)).is_none());
        assert!(CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c").is_none());
        assert!(CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=").is_none());
    }
}
