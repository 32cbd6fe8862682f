//! `/v1/users/{id}/connected-clients` and `/v1/users/{id}/personal-tokens`: what acts as a user, one by one.

use actix_web::{HttpResponse, web};

use crate::domain::connected_client::ConnectionPlace;
use crate::domain::denial::Denial;
use crate::domain::ids::PersonalTokenId;
use crate::domain::page::{Page, PageRequest};
use crate::flows::account::personal_tokens::PersonalTokenInUse;
use crate::flows::user_grants::{self, ConnectedApp};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};
use crate::http::extract;

fn read(api: &Api, id: web::Path<String>, is_key: impl Fn(&str) -> bool) -> Result<(String, PageRequest), Denial> {
    Ok((extract::name(id, "user")?, page(&api.query(&PAGE)?, is_key)?))
}

/// A page of the clients that a user has let in, the one that was used last first.
#[utoipa::path(get, path = "/v1/users/{id}/connected-clients", tag = "users", params(("id" = String, Path), ("cursor" = Option<String>, Query),
    ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<ConnectedApp>), (status = "4XX", body = Problem)), security(("bearer" = ["users:read"])))]
pub async fn list_apps(api: Api, id: web::Path<String>) -> HttpResponse {
    match read(&api, id, |cursor| ConnectionPlace::parse(cursor).is_some()) {
        Ok((id, page)) => {
            api.answer(api.run(move |server, caller| user_grants::list_apps(server, caller, &id, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Revoke what a user granted a client, with its tokens, and forget the consent: it has to ask again.
#[utoipa::path(delete, path = "/v1/users/{id}/connected-clients/{client_id}", tag = "users",
    params(("id" = String, Path), ("client_id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn disconnect(api: Api, path: web::Path<(String, String)>) -> HttpResponse {
    let (id, client_id) = path.into_inner();
    match (extract::name(id.into(), "user"), extract::name(client_id.into(), "connected client")) {
        (Ok(id), Ok(client_id)) => {
            api.deleted(api.run(move |server, caller| user_grants::disconnect(server, caller, &id, &client_id)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// A page of a user's personal tokens that are of use, the newest first; without the tokens.
#[utoipa::path(get, path = "/v1/users/{id}/personal-tokens", tag = "users", params(("id" = String, Path), ("cursor" = Option<String>, Query),
    ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<PersonalTokenInUse>), (status = "4XX", body = Problem)), security(("bearer" = ["users:read"])))]
pub async fn list_tokens(api: Api, id: web::Path<String>) -> HttpResponse {
    match read(&api, id, PersonalTokenId::is_valid) {
        Ok((id, page)) => {
            api.answer(api.run(move |server, caller| user_grants::list_tokens(server, caller, &id, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Revoke a personal token of a user: from now on every door that asks refuses it.
#[utoipa::path(delete, path = "/v1/users/{id}/personal-tokens/{token_id}", tag = "users",
    params(("id" = String, Path), ("token_id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn revoke_token(api: Api, path: web::Path<(String, String)>) -> HttpResponse {
    let (id, token_id) = path.into_inner();
    match (extract::name(id.into(), "user"), extract::name(token_id.into(), "personal token")) {
        (Ok(id), Ok(token_id)) => {
            api.deleted(api.run(move |server, caller| user_grants::revoke_token(server, caller, &id, &token_id)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}
