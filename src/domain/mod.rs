//! Our nouns and their rules: pure, no I/O, imports `protocol` only (layer 1).

pub mod alert;
pub mod alert_rules;
pub mod audit_event;
pub mod authorization_code;
pub mod client;
pub mod consent;
pub mod denial;
pub mod environment;
pub mod grant;
pub mod ids;
pub mod login_session;
pub mod page;
pub mod refresh_token;
pub mod revoked_access_token;
pub mod role;
pub mod scope_definition;
pub mod signing_key;
pub mod user;
pub mod webhook_delivery;
