//! `/v1/audit-checkpoints`: signed statements of where the audit log's chain stood, for auditors to keep elsewhere.

use actix_web::HttpResponse;

use crate::domain::audit_chain::Checkpoint;
use crate::domain::page::Page;
use crate::flows::audit_checkpoints;
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};

/// A page of checkpoints, newest first.
#[utoipa::path(get, path = "/v1/audit-checkpoints", tag = "audit", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<Checkpoint>), (status = "4XX", body = Problem)), security(("bearer" = ["audit-events:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&PAGE).and_then(|query| page(&query, |cursor| cursor.parse::<i64>().is_ok())) {
        Ok(page) => {
            api.answer(api.run(move |server, caller| audit_checkpoints::list_checkpoints(server, caller, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}
