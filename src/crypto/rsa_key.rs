//! RSA keys on their way in: aws-lc generates, the `rsa` crate parses what comes from elsewhere (RFC 8017, PKCS#8).

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use zeroize::Zeroizing;

use crate::crypto::key_pair::KeyError;

/// The sizes that are issued and accepted, in bits (NIST SP 800-57: 2048 is the floor).
pub const SIZES: [usize; 3] = [2048, 3072, 4096];

/// Generates a key pair; the result is PKCS#8 DER.
pub fn generate(bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        _ => return Err(KeyError::Size(bits)),
    };
    let der = KeyPair::generate(size).and_then(|pair| pair.as_der()).map_err(|_| KeyError::Generation)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

/// Reads a private key, PKCS#8 or PKCS#1; the result is PKCS#8 DER.
pub fn from_der(der: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = rsa::RsaPrivateKey::from_pkcs8_der(der)
        .or_else(|_| rsa::RsaPrivateKey::from_pkcs1_der(der))
        .map_err(|_| KeyError::NotPem)?;
    // FIPS 186-5 §5.4: 2^16 < e. Small exponents break under careless verifiers.
    if key.e() < &rsa::BigUint::from(65_537_u32) {
        return Err(KeyError::Exponent);
    }
    let bits = key.size() * 8;
    if !SIZES.contains(&bits) {
        return Err(KeyError::Size(bits));
    }
    let document = key.to_pkcs8_der().map_err(|_| KeyError::NotPem)?;
    Ok(Zeroizing::new(document.as_bytes().to_vec()))
}
