//! Webhooks in the form of Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

use chrono::{DateTime, Utc};
use ureq::http::StatusCode;
use url::Url;

use crate::crypto::webhook_secret::WebhookSecret;
use crate::domain::webhook_delivery::{AttemptOutcome, WebhookDelivery};
use crate::outbound::client::HttpClient;

/// Where webhooks go and what they are signed with.
pub struct WebhookTarget {
    /// Where.
    pub url: Url,
    /// Each of these signs: two while a secret is being replaced.
    pub secrets: Vec<WebhookSecret>,
}

/// Makes one attempt.
pub fn send(
    client: &HttpClient,
    target: &WebhookTarget,
    delivery: &WebhookDelivery,
    now: DateTime<Utc>,
) -> AttemptOutcome {
    let id = format!("msg_{}", delivery.alert_id);
    let timestamp = now.timestamp();
    let signatures: Vec<_> =
        target.secrets.iter().map(|secret| secret.sign(&id, timestamp, &delivery.payload)).collect();
    let headers =
        [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signatures.join(" "))];
    match client.post_json(&target.url, &headers, &delivery.payload) {
        Ok(status) if status.is_success() => AttemptOutcome::Arrived,
        // Standard Webhooks: the receiver is gone for good.
        Ok(StatusCode::GONE) => AttemptOutcome::Unwanted("status 410".to_owned()),
        Ok(status) => AttemptOutcome::Failed(format!("status {}", status.as_u16())),
        Err(error) => AttemptOutcome::Failed(error.to_string()),
    }
}
