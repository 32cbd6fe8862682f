//! The jobs that tell clients of the ends of sessions: several threads, of which clients that do not answer get two at most.

use std::sync::Arc;
use std::time::Duration;

use crate::flows::error::FlowError;
use crate::flows::{Server, logout_deliveries};
use crate::jobs::Jobs;

/// How often the outbox is looked at: within this long after a logout its clients are told.
const INTERVAL: Duration = Duration::from_millis(500);
/// How many clients are told at once.
const THREADS: usize = 6;

/// Starts them.
pub fn start(jobs: &mut Jobs, server: &Arc<Server>) -> std::io::Result<()> {
    for number in 1..=THREADS {
        jobs.spawn(&format!("logout-{number}"), server, INTERVAL, |server, stop| {
            logout_deliveries::deliver_due(server, &|| !stop.is_set()).map(drop).map_err(FlowError::from)
        })?;
    }
    Ok(())
}
