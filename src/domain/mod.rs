//! Our nouns and their rules: pure, no I/O, imports `protocol` only (layer 1).

pub mod access_key;
pub mod audit_event;
pub mod authorization_code;
pub mod client;
pub mod consent;
pub mod credential;
pub mod denial;
pub mod environment;
pub mod grant;
pub mod ids;
pub mod limits;
pub mod login_session;
pub mod page;
pub mod project;
pub mod refresh_token;
pub mod revoked_access_token;
pub mod role;
pub mod scope_definition;
pub mod service_account;
pub mod signing_key;
pub mod usage;
pub mod usage_summary;
pub mod user;
pub mod workflow;
