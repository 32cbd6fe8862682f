//! Consent: the scopes that a user has allowed a client, remembered.

use crate::protocol::scope::Scope;

/// Must the user be asked, given what they allowed before?
pub fn is_needed(first_party: bool, remembered: Option<&Scope>, requested: &Scope) -> bool {
    !first_party && !remembered.is_some_and(|remembered| requested.is_subset_of(remembered))
}
