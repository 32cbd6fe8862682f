//! Alerts: saying something once, storing it with its deliveries, showing it. `delivery` sends.

mod delivery;
mod endpoints;
mod watch;

pub use delivery::{deliver_due, deliver_due_to, resend, test};
pub use endpoints::{AlertEndpoints, OpenEndpointsError};
pub use watch::{watch_credentials, watch_usage};

use crate::config::alerts::wants;
use crate::counters::alert_queue::CAPACITY;
use crate::counters::failed_authentications::address_subject;
use crate::crypto::random;
use crate::domain::alert::{Alert, AlertFilter, AlertRule, AlertSubject, NewAlert};
use crate::domain::audit_event::Source;
use crate::domain::page::{Page, PageRequest};
use crate::domain::webhook_delivery::{DeliveryFilter, DeliveryStatus, WebhookDelivery};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::{Failure, FlowResult};
use crate::store::StoreError;

/// Raises an alert: stores it with a delivery for each endpoint that wants it, in one write. False when it is silent now,
/// decided in the database, so that of several instances one speaks. What fails is logged and spoils nothing else.
pub fn raise(server: &Server, alert: &NewAlert) -> bool {
    try_raise(server, alert).unwrap_or_else(|error| {
        log::error!("an alert could not be stored: {error}");
        false
    })
}

fn try_raise(server: &Server, new: &NewAlert) -> Result<bool, Failure> {
    let now = server.clock.now();
    let key = new.silence_key();
    if server.store.read(|connection| connection.is_alert_silent(&key, now))? {
        return Ok(false);
    }
    let until = new.silent_until.unwrap_or(now + server.config.alerts.cooldown);
    let (alert, deliveries) = with_deliveries(server, new, None)?;
    let rule = alert.rule.as_str();
    let said = server.store.write(move |connection| {
        if !connection.take_alert_silence(&key, until, now)? {
            return Ok(false);
        }
        connection.insert_alert(&alert, now)?;
        deliveries.iter().try_for_each(|delivery| connection.insert_webhook_delivery(delivery))?;
        Ok(true)
    });
    match said {
        Ok(said) => {
            if said {
                log::warn!("alert {rule}: {} {:?} {}", new.subject.kind, new.subject.id, new.detail);
                server.metrics.alert_raised(rule);
            }
            Ok(said)
        }
        // Another instance was faster.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The alert as stored, with a delivery for the one endpoint named, or for each that wants it.
fn with_deliveries(
    server: &Server,
    new: &NewAlert,
    only: Option<&str>,
) -> Result<(Alert, Vec<WebhookDelivery>), Failure> {
    let now = server.clock.now();
    let alert = Alert {
        id: random::id(now)?,
        rule: new.rule,
        subject_kind: new.subject.kind.to_owned(),
        subject_id: new.subject.id.clone(),
        detail: new.detail.clone(),
        occurred_at: new.occurred_at,
    };
    let (event_type, payload) = (new.rule.event_type(), alert.payload().to_string());
    let wanted = |name: &str, events| only.map_or_else(|| wants(events, &event_type), |only| only == name);
    let delivery = |name: &str| {
        Ok(WebhookDelivery {
            id: random::id(now)?,
            alert_id: alert.id.clone(),
            endpoint: name.to_owned(),
            event_type: event_type.clone(),
            payload: payload.clone(),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: now,
            last_error: None,
            created_at: now,
            finished_at: None,
        })
    };
    let endpoints = server.config.alert_endpoints().filter(|(name, events)| wanted(name, events));
    let deliveries = endpoints.map(|(name, _)| delivery(name)).collect::<Result<_, Failure>>()?;
    Ok((alert, deliveries))
}

/// Raises what requests have left in the queue. For the job: when the database fails, what is left stays in the queue.
pub fn raise_queued(server: &Server) -> Result<usize, Failure> {
    let mut raised = 0;
    for _ in 0..CAPACITY {
        let Some(alert) = server.alerts.take() else { break };
        match try_raise(server, &alert) {
            Ok(said) => raised += usize::from(said),
            Err(error) => {
                server.alerts.put_back(alert);
                return Err(error);
            }
        }
    }
    Ok(raised)
}

/// Counts a failed authentication at a known account or client, if it is one, and of the address, and leaves an alert in the
/// queue where there are many. What was typed as a name is not kept: it may be a password.
pub fn authentication_failed(server: &Server, subject: Option<AlertSubject>, source: Option<&Source>) {
    let rules = &server.alert_rules;
    let address = source.and_then(|source| source.address).map(address_subject);
    if rules.failed_authentications == 0 {
        return;
    }
    let (now, window) = (server.clock.now(), server.failed_authentications.window());
    for subject in subject.into_iter().chain(address) {
        let failures = server.failed_authentications.count(&subject, now);
        // Beyond the threshold only now and then: the database decides what is said, but need not be asked each time.
        if failures.is_multiple_of(rules.failed_authentications)
            && let Some(alert) = rules.failed_authentications(&subject, failures, window, now)
        {
            server.alerts.offer(alert);
        }
    }
}

/// Leaves an alert in the queue that attempts at this account, or from this address, are refused for a while.
pub fn login_throttled(server: &Server, account: Option<AlertSubject>, source: &Source) {
    let address = || source.address.map(address_subject);
    if server.alert_rules.failed_authentications > 0
        && let Some(subject) = account.or_else(address)
    {
        let detail = serde_json::json!({ "throttled": true });
        let alert = NewAlert::new(AlertRule::FailedAuthentications, subject, detail, server.clock.now());
        server.alerts.offer(alert.apart_by("throttled"));
    }
}

/// A page of alerts, newest first.
pub fn list(server: &Server, caller: &Caller, filter: &AlertFilter, page: &PageRequest) -> FlowResult<Page<Alert>> {
    caller.require("alerts:read")?;
    Ok(server.store.read(|connection| connection.list_alerts(filter, page))?)
}

/// A page of deliveries, newest first.
pub fn list_deliveries(
    server: &Server,
    caller: &Caller,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> FlowResult<Page<WebhookDelivery>> {
    caller.require("alerts:read")?;
    Ok(server.store.read(|connection| connection.list_webhook_deliveries(filter, page))?)
}
