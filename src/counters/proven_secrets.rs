//! Which secrets that a person chose were proven before, so that only the first request with one costs argon2id. In memory:
//! a restart forgets them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::crypto::derived_keys::digests_are_equal;

/// Most secrets held; when full, all are forgotten and proven anew.
const MAX_SECRETS: usize = 10_000;

/// Keyed digests of proven secrets by the row of the secret. Only to be asked for rows just read: what is held here does
/// not know whether its row is still there, nor when it ended.
#[derive(Default)]
pub struct ProvenSecrets(Mutex<HashMap<String, Vec<u8>>>);

impl ProvenSecrets {
    /// Was the secret of this row proven with this digest?
    pub fn holds(&self, row: &str, digest: &[u8]) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(row).is_some_and(|proven| digests_are_equal(proven, digest))
    }

    /// Remembers that the secret of this row was proven with this digest.
    pub fn remember(&self, row: &str, digest: Vec<u8>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MAX_SECRETS {
            held.clear();
        }
        held.insert(row.to_owned(), digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_proven_and_not_without_end() {
        let proven = ProvenSecrets::default();
        assert!(!proven.holds("a", b"digest"));
        proven.remember("a", b"digest".to_vec());
        assert!(proven.holds("a", b"digest"));
        assert!(!proven.holds("a", b"Digest") && !proven.holds("b", b"digest"));
        for number in 0..MAX_SECRETS {
            proven.remember(&number.to_string(), Vec::new());
        }
        assert!(proven.0.lock().unwrap().len() <= MAX_SECRETS);
        assert!(!proven.holds("a", b"digest"));
    }
}
