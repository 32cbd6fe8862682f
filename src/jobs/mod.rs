//! Background work (layer 4): reading and rotating signing keys, removing what has expired, signing
//! where the audit log stands, writing down usage. Each instance runs it; what
//! only one may do is decided in the database.

mod alerts;
mod logout;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::flows::error::FlowError;
use crate::flows::{Server, audit_checkpoints, audit_verifications, purge, scopes, signing_keys, usage};

/// How often each instance asks whether the current key is due to be replaced.
const ROTATION_CHECK: Duration = Duration::from_secs(60);
/// How often each instance asks whether the audit log is due to be verified, or a verification waits to go on.
const VERIFICATION_CHECK: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Waits this long; true when the jobs are to stop.
    fn wait(&self, time: Duration) -> bool {
        let guard = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(guard, time, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn is_set(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running jobs; they stop when this is dropped, a purge after its current batch.
pub struct Jobs {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Jobs {
    fn drop(&mut self) {
        *self.stop.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Starts the jobs.
pub fn start(server: &Arc<Server>) -> std::io::Result<Jobs> {
    let stop = Arc::new(Stop::default());
    let mut jobs = Jobs { stop, threads: Vec::new() };
    let reload = server.config.signing_keys.reload_interval;
    jobs.spawn("reload", server, reload, |server, _| {
        signing_keys::reload(server)?;
        Ok(scopes::reload(server)?)
    })?;
    jobs.spawn("rotate-keys", server, ROTATION_CHECK.min(reload * 12), |server, _| {
        for key in signing_keys::rotate_if_due(server)? {
            let (kid, alg, from) = (&key.kid, key.alg.as_str(), key.active_from);
            log::info!("signing key {kid} for {alg} is published and will sign from {from}");
        }
        Ok(())
    })?;
    jobs.spawn("purge", server, server.config.database.purge_interval, |server, stop| {
        purge::purge(server, &|| !stop.is_set()).map(drop)
    })?;
    jobs.spawn("usage", server, server.config.usage.flush_interval, |server, _| {
        usage::flush(server).failed.map_or(Ok(()), |failed| Err(failed.into()))
    })?;
    jobs.spawn("audit-checkpoint", server, server.config.audit.checkpoint_interval, |server, _| {
        audit_checkpoints::take_checkpoint(server).map(drop)
    })?;
    jobs.spawn("audit-verify", server, VERIFICATION_CHECK, |server, stop| {
        audit_verifications::work(server, &|| !stop.is_set())
    })?;
    alerts::start(&mut jobs, server)?;
    logout::start(&mut jobs, server)?;
    Ok(jobs)
}

impl Jobs {
    fn spawn(
        &mut self,
        name: &str,
        server: &Arc<Server>,
        interval: Duration,
        work: impl Fn(&Server, &Stop) -> Result<(), FlowError> + Send + 'static,
    ) -> std::io::Result<()> {
        server.jobs.add(name, interval);
        let (server, stop) = (Arc::clone(server), Arc::clone(&self.stop));
        let thread = thread::Builder::new().name(name.to_owned());
        let name = name.to_owned();
        let run = move || {
            let mut was_well = true;
            while !stop.wait(interval) {
                let done = work(&server, &stop);
                // Said once when it begins to fail and once when it is well again, not at every turn.
                match (&done, was_well) {
                    (Err(error), true) => {
                        log::error!("job {name} fails: {error:?}");
                        alerts::job_failed(&server, &name);
                    }
                    (Ok(()), false) => log::info!("job {name} works again"),
                    _ => {}
                }
                server.jobs.ran(&name, done.as_ref().err().map(|error| format!("{error:?}")), server.clock.now());
                was_well = done.is_ok();
            }
        };
        self.threads.push(thread.spawn(run)?);
        Ok(())
    }
}
