//! The audit log's hash (SHA-256), the key that seals its end (HMAC) and its own signing key (Ed25519, RFC 8032), both derived
//! from the root key. Whoever holds the public part can check an export without the database and without the root key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// What stands before the 32 octets of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// The hash of an event: of the hash before it, the event's salt and the event's canonical form.
pub fn link(previous: &[u8], salt: &[u8], canonical: &[u8]) -> Vec<u8> {
    // Previous hash and salt have fixed lengths; the canonical form is unambiguous by itself and comes last.
    digest(&SHA256, &[previous, salt, canonical].concat()).as_ref().to_vec()
}

/// Seals the end of the chain at each event: an HMAC, because a signature would cost each write too much. No `Debug`.
#[derive(Clone)]
pub struct AuditSealKey(hmac::Key);

impl AuditSealKey {
    /// The key of these octets.
    pub fn new(octets: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, octets))
    }

    /// The seal of a message.
    pub fn seal(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }

    /// Is this the seal of the message?
    pub fn holds(&self, message: &[u8], seal: &[u8]) -> bool {
        hmac::verify(&self.0, message, seal).is_ok()
    }
}

/// Not a key, or not one of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key in PEM, as `grantor audit public-key` prints it")]
pub struct InvalidAuditKey;

/// The private part. No `Debug`.
pub struct AuditKey {
    pair: Ed25519KeyPair,
    public: AuditPublicKey,
}

impl AuditKey {
    /// The key of this seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, InvalidAuditKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| InvalidAuditKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| InvalidAuditKey)?;
        Ok(Self { pair, public: AuditPublicKey(public) })
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// The part that verifies.
    pub const fn public(&self) -> &AuditPublicKey {
        &self.public
    }
}

/// The public part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPublicKey([u8; 32]);

impl AuditPublicKey {
    /// Reads the PEM form.
    pub fn from_pem(text: &str) -> Result<Self, InvalidAuditKey> {
        // RFC 7468 §2: text before the encapsulation boundary is allowed and ignored.
        let (_, inner) = text.split_once(PEM_BEGIN).ok_or(InvalidAuditKey)?;
        let (inner, _) = inner.split_once(PEM_END).ok_or(InvalidAuditKey)?;
        let inner: String = inner.split_whitespace().collect();
        let der = STANDARD.decode(inner).map_err(|_| InvalidAuditKey)?;
        let key = der.strip_prefix(&SPKI_PREFIX).ok_or(InvalidAuditKey)?;
        key.try_into().map(Self).map_err(|_| InvalidAuditKey)
    }

    /// The PEM form, as `openssl pkey -pubin` reads it.
    pub fn to_pem(&self) -> String {
        let der = [SPKI_PREFIX.as_slice(), &self.0].concat();
        format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(der))
    }

    /// Its RFC 7638 thumbprint (members of an OKP key: RFC 8037 §2).
    pub fn kid(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.0);
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()).as_ref())
    }

    /// Is this the key's signature of the message?
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_its_key_and_message() {
        let key = AuditSealKey::new(&[7; 32]);
        let seal = key.seal(b"message");
        assert!(key.holds(b"message", &seal));
        assert!(!key.holds(b"Message", &seal) && !key.holds(b"message", b""));
        assert!(!AuditSealKey::new(&[8; 32]).holds(b"message", &seal));
    }

    #[test]
    fn signs_verifies_and_prints() {
        let key = AuditKey::from_seed(&[7; 32]).unwrap();
        let other = AuditKey::from_seed(&[8; 32]).unwrap();
        let signature = key.sign(b"message");
        assert!(key.public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"Message", &signature));
        assert!(!other.public().verifies(b"message", &signature));
        let read = AuditPublicKey::from_pem(&key.public().to_pem()).unwrap();
        assert_eq!(&read, key.public());
        assert_eq!(read.kid(), key.public().kid());
        assert_ne!(read.kid(), other.public().kid());
        for bad in ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
            assert_eq!(AuditPublicKey::from_pem(bad), Err(InvalidAuditKey));
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        // RFC 8037 appendix A.1 and A.3.
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = AuditPublicKey(x.try_into().unwrap());
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
