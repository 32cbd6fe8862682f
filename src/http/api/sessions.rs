//! `/v1/sessions` and `/v1/users/{id}/sessions`: where people are signed in.

use actix_web::{HttpResponse, web};

use crate::domain::denial::Denial;
use crate::domain::ids::UserId;
use crate::domain::login_session::{LoginSession, LoginSessionCursor, LoginSessionFilter};
use crate::domain::page::{Page, PageRequest};
use crate::flows::sessions;
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};
use crate::http::extract;
use crate::protocol::params::Params;

fn is_cursor(text: &str) -> bool {
    LoginSessionCursor::parse(text).is_some()
}

fn read(params: &Params) -> Result<(LoginSessionFilter, PageRequest), Denial> {
    let user_id = params.optional("user_id").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    let filter = LoginSessionFilter { user_id: user_id.map(|id| UserId(id.to_owned())) };
    Ok((filter, page(params, is_cursor)?))
}

/// A page of the sessions that are live, the one that began last first.
#[utoipa::path(get, path = "/v1/sessions", tag = "users", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("user_id" = Option<String>, Query)),
    responses((status = 200, body = Page<LoginSession>), (status = "4XX", body = Problem)), security(("bearer" = ["users:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&["cursor", "limit", "user_id"]).and_then(|query| read(&query)) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| sessions::list(server, caller, &filter, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// A page of a user's sessions that are live, the one that began last first.
#[utoipa::path(get, path = "/v1/users/{id}/sessions", tag = "users", params(("id" = String, Path), ("cursor" = Option<String>, Query),
    ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<LoginSession>), (status = "4XX", body = Problem)), security(("bearer" = ["users:read"])))]
pub async fn list_of_user(api: Api, id: web::Path<String>) -> HttpResponse {
    let read = || Ok((extract::name(id, "user")?, page(&api.query(&PAGE)?, is_cursor)?));
    match read() {
        Ok((id, page)) => {
            api.answer(api.run(move |server, caller| sessions::list_of_user(server, caller, &id, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// End a session; what was granted in it without `offline_access` ends, and its clients are told.
#[utoipa::path(delete, path = "/v1/users/{id}/sessions/{sid}", tag = "users", params(("id" = String, Path), ("sid" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn end(api: Api, path: web::Path<(String, String)>) -> HttpResponse {
    let (id, sid) = path.into_inner();
    match (extract::name(id.into(), "user"), extract::name(sid.into(), "session")) {
        (Ok(id), Ok(sid)) => api.deleted(api.run(move |server, caller| sessions::end(server, caller, &id, &sid)).await),
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// End every session of a user.
#[utoipa::path(delete, path = "/v1/users/{id}/sessions", tag = "users", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)), security(("bearer" = ["users:write"])))]
pub async fn end_all(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "user") {
        Ok(id) => api.deleted(api.run(move |server, caller| sessions::end_all(server, caller, &id).map(drop)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}
