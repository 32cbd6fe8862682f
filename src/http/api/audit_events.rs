//! `/v1/audit-events`

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};

use crate::domain::audit_event::{AuditEvent, AuditFilter};
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::flows::audit;
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, page};
use crate::protocol::params::Params;

fn read(params: &Params) -> Result<(AuditFilter, PageRequest), Denial> {
    let text = |name| params.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()));
    let time = |name| -> Result<Option<DateTime<Utc>>, Denial> {
        let parsed = text(name)?.map(DateTime::parse_from_rfc3339).transpose();
        let malformed =
            |_| Denial::MalformedRequest(format!("{name} must be a time such as 2026-01-31T12:00:00Z (RFC 3339)"));
        Ok(parsed.map_err(malformed)?.map(|time| time.to_utc()))
    };
    let filter = AuditFilter {
        action: text("action")?.map(str::to_owned),
        actor_id: text("actor_id")?.map(str::to_owned),
        target_id: text("target_id")?.map(str::to_owned),
        class: text("class")?.map(str::to_owned),
        since: time("since")?,
        until: time("until")?,
    };
    Ok((filter, page(params, |cursor| cursor.parse::<i64>().is_ok())?))
}

/// A page of audit events, newest first.
#[utoipa::path(get, path = "/v1/audit-events", tag = "audit", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("action" = Option<String>, Query), ("actor_id" = Option<String>, Query), ("target_id" = Option<String>, Query), ("class" = Option<String>, Query),
    ("since" = Option<DateTime<Utc>>, Query), ("until" = Option<DateTime<Utc>>, Query)),
    responses((status = 200, body = Page<AuditEvent>), (status = "4XX", body = Problem)), security(("bearer" = ["audit-events:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let known = ["cursor", "limit", "action", "actor_id", "target_id", "class", "since", "until"];
    match api.query(&known).and_then(|query| read(&query)) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| audit::list(server, caller, &filter, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}
