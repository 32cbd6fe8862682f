//! `/v1/overview`

use actix_web::HttpResponse;

use crate::flows::overview::{self, Overview};
use crate::http::api::Api;
use crate::http::api::openapi::Problem;

/// How the server fares: requests and tokens by hour, the busiest credentials, limits nearly reached, credentials that end or
/// are overdue for rotation, the latest alerts, and the health of database, signing keys and jobs. What you may not read is
/// null. Limits and jobs are those of the instance that answers.
#[utoipa::path(get, path = "/v1/overview", tag = "overview",
    responses((status = 200, body = Overview), (status = "4XX", body = Problem)), security(("bearer" = ["usage:read"])))]
pub async fn show(api: Api) -> HttpResponse {
    match api.query(&[]) {
        Ok(_) => api.answer(api.run(overview::show).await),
        Err(denial) => api.unreadable(denial).await,
    }
}
