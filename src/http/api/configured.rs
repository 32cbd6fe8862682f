//! `/v1/environments` and `/v1/plans`: what the configuration offers, to read only.

use actix_web::HttpResponse;

use crate::domain::page::Page;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::configured::{self, ConfiguredEnvironment, ConfiguredPlan};
use crate::flows::error::FlowResult;
use crate::http::api::Api;
use crate::http::api::openapi::Problem;

/// All of them: there are as many as somebody has written down.
async fn whole<T: serde::Serialize + Send + 'static>(
    api: Api,
    list: fn(&Server, &Caller) -> FlowResult<Vec<T>>,
) -> HttpResponse {
    match api.query(&[]) {
        Ok(_) => api.answer(api.run(list).await.map(|items| Page { items, next_cursor: None })),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// The configured environments.
#[utoipa::path(get, path = "/v1/environments", tag = "environments",
    responses((status = 200, body = Page<ConfiguredEnvironment>), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn list_environments(api: Api) -> HttpResponse {
    whole(api, configured::list_environments).await
}

/// The configured plans.
#[utoipa::path(get, path = "/v1/plans", tag = "plans",
    responses((status = 200, body = Page<ConfiguredPlan>), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn list_plans(api: Api) -> HttpResponse {
    whole(api, configured::list_plans).await
}
