//! What a person chose: argon2id in PHC string form (OWASP Password Storage Cheat Sheet; ASVS 5.0 V11.4.2).

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::crypto::random;

/// Cost of one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

/// Hashing failed: parameters out of range, no randomness, or a stored hash that is not in PHC form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct PasswordError(String);

/// Hashes and verifies at a configured cost.
pub struct PasswordHashing {
    cost: PasswordCost,
    argon2: Argon2<'static>,
    /// A hash that no password meets, for unknown users: the same work as for known ones.
    decoy: String,
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Is it the right password?
    pub matches: bool,
    /// Was the stored hash made at a lower cost than the configured one?
    pub needs_rehash: bool,
}

impl PasswordHashing {
    /// Prepares hashing at this cost.
    pub fn new(cost: PasswordCost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None)
            .map_err(|error| PasswordError(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        // The decoy is only as good as its cost; its output need not come from a password, so none is hashed at start.
        let decoy = format!(
            "$argon2id$v=19$m={},t={},p={}$Z3JhbnRvciBkZWNveQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            cost.memory_kib, cost.iterations, cost.parallelism
        );
        Ok(Self { cost, argon2, decoy })
    }

    /// Hashes a password with a new salt of 128 bits.
    pub fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let octets = random::octets::<16>().map_err(|error| PasswordError(error.to_string()))?;
        let salt = SaltString::encode_b64(&octets).map_err(|error| PasswordError(error.to_string()))?;
        let hash = self.argon2.hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| PasswordError(error.to_string()))
    }

    /// Verifies a password against a stored hash, or against the decoy where there is none: the same work either way.
    pub fn verify(&self, password: &str, stored: Option<&str>) -> Result<Verified, PasswordError> {
        let parsed =
            PasswordHash::new(stored.unwrap_or(&self.decoy)).map_err(|error| PasswordError(error.to_string()))?;
        let matches = self.argon2.verify_password(password.as_bytes(), &parsed).is_ok() && stored.is_some();
        Ok(Verified { matches, needs_rehash: self.is_weaker(&parsed) })
    }

    /// By work done, so that two instances with different settings do not hash back and forth.
    fn is_weaker(&self, hash: &PasswordHash<'_>) -> bool {
        let work = |memory: u32, iterations: u32| u64::from(memory) * u64::from(iterations);
        Params::try_from(hash).is_ok_and(|params| {
            work(params.m_cost(), params.t_cost()) < work(self.cost.memory_kib, self.cost.iterations)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 64, iterations: 1, parallelism: 1 };

    #[test]
    fn verifies_and_asks_for_a_rehash() {
        let hashing = PasswordHashing::new(CHEAP).unwrap();
        let stored = hashing.hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert_eq!(hashing.verify("correct horse", Some(&stored)), Ok(Verified { matches: true, needs_rehash: false }));
        assert!(!hashing.verify("wrong", Some(&stored)).unwrap().matches);
        assert!(!hashing.verify("anything", None).unwrap().matches);
        let dearer = PasswordHashing::new(PasswordCost { iterations: 2, ..CHEAP }).unwrap();
        assert_eq!(dearer.verify("correct horse", Some(&stored)), Ok(Verified { matches: true, needs_rehash: true }));
        let stored = dearer.hash("correct horse").unwrap();
        assert_eq!(hashing.verify("correct horse", Some(&stored)), Ok(Verified { matches: true, needs_rehash: false }));
    }
}
