//! `/v1/users`

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::domain::client::Status;
use crate::domain::ids::UserId;
use crate::domain::page::Page;
use crate::domain::user::User;
use crate::flows::users::{self, NewPassword, NewUser, UserEdit};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, SEARCH_PAGE, search_page};
use crate::http::extract;

/// A page of users.
#[utoipa::path(get, path = "/v1/users", tag = "users", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("q" = Option<String>, Query, description = "Beginnings of words of the name or identifier, all of them"), ("status" = Option<Status>, Query)),
    responses((status = 200, body = Page<User>), (status = "4XX", body = Problem)), security(("bearer" = ["users:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&SEARCH_PAGE).and_then(|query| search_page(&query, UserId::is_valid)) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| users::list(server, caller, &filter, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Create a user.
#[utoipa::path(post, path = "/v1/users", tag = "users", request_body = NewUser,
    responses((status = 201, body = User), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewUser>(&api.request, payload).await {
        Ok(new) => api.created(
            api.run(move |server, caller| users::create(server, caller, new))
                .await
                .map(|made| (format!("users/{}", made.id), made)),
        ),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// One user, by id or username.
#[utoipa::path(get, path = "/v1/users/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = User), (status = "4XX", body = Problem)), security(("bearer" = ["users:read"])))]
pub async fn show(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "user") {
        Ok(id) => api.answer(api.run(move |server, caller| users::show(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Edit a user: members that are left out stay, an explicit null empties.
#[utoipa::path(patch, path = "/v1/users/{id}", tag = "users", params(("id" = String, Path)), request_body = UserEdit,
    responses((status = 200, body = User), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn update(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    match (extract::name(id, "user"), extract::json::<UserEdit>(&api.request, payload).await) {
        (Ok(id), Ok(edit)) => api.answer(api.run(move |server, caller| users::update(server, caller, &id, edit)).await),
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// A new password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// At least 8 characters.
    password: NewPassword,
}

/// Set a user's password; their sessions and grants end.
#[utoipa::path(post, path = "/v1/users/{id}/set-password", tag = "users", params(("id" = String, Path)), request_body = SetPassword,
    responses((status = 200, body = User), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn set_password(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    match (extract::name(id, "user"), extract::json::<SetPassword>(&api.request, payload).await) {
        (Ok(id), Ok(body)) => {
            api.answer(api.run(move |server, caller| users::set_password(server, caller, &id, &body.password)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

async fn set_active(api: Api, id: web::Path<String>, active: bool) -> HttpResponse {
    match extract::name(id, "user") {
        Ok(id) => api.answer(api.run(move |server, caller| users::set_active(server, caller, &id, active)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Disable an account; its sessions and grants end.
#[utoipa::path(post, path = "/v1/users/{id}/disable", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = User), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"]), ("bearer" = ["credentials:disable"])))]
pub async fn disable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_active(api, id, false).await
}

/// Enable a disabled account.
#[utoipa::path(post, path = "/v1/users/{id}/enable", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = User), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn enable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_active(api, id, true).await
}
