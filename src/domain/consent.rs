//! Consent: the scopes that a user has allowed a client, remembered.

use crate::domain::client::Client;
use crate::protocol::redirect_uri::is_native;
use crate::protocol::scope::Scope;

/// Must the user be asked, given what they allowed before?
pub fn is_needed(first_party: bool, remembered: Option<&Scope>, requested: &Scope) -> bool {
    !first_party && !remembered.is_some_and(|remembered| requested.is_subset_of(remembered))
}

/// RFC 8252 §8.6: may what this client was allowed before be given again without a question? Whatever else runs on the
/// user's machine can call itself by the name of a public native app, and take its redirect URI.
pub fn is_remembered(client: &Client, redirect_uri: &str) -> bool {
    !(client.is_public() && is_native(redirect_uri))
}
