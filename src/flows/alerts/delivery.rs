//! Delivering alerts, to each endpoint in turn.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::alert::{AlertRule, AlertSubject, NewAlert};
use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::webhook_delivery::{AfterAttempt, AttemptOutcome, DeliveryStatus, MAIL_ENDPOINT, WebhookDelivery};
use crate::flows::Server;
use crate::flows::alerts::with_deliveries;
use crate::flows::caller::Caller;
use crate::flows::delivery::{Delivery, attempt, lease};
use crate::flows::error::{Failure, FlowError, FlowResult};
use crate::outbound::webhook;
use crate::store::{StoreConnection, StoreError};

/// Most deliveries of one round to one endpoint.
const ROUND: usize = 50;

/// Makes every attempt that is due, at all endpoints in turn; answers how many. `keep_going` is asked between attempts.
pub fn deliver_due(server: &Server, keep_going: &dyn Fn() -> bool) -> Result<usize, Failure> {
    let mut made = 0;
    for (endpoint, _) in server.config.alert_endpoints() {
        made += deliver_due_to(server, endpoint, keep_going)?;
    }
    Ok(made)
}

/// Makes the attempts that are due at one endpoint, until one fails: the next would most likely fail too.
pub fn deliver_due_to(server: &Server, endpoint: &str, keep_going: &dyn Fn() -> bool) -> Result<usize, Failure> {
    let mut made = 0;
    while made < ROUND && keep_going() {
        let now = server.clock.now();
        let Some(id) = server.store.read(|connection| connection.find_due_webhook_delivery(endpoint, now))? else {
            break;
        };
        let Some((delivery, lease)) = lease::<WebhookDelivery>(server, &id)? else {
            continue;
        };
        made += 1;
        if attempt(server, delivery, lease)? != DeliveryStatus::Delivered {
            break;
        }
    }
    Ok(made)
}

impl Delivery for WebhookDelivery {
    fn id(&self) -> &str {
        &self.id
    }

    fn attempts(&self) -> i64 {
        self.attempts
    }

    fn lease(
        connection: &mut StoreConnection,
        id: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError> {
        if connection.lease_webhook_delivery(id, until, now)? { connection.find_webhook_delivery(id) } else { Ok(None) }
    }

    fn send(&self, server: &Server) -> Result<AttemptOutcome, Failure> {
        Ok(send(server, self))
    }

    fn record(
        &self,
        connection: &mut StoreConnection,
        lease: DateTime<Utc>,
        after: &AfterAttempt,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        connection.finish_webhook_attempt((&self.id, lease), after, now)
    }

    fn report(&self, server: &Server, after: &AfterAttempt) {
        server.metrics.alert_delivery(after.status.as_str());
        if after.status == DeliveryStatus::Dead {
            let error = after.error.as_deref().unwrap_or_default();
            log::error!("the delivery {} to {} is given up: {error}", self.id, self.endpoint);
        }
    }
}

fn send(server: &Server, delivery: &WebhookDelivery) -> AttemptOutcome {
    let endpoints = &server.alert_endpoints;
    if delivery.endpoint == MAIL_ENDPOINT {
        return match &endpoints.mailer {
            Some(mailer) => {
                let (subject, text) = letter(server, delivery);
                match mailer.send(&delivery.id, &subject, &text, server.clock.now()) {
                    Ok(()) => AttemptOutcome::Arrived,
                    Err(error) => AttemptOutcome::Failed(error),
                }
            }
            None => AttemptOutcome::Failed("mail is not configured".to_owned()),
        };
    }
    match (&endpoints.client, endpoints.webhooks.get(&delivery.endpoint)) {
        (Some(client), Some(target)) => webhook::send(client, target, delivery, server.clock.now()),
        _ => AttemptOutcome::Failed("this webhook is not configured".to_owned()),
    }
}

/// Subject and text of a mail.
fn letter(server: &Server, delivery: &WebhookDelivery) -> (String, String) {
    let payload: Value = serde_json::from_str(&delivery.payload).unwrap_or_default();
    let at = |path: &str| payload.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let rule = AlertRule::parse(at("/data/rule")).map_or("An alert", AlertRule::sentence);
    let issuer = &server.config.server.issuer;
    let subject = format!("[grantor] {rule}: {} {}", at("/data/subject/kind"), at("/data/subject/id"));
    let data = serde_json::to_string_pretty(&payload).unwrap_or_else(|_| delivery.payload.clone());
    let text = format!("{rule}.\n\nServer: {issuer}\nTime: {}\n\n{data}\n", at("/timestamp"));
    (subject, text)
}

/// Makes a delivery that has arrived or is dead pending again; the job of a running server sends it.
pub fn resend(server: &Server, caller: &Caller, id: &str) -> FlowResult<WebhookDelivery> {
    caller.require("alerts:write")?;
    let known = server.store.read(|connection| connection.find_webhook_delivery(id))?;
    let known = known.ok_or(Denial::NotFound("delivery"))?;
    if !server.config.alert_endpoints().any(|(name, _)| name == known.endpoint) {
        return Err(Denial::Conflict(format!("the endpoint '{}' is not configured", known.endpoint)).into());
    }
    let (now, wanted) = (server.clock.now(), known.id.clone());
    let event = caller.event(AuditAction::WebhookDeliveryResent, "webhook_delivery", &known.id);
    let reopened = server.store.write(move |connection| {
        if !connection.reopen_webhook_delivery(&wanted, now)? {
            return Ok(None);
        }
        connection.insert_audit_event(&event, now)?;
        connection.find_webhook_delivery(&wanted)
    })?;
    reopened.ok_or_else(|| Denial::Conflict("this delivery is pending already".to_owned()).into())
}

/// Sends a test to one endpoint, at once, and answers what became of it; a failed one is tried again like any other.
pub fn test(server: &Server, caller: &Caller, endpoint: &str) -> FlowResult<WebhookDelivery> {
    caller.require("alerts:write")?;
    let now = server.clock.now();
    let new = NewAlert::new(AlertRule::Test, AlertSubject::new("webhook", endpoint), serde_json::json!({}), now);
    let (alert, deliveries) = with_deliveries(server, &new, Some(endpoint))?;
    let delivery = deliveries.into_iter().next().ok_or(Denial::NotFound("webhook"))?;
    let (id, event) = (delivery.id.clone(), caller.event(AuditAction::WebhookTested, "webhook", endpoint));
    server.store.write(move |connection| {
        connection.insert_alert(&alert, now)?;
        connection.insert_webhook_delivery(&delivery)?;
        connection.insert_audit_event(&event, now)
    })?;
    // Where a job was faster, it makes the attempt.
    if let Some((delivery, lease)) = lease::<WebhookDelivery>(server, &id)? {
        attempt(server, delivery, lease)?;
    }
    let done = server.store.read(|connection| connection.find_webhook_delivery(&id))?;
    done.ok_or_else(|| FlowError::Failed(Failure::Internal("the delivery is gone".to_owned())))
}
