//! Volatile state (layer 2): lost at a restart, never trusted for more than it is.

pub mod login_throttle;
pub mod metrics;
pub mod proven_secrets;
