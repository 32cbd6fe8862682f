//! `/v1/usage`, and the usage of an access key or client.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::domain::denial::Denial;
use crate::domain::usage_summary::UsageSummary;
use crate::flows::resource_server::ResourceServer;
use crate::flows::usage_reports::{self, ReportOutcome, UsageReport};
use crate::flows::usage_summaries;
use crate::http::api::Api;
use crate::http::api::openapi::Problem;
use crate::http::error::api_error;
use crate::http::extract;
use crate::http::respond::no_store_json;
use crate::http::run::run;

/// Report how credentials were used: for API servers, which authenticate as a client that may introspect (Basic) or by a
/// bearer. Counted in memory and written some seconds later.
#[utoipa::path(post, path = "/v1/usage", tag = "usage", request_body = UsageReport,
    responses((status = 202, body = ReportOutcome), (status = "4XX", body = Problem)), security(("client" = []), ("bearer" = ["usage:write"])))]
pub async fn report(api: Api, payload: web::Payload) -> HttpResponse {
    let authorization = extract::authorization(&api.request);
    let source = extract::source(&api.request, &api.edge);
    let done = match extract::json::<UsageReport>(&api.request, payload).await {
        Ok(report) => {
            run(&api.server, move |server| usage_reports::report(server, authorization, report, source)).await
        }
        // Only whoever authenticates is told what is wrong with the report.
        Err(denial) => {
            let refuse = move |server: &_| {
                ResourceServer::authenticate(server, authorization, "usage:write", source)?;
                Err(denial.into())
            };
            run(&api.server, refuse).await
        }
    };
    match done {
        Ok(outcome) => {
            let mut response = no_store_json(&outcome);
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        Err(error) => api_error(&api.server, error),
    }
}

fn days(api: &Api) -> Result<i64, Denial> {
    let params = api.query(&["days"])?;
    let days = params.optional("days").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    let number = days.map_or(Ok(usage_summaries::DEFAULT_DAYS), str::parse);
    number.map_err(|_| Denial::MalformedRequest("days must be a number".to_owned()))
}

/// How an access key is used, by day (UTC), operation, project and kind of error; some seconds late.
#[utoipa::path(get, path = "/v1/access-keys/{id}/usage", tag = "usage", params(("id" = String, Path), ("days" = Option<i64>, Query, description = "7 to 400, 30 where absent")),
    responses((status = 200, body = UsageSummary), (status = "4XX", body = Problem)), security(("bearer" = ["usage:read"])))]
pub async fn of_access_key(api: Api, id: web::Path<String>) -> HttpResponse {
    match (extract::name(id, "access key"), days(&api)) {
        (Ok(id), Ok(days)) => {
            let flow = move |server: &_, caller: &_| usage_summaries::of_access_key(server, caller, &id, days);
            api.answer(api.run(flow).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// How a client is used: itself, and its access tokens at doors and in reports.
#[utoipa::path(get, path = "/v1/clients/{client_id}/usage", tag = "usage", params(("client_id" = String, Path), ("days" = Option<i64>, Query, description = "7 to 400, 30 where absent")),
    responses((status = 200, body = UsageSummary), (status = "4XX", body = Problem)), security(("bearer" = ["usage:read"])))]
pub async fn of_client(api: Api, id: web::Path<String>) -> HttpResponse {
    match (extract::name(id, "client"), days(&api)) {
        (Ok(id), Ok(days)) => {
            let flow = move |server: &_, caller: &_| usage_summaries::of_client(server, caller, &id, days);
            api.answer(api.run(flow).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}
