//! The one source of randomness: the operating system's, through aws-lc.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The operating system gave no randomness: nothing that needs it may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random number generator failed")]
pub struct RandomError;

/// `N` random octets.
#[allow(clippy::disallowed_methods, reason = "this is the one source of randomness")]
pub fn octets<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut octets = [0; N];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| RandomError)?;
    Ok(octets)
}

/// A new identifier: UUID version 7 (RFC 9562 §5.7), so that rows made later sort later.
pub fn id(now: DateTime<Utc>) -> Result<String, RandomError> {
    static SEQUENCE: AtomicU32 = AtomicU32::new(0);
    let mut tail = octets::<10>()?;
    // RFC 9562 §6.2: a counter in front keeps identifiers of one millisecond in order. Twelve bits of it fit `rand_a`.
    let count = SEQUENCE.fetch_add(1, Ordering::Relaxed);
    let [_, _, high, low] = count.to_be_bytes();
    let [first, second, ..] = &mut tail;
    *first = high;
    *second = low;
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().to_string())
}

/// A unique identifier that says nothing of when it was made: `jti`.
pub fn opaque_id() -> Result<String, RandomError> {
    Ok(uuid::Builder::from_random_bytes(octets::<16>()?).into_uuid().simple().to_string())
}

/// Is this text an identifier of the form that [`id`] gives?
pub fn is_id(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}
