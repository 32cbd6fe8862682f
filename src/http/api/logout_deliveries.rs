//! `/v1/logout-deliveries`

use actix_web::HttpResponse;

use crate::crypto::random::is_id;
use crate::domain::denial::Denial;
use crate::domain::logout_delivery::{LogoutDelivery, LogoutDeliveryFilter};
use crate::domain::page::{Page, PageRequest};
use crate::domain::webhook_delivery::DeliveryStatus;
use crate::flows::logout_deliveries;
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, page};
use crate::http::error::api_error;
use crate::protocol::params::Params;

fn read(params: &Params) -> Result<(LogoutDeliveryFilter, PageRequest), Denial> {
    let text = |name| params.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()));
    let unknown = |word: &str| Denial::MalformedRequest(format!("there is no status '{word}'"));
    let status = text("status")?.map(|word| DeliveryStatus::parse(word).ok_or_else(|| unknown(word))).transpose()?;
    let client_id = text("client_id")?.map(str::to_owned);
    Ok((LogoutDeliveryFilter { status, client_id }, page(params, is_id)?))
}

/// A page of logout tokens on their way to clients, newest first; `status=dead` lists those that were given up.
#[utoipa::path(get, path = "/v1/logout-deliveries", tag = "clients", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("status" = Option<DeliveryStatus>, Query), ("client_id" = Option<String>, Query)),
    responses((status = 200, body = Page<LogoutDelivery>), (status = "4XX", body = Problem)), security(("bearer" = ["clients:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&["cursor", "limit", "status", "client_id"]).and_then(|query| read(&query)) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| logout_deliveries::list(server, caller, &filter, &page)).await)
        }
        Err(denial) => api_error(&api.server, denial.into()),
    }
}
