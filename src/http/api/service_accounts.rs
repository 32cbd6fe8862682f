//! `/v1/service-accounts`

use actix_web::{HttpResponse, web};

use crate::domain::client::Status;
use crate::domain::ids::ServiceAccountId;
use crate::domain::page::Page;
use crate::domain::service_account::ServiceAccount;
use crate::flows::service_accounts::{self, NewServiceAccount, ServiceAccountEdit};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, SEARCH_PAGE, search_page};
use crate::http::extract;

/// A page of service accounts.
#[utoipa::path(get, path = "/v1/service-accounts", tag = "service-accounts", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("q" = Option<String>, Query, description = "Beginnings of words of the name or identifier, all of them"), ("status" = Option<Status>, Query)),
    responses((status = 200, body = Page<ServiceAccount>), (status = "4XX", body = Problem)), security(("bearer" = ["service-accounts:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&SEARCH_PAGE).and_then(|query| search_page(&query, ServiceAccountId::is_valid)) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| service_accounts::list(server, caller, &filter, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Create a service account.
#[utoipa::path(post, path = "/v1/service-accounts", tag = "service-accounts", request_body = NewServiceAccount,
    responses((status = 201, body = ServiceAccount), (status = "4XX", body = Problem)), security(("bearer" = ["service-accounts:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewServiceAccount>(&api.request, payload).await {
        Ok(new) => api.created(
            api.run(move |server, caller| service_accounts::create(server, caller, new))
                .await
                .map(|made| (format!("service-accounts/{}", made.id), made)),
        ),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// One service account, by id or name.
#[utoipa::path(get, path = "/v1/service-accounts/{id}", tag = "service-accounts", params(("id" = String, Path)),
    responses((status = 200, body = ServiceAccount), (status = "4XX", body = Problem)), security(("bearer" = ["service-accounts:read"])))]
pub async fn show(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "service account") {
        Ok(id) => api.answer(api.run(move |server, caller| service_accounts::show(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Edit a service account: members that are left out stay. What it loses, its keys lose at once.
#[utoipa::path(patch, path = "/v1/service-accounts/{id}", tag = "service-accounts", params(("id" = String, Path)), request_body = ServiceAccountEdit,
    responses((status = 200, body = ServiceAccount), (status = "4XX", body = Problem)), security(("bearer" = ["service-accounts:write"])))]
pub async fn update(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = extract::name(id, "service account");
    match (read, extract::json::<ServiceAccountEdit>(&api.request, payload).await) {
        (Ok(id), Ok(edit)) => {
            api.answer(api.run(move |server, caller| service_accounts::update(server, caller, &id, edit)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

async fn set_status(api: Api, id: web::Path<String>, to: Status) -> HttpResponse {
    match extract::name(id, "service account") {
        Ok(id) => {
            api.answer(api.run(move |server, caller| service_accounts::set_status(server, caller, &id, to)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Refuse a service account, and with it its keys, for now.
#[utoipa::path(post, path = "/v1/service-accounts/{id}/disable", tag = "service-accounts", params(("id" = String, Path)),
    responses((status = 200, body = ServiceAccount), (status = "4XX", body = Problem)), security(("bearer" = ["service-accounts:write"]), ("bearer" = ["credentials:disable"])))]
pub async fn disable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Inactive).await
}

/// Take a disabled service account back.
#[utoipa::path(post, path = "/v1/service-accounts/{id}/enable", tag = "service-accounts", params(("id" = String, Path)),
    responses((status = 200, body = ServiceAccount), (status = "4XX", body = Problem)), security(("bearer" = ["service-accounts:write"])))]
pub async fn enable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Active).await
}

/// Refuse a service account, and with it its keys, for good.
#[utoipa::path(post, path = "/v1/service-accounts/{id}/revoke", tag = "service-accounts", params(("id" = String, Path)),
    responses((status = 200, body = ServiceAccount), (status = "4XX", body = Problem)), security(("bearer" = ["service-accounts:write"])))]
pub async fn revoke(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Revoked).await
}
