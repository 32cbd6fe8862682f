//! AES-256-GCM (NIST SP 800-38D) for what must be read again: private signing keys.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

/// A key that seals and opens. No `Debug`.
pub struct SealingKey(RandomizedNonceKey);

/// Sealing failed, or what was opened was not sealed under this key for this context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed under this root key")]
pub struct SealError;

impl SealingKey {
    /// A key from 32 octets.
    pub fn new(octets: &[u8; 32]) -> Result<Self, SealError> {
        RandomizedNonceKey::new(&AES_256_GCM, octets).map(Self).map_err(|_| SealError)
    }

    /// Seals `plain`; `context` is authenticated with it, so that a sealed row cannot be moved to another place.
    /// The result is the random nonce, the ciphertext and the tag.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = plain.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(context), &mut sealed).map_err(|_| SealError)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what [`SealingKey::seal`] gave for the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let length = self.0.open_in_place(nonce, Aad::from(context), &mut buffer).map_err(|_| SealError)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_unchanged_and_in_place() {
        let key = SealingKey::new(&[1; 32]).unwrap();
        let sealed = key.seal("a", b"secret").unwrap();
        assert_eq!(key.open("a", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(key.open("b", &sealed), Err(SealError));
        assert_eq!(SealingKey::new(&[2; 32]).unwrap().open("a", &sealed), Err(SealError));
        assert_eq!(key.open("a", &sealed[..5]), Err(SealError));
        let mut changed = sealed.clone();
        changed[14] ^= 1;
        assert_eq!(key.open("a", &changed), Err(SealError));
        assert_ne!(sealed, key.seal("a", b"secret").unwrap());
    }
}
