//! `/v1/clients`

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::domain::client::{Client, Status};
use crate::domain::client_list::{ClientFilter, ClientOrder, ClientType};
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::ListFilter;
use crate::flows::clients::{self, ClientMembers, ClientSecretInUse, ClientWithSecret};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, search_page, text};
use crate::http::extract;
use crate::protocol::grant_type::GrantType;
use crate::protocol::params::Params;

fn read(params: &Params) -> Result<(ClientFilter, ClientOrder, PageRequest), Denial> {
    let malformed = |text: &str| Denial::MalformedRequest(text.to_owned());
    let order = text(params, "sort")?.map(|word| {
        ClientOrder::parse(word)
            .ok_or("sort must be client_id, name, created or last_used, with - the other way around")
    });
    let order = order.transpose().map_err(malformed)?.unwrap_or_default();
    let client_type =
        text(params, "type")?.map(|word| ClientType::parse(word).ok_or("type must be public or confidential"));
    let grant = text(params, "grant")?.map(|word| GrantType::parse(word).ok_or("grant must be a grant_type"));
    let (ListFilter { search, status }, page) = search_page(params, |cursor| order.place(cursor).is_some())?;
    let client_type = client_type.transpose().map_err(malformed)?;
    Ok((ClientFilter { search, status, client_type, grant: grant.transpose().map_err(malformed)? }, order, page))
}

/// A page of clients. A cursor belongs to the order in which it was given.
#[utoipa::path(get, path = "/v1/clients", tag = "clients", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("q" = Option<String>, Query, description = "Beginnings of words of the name or identifier, all of them"), ("status" = Option<Status>, Query),
    ("sort" = Option<String>, Query, description = "client_id, name, created or last_used; -name and so on for the other way around"),
    ("type" = Option<String>, Query, description = "public or confidential"), ("grant" = Option<String>, Query, description = "A grant_type that it may use")),
    responses((status = 200, body = Page<Client>), (status = "4XX", body = Problem)), security(("bearer" = ["clients:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let known = ["cursor", "limit", "q", "status", "sort", "type", "grant"];
    match api.query(&known).and_then(|query| read(&query)) {
        Ok((filter, order, page)) => {
            api.answer(api.run(move |server, caller| clients::list(server, caller, &filter, order, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Register a client; its secret is shown this once.
#[utoipa::path(post, path = "/v1/clients", tag = "clients", request_body = ClientMembers,
    responses((status = 201, body = ClientWithSecret), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<ClientMembers>(&api.request, payload).await {
        Ok(members) => api.created(
            api.run(move |server, caller| clients::create(server, caller, members))
                .await
                .map(|made| (format!("clients/{}", made.client.client_id), made)),
        ),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// One client.
#[utoipa::path(get, path = "/v1/clients/{client_id}", tag = "clients", params(("client_id" = String, Path)),
    responses((status = 200, body = Client), (status = "4XX", body = Problem)), security(("bearer" = ["clients:read"])))]
pub async fn show(api: Api, client_id: web::Path<String>) -> HttpResponse {
    match extract::name(client_id, "client") {
        Ok(id) => api.answer(api.run(move |server, caller| clients::show(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Edit a client: members that are left out stay.
#[utoipa::path(patch, path = "/v1/clients/{client_id}", tag = "clients", params(("client_id" = String, Path)), request_body = ClientMembers,
    responses((status = 200, body = Client), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn update(api: Api, client_id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = extract::name(client_id, "client");
    match (read, extract::json::<ClientMembers>(&api.request, payload).await) {
        (Ok(id), Ok(members)) => {
            api.answer(api.run(move |server, caller| clients::update(server, caller, &id, members)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// How to rotate a secret.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// For how long the current secret goes on working, in seconds; 0 ends it at once.
    #[serde(default)]
    grace_seconds: u32,
}

/// Give a client a new secret, shown this once.
#[utoipa::path(post, path = "/v1/clients/{client_id}/rotate-secret", tag = "clients", params(("client_id" = String, Path)), request_body = RotateSecret,
    responses((status = 200, body = ClientWithSecret), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn rotate_secret(api: Api, client_id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = extract::name(client_id, "client");
    match (read, extract::json::<RotateSecret>(&api.request, payload).await) {
        (Ok(id), Ok(body)) => api.answer(
            api.run(move |server, caller| clients::rotate_secret(server, caller, &id, body.grace_seconds)).await,
        ),
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// The secrets that work now: who still uses the old one, and from where. Reading them is audited.
#[utoipa::path(get, path = "/v1/clients/{client_id}/secrets", tag = "clients", params(("client_id" = String, Path)),
    responses((status = 200, body = Vec<ClientSecretInUse>), (status = "4XX", body = Problem)), security(("bearer" = ["clients:read"])))]
pub async fn secrets(api: Api, client_id: web::Path<String>) -> HttpResponse {
    match extract::name(client_id, "client") {
        Ok(id) => api.answer(api.run(move |server, caller| clients::list_secrets(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// End the grace period now: only the current secret works from here on.
#[utoipa::path(post, path = "/v1/clients/{client_id}/finish-rotation", tag = "clients", params(("client_id" = String, Path)),
    responses((status = 200, body = Client), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn finish_rotation(api: Api, client_id: web::Path<String>) -> HttpResponse {
    match extract::name(client_id, "client") {
        Ok(id) => api.answer(api.run(move |server, caller| clients::finish_rotation(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

async fn set_status(api: Api, client_id: web::Path<String>, to: Status) -> HttpResponse {
    match extract::name(client_id, "client") {
        Ok(id) => api.answer(api.run(move |server, caller| clients::set_status(server, caller, &id, to)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Refuse a client for now.
#[utoipa::path(post, path = "/v1/clients/{client_id}/disable", tag = "clients", params(("client_id" = String, Path)),
    responses((status = 200, body = Client), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"]), ("bearer" = ["credentials:disable"])))]
pub async fn disable(api: Api, client_id: web::Path<String>) -> HttpResponse {
    set_status(api, client_id, Status::Inactive).await
}

/// Take a disabled client back.
#[utoipa::path(post, path = "/v1/clients/{client_id}/enable", tag = "clients", params(("client_id" = String, Path)),
    responses((status = 200, body = Client), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn enable(api: Api, client_id: web::Path<String>) -> HttpResponse {
    set_status(api, client_id, Status::Active).await
}

/// Refuse a client for good.
#[utoipa::path(post, path = "/v1/clients/{client_id}/revoke", tag = "clients", params(("client_id" = String, Path)),
    responses((status = 200, body = Client), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn revoke(api: Api, client_id: web::Path<String>) -> HttpResponse {
    set_status(api, client_id, Status::Revoked).await
}

/// Delete a client for good, with all that it was given; its name must be repeated, and its client_id is never used again.
#[utoipa::path(delete, path = "/v1/clients/{client_id}", tag = "clients", params(("client_id" = String, Path), ("name" = String, Query, description = "The client_name, repeated")),
    responses((status = 204, description = "Deleted"), (status = "4XX", body = Problem)), security(("bearer" = ["clients:write"])))]
pub async fn delete(api: Api, client_id: web::Path<String>) -> HttpResponse {
    match (extract::name(client_id, "client"), api.repeated_name()) {
        (Ok(id), Ok(name)) => {
            api.deleted(api.run(move |server, caller| clients::delete(server, caller, &id, &name)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}
