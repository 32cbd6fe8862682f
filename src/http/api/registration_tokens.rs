//! `/v1/registration-tokens`: the initial access tokens of dynamic client registration (RFC 7591 §3).

use actix_web::{HttpResponse, web};

use crate::domain::page::Page;
use crate::domain::registration::RegistrationToken;
use crate::flows::registration_tokens::{self, MadeRegistrationToken, NewRegistrationToken};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};
use crate::http::error::api_error;
use crate::http::extract;

/// A page of initial access tokens, without the tokens.
#[utoipa::path(get, path = "/v1/registration-tokens", tag = "clients", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<RegistrationToken>), (status = "4XX", body = Problem)), security(("bearer" = ["clients:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let is_key = |text: &str| uuid::Uuid::parse_str(text).is_ok();
    match api.query(&PAGE).and_then(|query| page(&query, is_key)) {
        Ok(page) => api.answer(api.run(move |server, caller| registration_tokens::list(server, caller, &page)).await),
        Err(denial) => api_error(&api.server, denial.into()),
    }
}

/// Make an initial access token, shown this once: who has it may register clients.
#[utoipa::path(post, path = "/v1/registration-tokens", tag = "clients", request_body = NewRegistrationToken,
    responses((status = 201, body = MadeRegistrationToken), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewRegistrationToken>(&api.request, payload).await {
        Ok(new) => api.created(
            api.run(move |server, caller| registration_tokens::create(server, caller, new))
                .await
                .map(|made| (format!("registration-tokens/{}", made.registration_token.id), made)),
        ),
        Err(denial) => api_error(&api.server, denial.into()),
    }
}

/// Revoke an initial access token; clients that it registered stay.
#[utoipa::path(delete, path = "/v1/registration-tokens/{id}", tag = "clients", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn revoke(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "registration token") {
        Ok(id) => api.deleted(api.run(move |server, caller| registration_tokens::revoke(server, caller, &id)).await),
        Err(denial) => api_error(&api.server, denial.into()),
    }
}
