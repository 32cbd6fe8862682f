//! The jobs of alerts: storing what requests noticed, and delivering, each endpoint on a thread of its own, so that a slow
//! one holds up nobody else.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::alert::{AlertRule, AlertSubject, NewAlert};
use crate::flows::error::FlowError;
use crate::flows::{Server, alerts};
use crate::jobs::Jobs;

/// How often the queue and the outbox are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often the use of credentials is looked at.
const USAGE_INTERVAL: Duration = Duration::from_secs(300);
/// How often their ends and ages are.
const CREDENTIALS_INTERVAL: Duration = Duration::from_secs(3600);

/// Starts them.
pub fn start(jobs: &mut Jobs, server: &Arc<Server>) -> std::io::Result<()> {
    jobs.spawn("alerts", server, INTERVAL, |server, _| {
        alerts::raise_queued(server).map(drop).map_err(FlowError::from)
    })?;
    jobs.spawn("watch-usage", server, USAGE_INTERVAL, |server, stop| {
        alerts::watch_usage(server, &|| !stop.is_set()).map(drop).map_err(FlowError::from)
    })?;
    jobs.spawn("watch-credentials", server, CREDENTIALS_INTERVAL, |server, stop| {
        alerts::watch_credentials(server, &|| !stop.is_set()).map(drop).map_err(FlowError::from)
    })?;
    for (endpoint, _) in server.config.alert_endpoints() {
        let name = endpoint.to_owned();
        jobs.spawn(&format!("deliver-{endpoint}"), server, INTERVAL, move |server, stop| {
            alerts::deliver_due_to(server, &name, &|| !stop.is_set()).map(drop).map_err(FlowError::from)
        })?;
    }
    Ok(())
}

/// A job has begun to fail. That of the signing keys is worth an alert: nobody notices until tokens cannot be signed.
pub fn job_failed(server: &Server, job: &str) {
    if job == "rotate-keys" {
        let detail = serde_json::json!({ "job": job });
        let now = server.clock.now();
        server.alerts.offer(NewAlert::new(AlertRule::SigningKeyJob, AlertSubject::server(), detail, now));
    }
}
