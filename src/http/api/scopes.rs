//! `/v1/scopes`

use actix_web::{HttpResponse, web};

use crate::domain::denial::Denial;
use crate::domain::page::Page;
use crate::domain::scope_definition::ScopeDefinition;
use crate::flows::scopes::{self, NewScope};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};
use crate::http::error::api_error;
use crate::http::extract;
use crate::protocol::scope::is_scope_token;

/// A page of scopes.
#[utoipa::path(get, path = "/v1/scopes", tag = "scopes", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<ScopeDefinition>), (status = "4XX", body = Problem)), security(("bearer" = ["scopes:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&PAGE).and_then(|query| page(&query, is_scope_token)) {
        Ok(page) => api.answer(api.run(move |server, caller| scopes::list(server, caller, &page)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Define a scope.
#[utoipa::path(post, path = "/v1/scopes", tag = "scopes", request_body = NewScope,
    responses((status = 201, body = ScopeDefinition), (status = "4XX", body = Problem)), security(("bearer" = ["scopes:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewScope>(&api.request, payload).await {
        Ok(new) => api.created(
            api.run(move |server, caller| scopes::create(server, caller, new))
                .await
                .map(|made| (format!("scopes/{}", made.name), made)),
        ),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// One scope.
#[utoipa::path(get, path = "/v1/scopes/{name}", tag = "scopes", params(("name" = String, Path)),
    responses((status = 200, body = ScopeDefinition), (status = "4XX", body = Problem)), security(("bearer" = ["scopes:read"])))]
pub async fn show(api: Api, name: web::Path<String>) -> HttpResponse {
    match extract::name(name, "scope") {
        Ok(name) => api.answer(api.run(move |server, caller| scopes::show(server, caller, &name)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Replace a definition.
#[utoipa::path(put, path = "/v1/scopes/{name}", tag = "scopes", params(("name" = String, Path)), request_body = NewScope,
    responses((status = 200, body = ScopeDefinition), (status = "4XX", body = Problem)), security(("bearer" = ["scopes:write"])))]
pub async fn update(api: Api, name: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = match (extract::name(name, "scope"), extract::json::<NewScope>(&api.request, payload).await) {
        (Ok(name), Ok(new)) if new.name == name => Ok(new),
        (Ok(_), Ok(_)) => {
            Err(Denial::InvalidMember("name must be that of the address: it cannot be changed".to_owned()))
        }
        (Err(denial), _) | (_, Err(denial)) => Err(denial),
    };
    match read {
        Ok(new) => api.answer(api.run(move |server, caller| scopes::update(server, caller, new)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Remove a definition.
#[utoipa::path(delete, path = "/v1/scopes/{name}", tag = "scopes", params(("name" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)), security(("bearer" = ["scopes:write"])))]
pub async fn delete(api: Api, name: web::Path<String>) -> HttpResponse {
    let name = match extract::name(name, "scope") {
        Ok(name) => name,
        Err(denial) => return api.unreadable(denial).await,
    };
    match api.run(move |server, caller| scopes::delete(server, caller, &name)).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => api_error(&api.server, error),
    }
}
