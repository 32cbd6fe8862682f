//! RSA key pairs: the `rsa` crate generates and parses (RFC 8017, PKCS#8), aws-lc signs. A pair is parsed once and kept:
//! parsing it costs more than a signature.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use zeroize::Zeroizing;

use crate::protocol::jwk::PublicJwk;

/// The sizes that are issued and accepted, in bits (NIST SP 800-57: 2048 is the floor).
pub const SIZES: [usize; 3] = [2048, 3072, 4096];

/// A key that cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Generation failed.
    #[error("an RSA key could not be generated: {0}")]
    Generation(String),
    /// Not a private RSA key in PEM, PKCS#8 or PKCS#1.
    #[error("this is not a private RSA key in PEM (PKCS#8 or PKCS#1, not encrypted)")]
    NotRsaPem,
    /// A public exponent below 65537.
    #[error("the public exponent of an RSA key must be at least 65537")]
    Exponent,
    /// A stored key that cannot be parsed.
    #[error("a stored signing key cannot be read: {0}")]
    Unreadable(String),
    /// A size that is not allowed.
    #[error("RSA keys must have 2048, 3072 or 4096 bits; this one has {0}")]
    Size(usize),
    /// Signing failed.
    #[error("signing failed")]
    Signing,
}

/// A parsed RSA key pair, ready to sign RS256.
pub struct RsaSigningKey {
    pair: RsaKeyPair,
    /// The public part, whose `kid` is its thumbprint (RFC 7638).
    pub public_jwk: PublicJwk,
    /// Size of the modulus in bits.
    pub bits: usize,
}

/// Generates a key pair; the result is PKCS#8 DER.
pub fn generate(bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if !SIZES.contains(&bits) {
        return Err(KeyError::Size(bits));
    }
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits)
        .map_err(|error| KeyError::Generation(error.to_string()))?;
    to_der(&key)
}

/// Reads a private key in PEM, PKCS#8 or PKCS#1; the result is PKCS#8 DER.
pub fn from_pem(pem: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(pem)
        .or_else(|_| rsa::RsaPrivateKey::from_pkcs1_pem(pem))
        .map_err(|_| KeyError::NotRsaPem)?;
    // FIPS 186-5 §5.4: 2^16 < e. Small exponents break under careless verifiers.
    if key.e() < &rsa::BigUint::from(65_537_u32) {
        return Err(KeyError::Exponent);
    }
    let bits = key.size() * 8;
    if !SIZES.contains(&bits) {
        return Err(KeyError::Size(bits));
    }
    to_der(&key)
}

fn to_der(key: &rsa::RsaPrivateKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let document = key.to_pkcs8_der().map_err(|error| KeyError::Generation(error.to_string()))?;
    Ok(Zeroizing::new(document.as_bytes().to_vec()))
}

impl RsaSigningKey {
    /// Parses PKCS#8 DER.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|error| KeyError::Unreadable(error.to_string()))?;
        let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
        let exponent = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
        let bits = modulus.len() * 8;
        let public_jwk = PublicJwk::rs256(&thumbprint(&modulus, &exponent), &modulus, &exponent);
        Ok(Self { pair, public_jwk, bits })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyError::Signing)?;
        Ok(signature)
    }
}

/// RFC 7638 §3: SHA-256 over the required members in lexicographic order.
fn thumbprint(modulus: &[u8], exponent: &[u8]) -> String {
    let canonical = format!(
        r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
        URL_SAFE_NO_PAD.encode(exponent),
        URL_SAFE_NO_PAD.encode(modulus)
    );
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes()))
}
