//! Volatile state (layer 2): lost at a restart, never trusted for more than it is.

pub mod alert_queue;
pub mod client_key_cache;
pub mod client_standing;
pub mod failed_authentications;
pub mod hours;
pub mod job_board;
pub mod login_throttle;
pub mod metrics;
pub mod near_limits;
pub mod proven_secrets;
pub mod rate_limits;
pub mod refusals;
pub mod usage;
