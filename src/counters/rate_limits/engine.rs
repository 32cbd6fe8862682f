//! Rate limits in Redis or Valkey: one script per use, so that it is one step for all instances. A call waits for the engine
//! for a fraction of a second at most, and not at all for a while after it failed.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use r2d2::ManageConnection;
use redis::{Client, Connection, ConnectionLike as _, IntoConnectionInfo as _, RedisError, Script};

use super::{Counted, CountersDown, InvalidUrl, RateVerdict, SECOND, Window, verdict};

/// How long a connection may take to be made, by a thread that nobody waits for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Most connections kept.
const MAX_CONNECTIONS: u32 = 16;
/// How long nobody asks after a failure; then one call tries.
const PAUSE: i64 = SECOND;

/// The counts that instances share.
pub struct Engine {
    pool: r2d2::Pool<Manager>,
    script: Script,
    prefix: String,
    patience: Duration,
    down: AtomicBool,
    next_try: AtomicI64,
}

impl Engine {
    /// Takes the address; threads of the pool connect when it is first asked.
    pub fn open(url: &str, prefix: &str, patience: Duration) -> Result<Self, InvalidUrl> {
        if !["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(InvalidUrl("another scheme".to_owned()));
        }
        let info = url.into_connection_info().map_err(|error| InvalidUrl(error.to_string()))?;
        let client = Client::open(info).map_err(|error| InvalidUrl(error.to_string()))?;
        let pool = r2d2::Pool::builder()
            .max_size(MAX_CONNECTIONS)
            .min_idle(Some(0))
            .test_on_check_out(false)
            // The failures of connecting would otherwise be logged one by one; the calls tell it once.
            .error_handler(Box::new(r2d2::NopErrorHandler))
            // Between its tries the pool waits up to half of this. Calls have a shorter wait of their own.
            .connection_timeout(Duration::from_secs(2))
            .build_unchecked(Manager { client, patience });
        Ok(Self {
            pool,
            script: Script::new(include_str!("take.lua")),
            prefix: prefix.to_owned(),
            patience,
            down: AtomicBool::new(false),
            next_try: AtomicI64::new(i64::MIN),
        })
    }

    /// See [`super::RateLimits::take`].
    pub fn take(&self, key: &str, windows: &[Window], cost: u32, now: i64) -> Result<RateVerdict, CountersDown> {
        if self.down.load(Ordering::Acquire) && !self.may_try(now) {
            return Err(CountersDown);
        }
        match self.ask(key, windows, cost, now) {
            Ok(numbers) => {
                if self.down.swap(false, Ordering::AcqRel) {
                    log::info!("the engine of the rate limits answers again");
                }
                read(&numbers, windows, now).ok_or(CountersDown)
            }
            Err(reason) => {
                self.next_try.store(now.saturating_add(PAUSE), Ordering::Release);
                if !self.down.swap(true, Ordering::AcqRel) {
                    log::error!("the engine of the rate limits does not answer: {reason}");
                }
                Err(CountersDown)
            }
        }
    }

    /// After a pause one call tries, and the others go on without: nobody queues up before an engine that is down.
    fn may_try(&self, now: i64) -> bool {
        let next = self.next_try.load(Ordering::Acquire);
        // A clock that went backwards must not make the pause a long one.
        let due = now >= next || next.saturating_sub(now) > PAUSE;
        due && self
            .next_try
            .compare_exchange(next, now.saturating_add(PAUSE), Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    fn ask(&self, key: &str, windows: &[Window], cost: u32, now: i64) -> Result<Vec<i64>, String> {
        let mut invocation = self.script.prepare_invoke();
        invocation.arg(now).arg(cost);
        for window in windows {
            // The braces keep the windows of a key together where an engine spreads keys by hash tags.
            invocation.key(format!("{}{{{key}}}:{}", self.prefix, window.seconds));
            invocation.arg(window.limit).arg(window.seconds);
        }
        // After a restart of the engine every connection kept is dead, and says so at once: go on to the next.
        let mut reason = String::new();
        for _ in 0..=MAX_CONNECTIONS {
            let mut link = self.pool.get_timeout(self.patience).map_err(|error| format!("{error} {reason}"))?;
            match invocation.invoke(&mut link.connection) {
                Ok(numbers) => return Ok(numbers),
                Err(error) => {
                    // An answer that comes late must not be taken for that of another call.
                    link.broken = true;
                    reason = error.to_string();
                    if !error.is_connection_dropped() {
                        break;
                    }
                }
            }
        }
        Err(reason)
    }
}

/// What the script answered: for each window the uses counted, when the last leaves, when there is room (or 0).
fn read(numbers: &[i64], windows: &[Window], now: i64) -> Option<RateVerdict> {
    if numbers.len() != windows.len().checked_mul(3)? {
        return None;
    }
    let counted = numbers.chunks_exact(3).map(|of_window| match *of_window {
        [total, empty_at, room_at] => Counted {
            total: u64::try_from(total).unwrap_or_default(),
            empty_at,
            room_at: Some(room_at).filter(|room_at| *room_at != 0),
        },
        _ => Counted::default(),
    });
    Some(verdict(windows, counted, now))
}

struct Link {
    connection: Connection,
    broken: bool,
}

struct Manager {
    client: Client,
    patience: Duration,
}

impl ManageConnection for Manager {
    type Connection = Link;
    type Error = RedisError;

    fn connect(&self) -> Result<Link, RedisError> {
        let connection = self.client.get_connection_with_timeout(CONNECT_TIMEOUT)?;
        connection.set_read_timeout(Some(self.patience))?;
        connection.set_write_timeout(Some(self.patience))?;
        Ok(Link { connection, broken: false })
    }

    fn is_valid(&self, _: &mut Link) -> Result<(), RedisError> {
        Ok(())
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.broken || !link.connection.is_open()
    }
}
