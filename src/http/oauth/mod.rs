//! The OAuth endpoints.

pub mod authorize;
pub mod forms;
pub mod introspect;
pub mod jwks;
pub mod metadata;
pub mod register;
pub mod revoke;
pub mod token;
