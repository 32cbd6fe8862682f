//! Randomness, digests, passwords, sealing, signing. Imports `protocol` only (layer 1).

pub mod audit_key;
pub mod client_keys;
pub mod derived_keys;
pub mod etag;
pub mod id_token;
pub mod imported_password;
pub mod jwt;
pub mod key_pair;
pub mod keyring;
pub mod password;
pub mod password_pool;
pub mod random;
pub mod rsa_key;
pub mod seal;
pub mod secret;
pub mod webhook_secret;
