//! Sliding-window rate limits: in any interval of a window's length at most its limit is allowed, so that a burst at a
//! window's edge cannot double it. In memory for one instance, or in Redis or Valkey for all that share one.

mod engine;
mod memory;
mod track;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use crate::domain::limits::WindowState;
use engine::Engine;
use memory::Memory;

/// One window of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Most uses in any interval of this length.
    pub limit: u32,
    /// The length of the interval, in seconds.
    pub seconds: u32,
}

/// May this use be made?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateVerdict {
    /// It was counted; the states are those after it, in the order asked.
    Allowed(Vec<WindowState>),
    /// Nothing was counted.
    Exceeded {
        /// The states, in the order asked.
        windows: Vec<WindowState>,
        /// The window that stays full longest.
        exceeded: Window,
        /// Seconds until the same use would be allowed, rounded up, at least 1.
        retry_after: u64,
    },
}

/// The shared engine did not answer: nobody knows where the credential stands, and whoever asked decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine of the rate limits does not answer")]
pub struct CountersDown;

/// The address of a shared engine that cannot be one. It is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limits.counters must be memory, or redis://host:port/database, or rediss:// for TLS: {0}")]
pub struct InvalidUrl(String);

/// Counts uses by key.
pub struct RateLimits(Place);

enum Place {
    Memory(Memory),
    Engine(Box<Engine>),
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.may_wait() { "RateLimits(shared)" } else { "RateLimits(memory)" })
    }
}

impl RateLimits {
    /// Counts for this instance alone; a restart forgets.
    pub fn in_memory() -> Self {
        Self(Place::Memory(Memory::default()))
    }

    /// Counts in the Redis or Valkey at this address, under keys that start with `prefix`: all instances with the same
    /// prefix share them. A call waits this long for a connection and again for an answer, no longer. Opens even when the
    /// engine is down, and connects when it is there.
    pub fn redis(url: &str, prefix: &str, patience: Duration) -> Result<Self, InvalidUrl> {
        Ok(Self(Place::Engine(Box::new(Engine::open(url, prefix, patience)?))))
    }

    /// Can a call wait for a network? Then it does not belong on an async thread.
    pub fn may_wait(&self) -> bool {
        matches!(self.0, Place::Engine(_))
    }

    /// Counts `cost` uses of `key` if every window has room for them, else nothing. A cost of 0 only looks; a cost above a
    /// limit never has room. A clock that goes backwards frees nothing.
    pub fn take(
        &self,
        key: &str,
        windows: &[Window],
        cost: u32,
        now: DateTime<Utc>,
    ) -> Result<RateVerdict, CountersDown> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.take(key, windows, cost, now.timestamp_micros())),
            Place::Engine(engine) => engine.take(key, windows, cost, now.timestamp_micros()),
        }
    }

    /// Where `key` stands, counting nothing.
    pub fn peek(&self, key: &str, windows: &[Window], now: DateTime<Utc>) -> Result<Vec<WindowState>, CountersDown> {
        match self.take(key, windows, 0, now)? {
            RateVerdict::Allowed(states) | RateVerdict::Exceeded { windows: states, .. } => Ok(states),
        }
    }
}

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// What is counted of a key in one window. Times are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counted {
    /// Uses that have not left.
    total: u64,
    /// When the last of them leaves; anything when there is none.
    empty_at: i64,
    /// When there will be room for the use; None when there is.
    room_at: Option<i64>,
}

impl Window {
    fn state(self, counted: Counted, now: i64) -> WindowState {
        let used = u32::try_from(counted.total).unwrap_or(u32::MAX);
        let reset_after = if counted.total == 0 { 0 } else { seconds_up(counted.empty_at.saturating_sub(now)) };
        WindowState {
            limit: self.limit,
            seconds: self.seconds,
            remaining: self.limit.saturating_sub(used),
            reset_after,
        }
    }
}

/// Microseconds as whole seconds, rounded up.
fn seconds_up(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or_default().div_ceil(SECOND.unsigned_abs())
}

/// The verdict from what is counted, window by window in the order asked; counted before the use is added.
fn verdict(windows: &[Window], counted: impl Iterator<Item = Counted>, now: i64) -> RateVerdict {
    let mut states = Vec::with_capacity(windows.len());
    let mut full: Option<(i64, Window)> = None;
    for (window, counted) in windows.iter().zip(counted) {
        states.push(window.state(counted, now));
        if let Some(room_at) = counted.room_at
            && full.is_none_or(|(latest, _)| room_at > latest)
        {
            full = Some((room_at, *window));
        }
    }
    match full {
        None => RateVerdict::Allowed(states),
        Some((room_at, exceeded)) => {
            let retry_after = seconds_up(room_at.saturating_sub(now)).max(1);
            RateVerdict::Exceeded { windows: states, exceeded, retry_after }
        }
    }
}

#[cfg(test)]
mod tests;
