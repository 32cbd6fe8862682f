//! `/v1/access-keys`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::access_key::AccessKey;
use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder, StandingFilter};
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::SearchText;
use crate::flows::Server;
use crate::flows::access_keys::{self, AccessKeyEdit, AccessKeyWithSecret, NewAccessKey, SecretInUse};
use crate::flows::limits::Door;
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, page, text};
use crate::http::edge::Edge;
use crate::http::error::api_error;
use crate::http::run::run;
use crate::http::{extract, limits, respond};
use crate::protocol::params::Params;

fn read(params: &Params) -> Result<(AccessKeyFilter, AccessKeyOrder, PageRequest), Denial> {
    let malformed = |text: &str| Denial::MalformedRequest(text.to_owned());
    let standing = text(params, "status")?
        .map(|word| StandingFilter::parse(word).ok_or("status must be active, inactive, revoked, expired or expiring"));
    let before = text(params, "last_used_before")?.map(|time| {
        let read = DateTime::parse_from_rfc3339(time);
        read.map_err(|_| "last_used_before must be a time such as 2026-01-31T12:00:00Z (RFC 3339)")
    });
    let order = text(params, "sort")?.map(|word| {
        AccessKeyOrder::parse(word)
            .ok_or("sort must be created, name, expires or last_used, with - the other way around")
    });
    let filter = AccessKeyFilter {
        search: text(params, "q")?.and_then(SearchText::parse),
        owner_id: text(params, "owner")?.map(str::to_owned),
        project: text(params, "project")?.map(str::to_owned),
        environment: text(params, "environment")?.map(str::to_owned),
        standing: standing.transpose().map_err(malformed)?,
        last_used_before: before.transpose().map_err(malformed)?.map(|time| time.to_utc()),
        ..AccessKeyFilter::default()
    };
    let order = order.transpose().map_err(malformed)?.unwrap_or_default();
    Ok((filter, order, page(params, |cursor| order.place(cursor).is_some())?))
}

/// A page of access keys. A cursor belongs to the order in which it was given.
#[utoipa::path(get, path = "/v1/access-keys", tag = "access-keys", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("q" = Option<String>, Query, description = "Beginnings of words of the name, masked secret or id, or of the owner's name, all of them"),
    ("sort" = Option<String>, Query, description = "created, name, expires or last_used; -created and so on for the other way around"),
    ("owner" = Option<String>, Query, description = "The owner's id"), ("project" = Option<String>, Query), ("environment" = Option<String>, Query),
    ("status" = Option<String>, Query, description = "active, inactive, revoked, expired, or expiring within 30 days"),
    ("last_used_before" = Option<DateTime<Utc>>, Query, description = "Or never")),
    responses((status = 200, body = Page<AccessKey>), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let known = ["cursor", "limit", "q", "sort", "owner", "project", "environment", "status", "last_used_before"];
    match api.query(&known).and_then(|query| read(&query)) {
        Ok((filter, order, page)) => {
            api.answer(api.run(move |server, caller| access_keys::list(server, caller, &filter, order, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Create an access key; its secret is shown this once.
#[utoipa::path(post, path = "/v1/access-keys", tag = "access-keys", request_body = NewAccessKey,
    responses((status = 201, body = AccessKeyWithSecret), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewAccessKey>(&api.request, payload).await {
        Ok(new) => api.created(
            api.run(move |server, caller| access_keys::create(server, caller, new))
                .await
                .map(|made| (format!("access-keys/{}", made.key.id), made)),
        ),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// One access key.
#[utoipa::path(get, path = "/v1/access-keys/{id}", tag = "access-keys", params(("id" = String, Path)),
    responses((status = 200, body = AccessKey), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn show(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "access key") {
        Ok(id) => api.answer(api.run(move |server, caller| access_keys::show(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Edit an access key: members that are left out stay, an explicit null empties. Environment, owner and secret stay.
#[utoipa::path(patch, path = "/v1/access-keys/{id}", tag = "access-keys", params(("id" = String, Path)), request_body = AccessKeyEdit,
    responses((status = 200, body = AccessKey), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"])))]
pub async fn update(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = extract::name(id, "access key");
    match (read, extract::json::<AccessKeyEdit>(&api.request, payload).await) {
        (Ok(id), Ok(edit)) => {
            api.answer(api.run(move |server, caller| access_keys::update(server, caller, &id, edit)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// The secrets of an access key that work now, without the secrets.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SecretsInUse {
    /// The current one last.
    items: Vec<SecretInUse>,
}

/// Which secrets of an access key work now, and who uses them from where. That you looked is an audit event.
#[utoipa::path(get, path = "/v1/access-keys/{id}/secrets", tag = "access-keys", params(("id" = String, Path)),
    responses((status = 200, body = SecretsInUse), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn secrets(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "access key") {
        Ok(id) => {
            let found = api.run(move |server, caller| access_keys::secrets(server, caller, &id)).await;
            api.answer(found.map(|items| SecretsInUse { items }))
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// How to rotate.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateAccessKey {
    /// For how long the old secret goes on working, in seconds; 0 ends it at once.
    #[serde(default)]
    grace_seconds: u32,
}

/// Give an access key a new secret, shown this once.
#[utoipa::path(post, path = "/v1/access-keys/{id}/rotate", tag = "access-keys", params(("id" = String, Path)), request_body = RotateAccessKey,
    responses((status = 200, body = AccessKeyWithSecret), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"])))]
pub async fn rotate(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = extract::name(id, "access key");
    match (read, extract::json::<RotateAccessKey>(&api.request, payload).await) {
        (Ok(id), Ok(body)) => {
            let grace = body.grace_seconds;
            api.answer(api.run(move |server, caller| access_keys::rotate(server, caller, &id, grace)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// End the grace period of the old secret now.
#[utoipa::path(post, path = "/v1/access-keys/{id}/finish-rotation", tag = "access-keys", params(("id" = String, Path)),
    responses((status = 200, body = AccessKey), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"])))]
pub async fn finish_rotation(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "access key") {
        Ok(id) => api.answer(api.run(move |server, caller| access_keys::finish_rotation(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

async fn set_status(api: Api, id: web::Path<String>, to: Status) -> HttpResponse {
    match extract::name(id, "access key") {
        Ok(id) => api.answer(api.run(move |server, caller| access_keys::set_status(server, caller, &id, to)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Refuse an access key for now.
#[utoipa::path(post, path = "/v1/access-keys/{id}/disable", tag = "access-keys", params(("id" = String, Path)),
    responses((status = 200, body = AccessKey), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"]), ("bearer" = ["credentials:disable"])))]
pub async fn disable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Inactive).await
}

/// Take a disabled access key back.
#[utoipa::path(post, path = "/v1/access-keys/{id}/enable", tag = "access-keys", params(("id" = String, Path)),
    responses((status = 200, body = AccessKey), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"])))]
pub async fn enable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Active).await
}

/// Refuse an access key for good.
#[utoipa::path(post, path = "/v1/access-keys/{id}/revoke", tag = "access-keys", params(("id" = String, Path)),
    responses((status = 200, body = AccessKey), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"])))]
pub async fn revoke(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Revoked).await
}

/// Delete an access key for good; its name must be repeated.
#[utoipa::path(delete, path = "/v1/access-keys/{id}", tag = "access-keys", params(("id" = String, Path), ("name" = String, Query, description = "The name of the key, repeated")),
    responses((status = 204, description = "Deleted"), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:write"])))]
pub async fn delete(api: Api, id: web::Path<String>) -> HttpResponse {
    match (extract::name(id, "access key"), api.repeated_name()) {
        (Ok(id), Ok(name)) => {
            api.deleted(api.run(move |server, caller| access_keys::delete(server, caller, &id, &name)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// A leaked secret. No `Debug`.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeakReport {
    /// The access key as it was found.
    secret: String,
}

/// What a report is answered, whatever was reported.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LeakReported {
    /// What has happened.
    detail: &'static str,
}

/// Report an access key that you have found where it should not be: it is revoked. The answer is the same whether or not it
/// exists. Needs no authentication: whoever holds a key may end it.
#[utoipa::path(post, path = "/v1/access-keys/report-leak", tag = "access-keys", request_body = LeakReport, security(()),
    responses((status = 202, body = LeakReported), (status = "4XX", body = Problem)))]
pub async fn report_leak(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    if let Err(error) = limits::check(&request, &server, &edge, Door::LeakReport).await {
        return api_error(&server, error);
    }
    let secret = match extract::json::<LeakReport>(&request, payload).await {
        Ok(report) => Zeroizing::new(report.secret),
        Err(denial) => return api_error(&server, denial.into()),
    };
    let source = extract::source(&request, &edge);
    match run(&server, move |server| access_keys::report_leak(server, &secret, source)).await {
        Ok(()) => {
            let detail = "thank you: if this is an access key of this server, it works no longer";
            let mut response = respond::no_store_json(&LeakReported { detail });
            *response.status_mut() = actix_web::http::StatusCode::ACCEPTED;
            response
        }
        Err(error) => api_error(&server, error),
    }
}
