//! `/v1/audit-verifications` and `/v1/audit-chain`: is the audit log whole?

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::domain::audit_verification::{AuditVerification, ChainState};
use crate::domain::page::Page;
use crate::flows::audit_verifications::{self, Beginning};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};
use crate::http::extract;

/// What is to be verified.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVerification {
    /// The whole chain, and not only what the last checkpoint does not cover.
    #[serde(default)]
    whole: bool,
}

/// A page of verifications, newest first.
#[utoipa::path(get, path = "/v1/audit-verifications", tag = "audit", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<AuditVerification>), (status = "4XX", body = Problem)), security(("bearer" = ["audit-events:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&PAGE).and_then(|query| page(&query, |cursor| cursor.parse::<i64>().is_ok())) {
        Ok(page) => api.answer(api.run(move |server, caller| audit_verifications::list(server, caller, &page)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Verify now, as far as one request may take; `running` goes on by itself.
#[utoipa::path(post, path = "/v1/audit-verifications", tag = "audit", request_body = NewVerification,
    responses((status = 200, body = AuditVerification), (status = "4XX", body = Problem)), security(("bearer" = ["audit-events:read"])))]
pub async fn verify(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewVerification>(&api.request, payload).await {
        Ok(new) => {
            let beginning = if new.whole { Beginning::First } else { Beginning::LastCheckpoint };
            api.answer(api.run(move |server, caller| audit_verifications::verify(server, caller, beginning)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Where the chain stands, and when it was last found whole.
#[utoipa::path(get, path = "/v1/audit-chain", tag = "audit",
    responses((status = 200, body = ChainState), (status = "4XX", body = Problem)), security(("bearer" = ["audit-events:read"])))]
pub async fn state(api: Api) -> HttpResponse {
    match api.query(&[]) {
        Ok(_) => api.answer(api.run(audit_verifications::state).await),
        Err(denial) => api.unreadable(denial).await,
    }
}
