//! `/v1/alerts`, `/v1/webhook-deliveries`, `/v1/webhooks`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};

use crate::crypto::random::is_id;
use crate::domain::alert::{Alert, AlertFilter, AlertRule};
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::domain::webhook_delivery::{DeliveryFilter, DeliveryStatus, WebhookDelivery};
use crate::flows::alerts;
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, page};
use crate::protocol::params::Params;

fn text(params: &Params, name: &'static str) -> Result<Option<String>, Denial> {
    let read = params.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    Ok(read.map(str::to_owned))
}

/// A parameter that is one of a few words.
fn word<T>(params: &Params, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Denial> {
    let unknown = |word: &str| Denial::MalformedRequest(format!("there is no {name} '{word}'"));
    text(params, name)?.map(|word| parse(&word).ok_or_else(|| unknown(&word))).transpose()
}

fn time(params: &Params, name: &'static str) -> Result<Option<DateTime<Utc>>, Denial> {
    let malformed =
        |_| Denial::MalformedRequest(format!("{name} must be a time such as 2026-01-31T12:00:00Z (RFC 3339)"));
    text(params, name)?
        .map(|text| DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()))
        .transpose()
        .map_err(malformed)
}

fn page_by_id(params: &Params) -> Result<PageRequest, Denial> {
    page(params, is_id)
}

fn read_alerts(params: &Params) -> Result<(AlertFilter, PageRequest), Denial> {
    let filter = AlertFilter {
        rule: word(params, "rule", AlertRule::parse)?,
        subject_id: text(params, "subject_id")?,
        since: time(params, "since")?,
        until: time(params, "until")?,
    };
    Ok((filter, page_by_id(params)?))
}

fn read_deliveries(params: &Params) -> Result<(DeliveryFilter, PageRequest), Denial> {
    let filter = DeliveryFilter {
        status: word(params, "status", DeliveryStatus::parse)?,
        endpoint: text(params, "endpoint")?,
        alert_id: text(params, "alert_id")?,
    };
    Ok((filter, page_by_id(params)?))
}

/// A page of alerts, newest first.
#[utoipa::path(get, path = "/v1/alerts", tag = "alerts", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("rule" = Option<AlertRule>, Query), ("subject_id" = Option<String>, Query),
    ("since" = Option<DateTime<Utc>>, Query), ("until" = Option<DateTime<Utc>>, Query)),
    responses((status = 200, body = Page<Alert>), (status = "4XX", body = Problem)), security(("bearer" = ["alerts:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let known = ["cursor", "limit", "rule", "subject_id", "since", "until"];
    match api.query(&known).and_then(|query| read_alerts(&query)) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| alerts::list(server, caller, &filter, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// A page of deliveries, newest first; `status=dead` lists those that were given up.
#[utoipa::path(get, path = "/v1/webhook-deliveries", tag = "alerts", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("status" = Option<DeliveryStatus>, Query), ("endpoint" = Option<String>, Query), ("alert_id" = Option<String>, Query)),
    responses((status = 200, body = Page<WebhookDelivery>), (status = "4XX", body = Problem)), security(("bearer" = ["alerts:read"])))]
pub async fn list_deliveries(api: Api) -> HttpResponse {
    let known = ["cursor", "limit", "status", "endpoint", "alert_id"];
    match api.query(&known).and_then(|query| read_deliveries(&query)) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| alerts::list_deliveries(server, caller, &filter, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Send a delivery that has arrived or was given up once more.
#[utoipa::path(post, path = "/v1/webhook-deliveries/{id}/resend", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = WebhookDelivery), (status = "4XX", body = Problem)), security(("bearer" = ["alerts:write"])))]
pub async fn resend(api: Api, id: web::Path<String>) -> HttpResponse {
    api.answer(api.run(move |server, caller| alerts::resend(server, caller, &id)).await)
}

/// Send a test to a webhook, or by mail, and answer what became of it.
#[utoipa::path(post, path = "/v1/webhooks/{name}/test", tag = "alerts", params(("name" = String, Path)),
    responses((status = 200, body = WebhookDelivery), (status = "4XX", body = Problem)), security(("bearer" = ["alerts:write"])))]
pub async fn test(api: Api, name: web::Path<String>) -> HttpResponse {
    api.answer(api.run(move |server, caller| alerts::test(server, caller, &name)).await)
}
