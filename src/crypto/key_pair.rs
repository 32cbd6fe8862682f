//! Key pairs of every algorithm that the server signs with (RFC 7518 §3.1, RFC 8037 §3.1): aws-lc makes them and signs. A
//! pair is parsed once and kept: parsing it costs more than a signature.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use crate::crypto::rsa_key;
use crate::protocol::jwk::{PublicJwk, PublicParameters};
use crate::protocol::signing_alg::SigningAlg;

/// Octets of a coordinate of P-256.
const COORDINATE: usize = 32;

/// A key that cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Generation failed.
    #[error("a signing key could not be generated")]
    Generation,
    /// Not a private key in PEM.
    #[error("this is not a private key in PEM (RSA, P-256 or Ed25519; PKCS#8, PKCS#1 or SEC 1, not encrypted)")]
    NotPem,
    /// A key of another kind than the algorithm is for.
    #[error("this key is not one for {0}")]
    OtherAlgorithm(&'static str),
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

enum Pair {
    RsaPkcs1(RsaKeyPair),
    RsaPss(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A parsed key pair, ready to sign.
pub struct SigningKeyPair {
    pair: Pair,
    /// The public part, whose `kid` is its thumbprint (RFC 7638).
    pub public_jwk: PublicJwk,
    /// Its size in bits: that of the modulus, or of the curve.
    pub bits: usize,
}

/// Generates a key pair, of so many bits where it is RSA; the result is PKCS#8 DER.
pub fn generate(alg: SigningAlg, rsa_bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let random = SystemRandom::new();
    let document = match alg {
        SigningAlg::RS256 | SigningAlg::PS256 => return rsa_key::generate(rsa_bits),
        SigningAlg::ES256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        SigningAlg::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
    };
    document.map(|document| Zeroizing::new(document.as_ref().to_vec())).map_err(|_| KeyError::Generation)
}

/// Reads a private key in PEM; the result is PKCS#8 DER and the algorithm: the named one, or that of the key's kind, which
/// for RSA is RS256.
pub fn from_pem(pem: &str, alg: Option<SigningAlg>) -> Result<(SigningAlg, Zeroizing<Vec<u8>>), KeyError> {
    let unusable = |_| KeyError::NotPem;
    let (kind, der) = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NotPem)? {
        PrivateKeyDer::Pkcs8(der) => from_foreign_pkcs8(der.secret_pkcs8_der())?,
        PrivateKeyDer::Pkcs1(der) => (SigningAlg::RS256, rsa_key::from_der(der.secret_pkcs1_der())?),
        PrivateKeyDer::Sec1(der) => {
            let der = der.secret_sec1_der();
            let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(unusable)?;
            (SigningAlg::ES256, p256_to_der(&pair)?)
        }
        _ => return Err(KeyError::NotPem),
    };
    match (alg.unwrap_or(kind), kind) {
        (SigningAlg::PS256, SigningAlg::RS256) => Ok((SigningAlg::PS256, der)),
        (wanted, kind) if wanted == kind => Ok((kind, der)),
        (wanted, _) => Err(KeyError::OtherAlgorithm(wanted.as_str())),
    }
}

/// The kind of a key in PKCS#8, and the key as this server writes it.
fn from_foreign_pkcs8(der: &[u8]) -> Result<(SigningAlg, Zeroizing<Vec<u8>>), KeyError> {
    if let Ok(pair) = p256_from_pkcs8(der) {
        return Ok((SigningAlg::ES256, p256_to_der(&pair)?));
    }
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
        let document = pair.to_pkcs8().map_err(|_| KeyError::NotPem)?;
        return Ok((SigningAlg::EdDsa, Zeroizing::new(document.as_ref().to_vec())));
    }
    Ok((SigningAlg::RS256, rsa_key::from_der(der)?))
}

fn p256_from_pkcs8(der: &[u8]) -> Result<EcdsaKeyPair, KeyError> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|error| unreadable(&error))
}

fn p256_to_der(pair: &EcdsaKeyPair) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    pair.to_pkcs8v1().map(|document| document.as_ref().to_vec().into()).map_err(|_| KeyError::NotPem)
}

fn unreadable(error: &dyn std::fmt::Display) -> KeyError {
    KeyError::Unreadable(error.to_string())
}

impl SigningKeyPair {
    /// Parses PKCS#8 DER for this algorithm.
    pub fn from_pkcs8(alg: SigningAlg, der: &[u8]) -> Result<Self, KeyError> {
        let (pair, parameters, bits) = match alg {
            SigningAlg::RS256 | SigningAlg::PS256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|error| unreadable(&error))?;
                let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
                let exponent = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
                let parameters = PublicParameters::rsa(&modulus, &exponent);
                let pair = if alg == SigningAlg::RS256 { Pair::RsaPkcs1(pair) } else { Pair::RsaPss(pair) };
                (pair, parameters, modulus.len() * 8)
            }
            SigningAlg::ES256 => {
                let pair = p256_from_pkcs8(der)?;
                // SEC 1 §2.3.3: an octet that says the point is not compressed, then its coordinates.
                let point = pair.public_key().as_ref().split_at_checked(1).map(|(_, point)| point);
                let (x, y) = point
                    .filter(|point| point.len() == 2 * COORDINATE)
                    .and_then(|point| point.split_at_checked(COORDINATE))
                    .ok_or_else(|| unreadable(&"not a point of P-256"))?;
                let parameters = PublicParameters::p256(x, y);
                (Pair::P256(pair), parameters, 8 * COORDINATE)
            }
            SigningAlg::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|error| unreadable(&error))?;
                let parameters = PublicParameters::ed25519(pair.public_key().as_ref());
                (Pair::Ed25519(pair), parameters, 256)
            }
        };
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, parameters.canonical().as_bytes()));
        Ok(Self { pair, public_jwk: PublicJwk { public_key_use: "sig".to_owned(), alg, kid, parameters }, bits })
    }

    /// The algorithm that it signs with.
    pub fn alg(&self) -> SigningAlg {
        self.public_jwk.alg
    }

    /// The signature of a message in the form of JWS.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let rsa = |pair: &RsaKeyPair, padding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, message, &mut signature).map_err(|_| KeyError::Signing)?;
            Ok(signature)
        };
        match &self.pair {
            // RFC 7518 §3.3
            Pair::RsaPkcs1(pair) => rsa(pair, &RSA_PKCS1_SHA256),
            // RFC 7518 §3.5: the salt is as long as the digest.
            Pair::RsaPss(pair) => rsa(pair, &RSA_PSS_SHA256),
            // RFC 7518 §3.4: both numbers at their full length, one behind the other.
            Pair::P256(pair) => Ok(pair.sign(&random, message).map_err(|_| KeyError::Signing)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}
