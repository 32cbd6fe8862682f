//! What a person chose: argon2id in PHC string form, and until the next log-in what was imported (OWASP Password Storage Cheat Sheet; ASVS 5.0 V11.4.2).

use argon2::password_hash::{Output, ParamsString, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;
use zeroize::{Zeroize as _, Zeroizing};

use crate::crypto::imported_password::ImportedPassword;
use crate::crypto::random;

/// Stored for an account that has no password: nothing matches it, after the work of a wrong one.
pub const NO_PASSWORD: &str = "!";
/// Octets of a salt at most (PHC string format).
const MAX_SALT: usize = 64;

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

/// The memory that one hash after the other is computed in. A thread that hashes keeps one: memory taken anew for each hash
/// stays with the allocator, so that a flood of log-ins would leave many times as much behind. Wiped after each use.
#[derive(Default)]
pub struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Lends as much as `params` ask for and wipes it afterwards.
    fn lend<T>(&mut self, params: &Params, compute: impl FnOnce(&mut [Block]) -> T) -> T {
        let wanted = params.block_count();
        if self.0.len() != wanted {
            // First give back, then take: never hold both.
            self.0 = Vec::new();
            self.0 = vec![Block::new(); wanted];
        }
        let answer = compute(&mut self.0);
        self.0.iter_mut().for_each(|block| block.zeroize());
        answer
    }

    /// Gives back what is more than `params` ask for.
    fn shrink(&mut self, params: &Params) {
        if self.0.len() > params.block_count() {
            self.0 = Vec::new();
        }
    }
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
    pub fn hash(&self, password: &str, memory: &mut HashMemory) -> Result<String, PasswordError> {
        let password = &*composed(password);
        let octets = random::octets::<16>().map_err(|error| PasswordError(error.to_string()))?;
        let salt = SaltString::encode_b64(&octets).map_err(failed)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(self.argon2.params()).map_err(failed)?,
            salt: Some(salt.as_salt()),
            hash: Some(compute(&self.argon2, password, &octets, Params::DEFAULT_OUTPUT_LEN, memory)?),
        };
        Ok(hash.to_string())
    }

    /// Verifies a password against a stored hash, ours or an imported one, or against the decoy where there is none: the same work either way.
    pub fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
        memory: &mut HashMemory,
    ) -> Result<Verified, PasswordError> {
        let password = &*composed(password);
        let stored = stored.filter(|stored| *stored != NO_PASSWORD);
        if let Some(other) = stored.filter(|stored| !stored.starts_with("$argon2")) {
            let imported = ImportedPassword::parse(other).map_err(failed)?;
            return Ok(Verified { matches: imported.is_match(password), needs_rehash: true });
        }
        let parsed = PasswordHash::new(stored.unwrap_or(&self.decoy)).map_err(failed)?;
        let matches = is_match(&parsed, password, memory)? && stored.is_some();
        // An imported hash may have taken more than our own ever do: it is not kept.
        memory.shrink(self.argon2.params());
        Ok(Verified { matches, needs_rehash: self.is_weaker(&parsed) })
    }

    /// By work done, so that two instances with different settings do not hash back and forth.
    fn is_weaker(&self, hash: &PasswordHash<'_>) -> bool {
        let work = |memory: u32, iterations: u32| u64::from(memory) * u64::from(iterations);
        let other = hash.algorithm != Algorithm::Argon2id.ident() || hash.version != Some(Version::V0x13.into());
        let weaker = Params::try_from(hash).is_ok_and(|params| {
            work(params.m_cost(), params.t_cost()) < work(self.cost.memory_kib, self.cost.iterations)
        });
        other || weaker
    }
}

/// The same text whatever keyboard it was typed on: some send an umlaut as one sign, others as a letter and its dots (NIST SP
/// 800-63B §3.1.1.2, RFC 8265 §4.2.2).
fn composed(password: &str) -> Zeroizing<String> {
    Zeroizing::new(ComposingNormalizerBorrowed::new_nfc().normalize(password).into_owned())
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError(error.to_string())
}

fn compute(
    argon2: &Argon2<'_>,
    password: &str,
    salt: &[u8],
    length: usize,
    memory: &mut HashMemory,
) -> Result<Output, PasswordError> {
    memory.lend(argon2.params(), |blocks| {
        let hashed = Output::init_with(length, |out| {
            Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, blocks)?)
        });
        hashed.map_err(failed)
    })
}

/// At the cost that the stored hash names; the comparison is in constant time.
fn is_match(stored: &PasswordHash<'_>, password: &str, memory: &mut HashMemory) -> Result<bool, PasswordError> {
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else { return Ok(false) };
    let algorithm = Algorithm::try_from(stored.algorithm).map_err(failed)?;
    let version = stored.version.map_or(Ok(Version::default()), Version::try_from).map_err(failed)?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(stored).map_err(failed)?);
    let mut octets = [0; MAX_SALT];
    let salt = salt.decode_b64(&mut octets).map_err(failed)?;
    Ok(compute(&argon2, password, salt, expected.len(), memory)? == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 64, iterations: 1, parallelism: 1 };

    #[test]
    fn verifies_and_asks_for_a_rehash() {
        let (hashing, mut memory) = (PasswordHashing::new(CHEAP).unwrap(), HashMemory::default());
        let memory = &mut memory;
        let stored = hashing.hash("correct horse", memory).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert_eq!(
            hashing.verify("correct horse", Some(&stored), memory),
            Ok(Verified { matches: true, needs_rehash: false })
        );
        assert!(!hashing.verify("wrong", Some(&stored), memory).unwrap().matches);
        assert!(!hashing.verify("anything", None, memory).unwrap().matches);
        // As one sign, and as a letter with its dots behind it.
        let stored = hashing.hash("über Köln", memory).unwrap();
        assert!(hashing.verify("u\u{308}ber Ko\u{308}ln", Some(&stored), memory).unwrap().matches);
        let stored = hashing.hash("correct horse", memory).unwrap();
        let dearer = PasswordHashing::new(PasswordCost { iterations: 2, ..CHEAP }).unwrap();
        assert_eq!(
            dearer.verify("correct horse", Some(&stored), memory),
            Ok(Verified { matches: true, needs_rehash: true })
        );
        let stored = dearer.hash("correct horse", memory).unwrap();
        assert_eq!(
            hashing.verify("correct horse", Some(&stored), memory),
            Ok(Verified { matches: true, needs_rehash: false })
        );
    }

    #[test]
    fn one_memory_serves_every_hash_and_keeps_nothing_of_it() {
        let (hashing, mut memory) = (PasswordHashing::new(CHEAP).unwrap(), HashMemory::default());
        let stored = hashing.hash("correct horse", &mut memory).unwrap();
        let place = memory.0.as_ptr();
        for password in ["correct horse", "wrong"] {
            let verified = hashing.verify(password, Some(&stored), &mut memory).unwrap();
            assert_eq!(verified.matches, password == "correct horse");
            assert_eq!((memory.0.as_ptr(), memory.0.len()), (place, 64));
            assert!(memory.0.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
        }
        // As the library itself computes it.
        use argon2::password_hash::PasswordVerifier as _;
        let parsed = PasswordHash::new(&stored).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"wrong", &parsed).is_err());
        // What a dearer hash needed is not kept behind it.
        let dearer = PasswordHashing::new(PasswordCost { memory_kib: 128, ..CHEAP }).unwrap();
        let stored = dearer.hash("correct horse", &mut memory).unwrap();
        assert!(hashing.verify("correct horse", Some(&stored), &mut memory).unwrap().matches);
        assert_eq!(memory.0.len(), 0);
        assert!(!hashing.verify("correct horse", None, &mut memory).unwrap().matches);
        assert_eq!(memory.0.len(), 64);
    }

    #[test]
    fn imported_hashes_are_verified_and_replaced() {
        use argon2::PasswordHasher as _;
        let (hashing, mut memory) = (PasswordHashing::new(CHEAP).unwrap(), HashMemory::default());
        let salt = SaltString::encode_b64(b"0123456789abcdef").unwrap();
        let mut stored = vec!["$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG".to_owned()];
        for (algorithm, version) in [
            (Algorithm::Argon2i, Version::V0x13),
            (Algorithm::Argon2d, Version::V0x13),
            (Algorithm::Argon2id, Version::V0x10),
        ] {
            let argon2 = Argon2::new(algorithm, version, Params::new(128, 2, 1, None).unwrap());
            stored.push(argon2.hash_password(b"correct horse battery staple", &salt).unwrap().to_string());
        }
        for stored in stored {
            let verify = |password: &str, memory: &mut HashMemory| hashing.verify(password, Some(&stored), memory);
            let right = verify("correct horse battery staple", &mut memory);
            assert_eq!(right, Ok(Verified { matches: true, needs_rehash: true }), "{stored}");
            assert!(!verify("wrong", &mut memory).unwrap().matches, "{stored}");
        }
        assert!(!hashing.verify(NO_PASSWORD, Some(NO_PASSWORD), &mut memory).unwrap().matches);
        assert!(!hashing.verify("", Some(NO_PASSWORD), &mut memory).unwrap().matches);
    }
}
