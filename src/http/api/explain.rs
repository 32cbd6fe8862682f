//! `/v1/explain` and `/v1/refusals`: why was this refused?

use std::net::IpAddr;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::crypto::random::is_id;
use crate::domain::denial::Denial;
use crate::domain::page::Page;
use crate::flows::explain::{self, Explained, Hypothetical, Named};
use crate::flows::member::not_null;
use crate::flows::refusals::{self, ExplainedRefusal};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, page};
use crate::http::extract;
use crate::protocol::params::Params;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// What is asked about. No `Debug`: it may hold a credential.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// An access key or access token.
    #[serde(default, deserialize_with = "not_null")]
    credential: Option<String>,
    /// Instead of it, an access key's id, a client_id, or what is shown of an access key.
    #[serde(default, deserialize_with = "not_null")]
    credential_id: Option<String>,
    /// The scopes of the request that might be made.
    #[serde(default)]
    scope: String,
    /// Its end client's address.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
    /// Its project.
    #[serde(default)]
    project: Option<String>,
    /// The environment of the door.
    #[serde(default)]
    environment: Option<String>,
    /// The audience.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    audience: Option<Resource>,
}

impl Asked {
    fn read(self) -> Result<(Named, Hypothetical), Denial> {
        let named = match (self.credential, self.credential_id) {
            (Some(secret), None) => Named::Secret(Zeroizing::new(secret.trim().to_owned())),
            (None, Some(id)) => Named::Id(id),
            _ => return Err(Denial::InvalidMember("send credential or credential_id, and not both".to_owned())),
        };
        let scope = Scope::parse(&self.scope).map_err(|error| Denial::InvalidMember(error.to_string()))?;
        let Self { address, project, environment, audience, .. } = self;
        Ok((named, Hypothetical { environment, address, audience, scope, project }))
    }
}

enum Question {
    Request(String),
    Credential(Named, Box<Hypothetical>),
}

fn text(params: &Params, name: &'static str) -> Result<Option<String>, Denial> {
    let malformed = |text: String| Denial::MalformedRequest(text);
    let read = params.optional(name).map_err(|error| malformed(error.to_string()))?;
    match read {
        Some(text) if text.contains('\0') => Err(malformed(format!("{name} holds a NUL"))),
        read => Ok(read.map(str::to_owned)),
    }
}

/// The request that might be made.
pub fn hypothetical(params: &Params) -> Result<Hypothetical, Denial> {
    let malformed = |text: String| Denial::MalformedRequest(text);
    let text = |name| text(params, name);
    Ok(Hypothetical {
        environment: text("environment")?,
        address: text("address")?
            .map(|address| address.parse())
            .transpose()
            .map_err(|_| malformed("address must be one IP address".to_owned()))?,
        audience: text("audience")?
            .map(|audience| Resource::parse(&audience))
            .transpose()
            .map_err(|error| malformed(error.to_string()))?,
        scope: Scope::parse(&text("scope")?.unwrap_or_default()).map_err(|error| malformed(error.to_string()))?,
        project: text("project")?,
    })
}

fn read(params: &Params) -> Result<Question, Denial> {
    match (text(params, "request_id")?, text(params, "credential_id")?) {
        (Some(request), None) => Ok(Question::Request(request)),
        (None, Some(id)) => Ok(Question::Credential(Named::Id(id), Box::new(hypothetical(params)?))),
        _ => Err(Denial::MalformedRequest("send request_id or credential_id, and not both".to_owned())),
    }
}

/// Why a request was refused, or what a door would say of a credential.
#[utoipa::path(get, path = "/v1/explain", tag = "verification",
    description = "By `request_id` (`X-Request-Id` of the refusal): what was refused and at which question; needs `access-keys:read`, and \
        is kept for some days, of a flood only a sample. By `credential_id`: every question of the verdict with its answer, for the request that the other \
        parameters make up; needs `access-keys:read` or `clients:read`. Nothing is counted.",
    params(("request_id" = Option<String>, Query), ("credential_id" = Option<String>, Query), ("scope" = Option<String>, Query), ("address" = Option<String>, Query),
    ("project" = Option<String>, Query), ("environment" = Option<String>, Query), ("audience" = Option<String>, Query)),
    responses((status = 200, body = Explained), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn show(api: Api) -> HttpResponse {
    let known = ["request_id", "credential_id", "scope", "address", "project", "environment", "audience"];
    match api.query(&known).and_then(|query| read(&query)) {
        Ok(Question::Request(id)) => {
            api.answer(api.run(move |server, caller| explain::explain_request(server, caller, &id)).await)
        }
        Ok(Question::Credential(named, asked)) => {
            api.answer(api.run(move |server, caller| explain::explain(server, caller, named, &asked)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// The same for a credential that is secret: it does not belong into an address.
#[utoipa::path(post, path = "/v1/explain", tag = "verification", request_body = Asked,
    responses((status = 200, body = Explained), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn ask(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<Asked>(&api.request, payload).await.and_then(Asked::read) {
        Ok((named, asked)) => {
            api.answer(api.run(move |server, caller| explain::explain(server, caller, named, &asked)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// A page of refusals, newest first: a sample.
#[utoipa::path(get, path = "/v1/refusals", tag = "verification",
    params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query), ("credential_id" = Option<String>, Query)),
    responses((status = 200, body = Page<ExplainedRefusal>), (status = "4XX", body = Problem)), security(("bearer" = ["access-keys:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let read = |params: Params| {
        let credential = params.optional("credential_id");
        let credential = credential.map_err(|error| Denial::MalformedRequest(error.to_string()))?;
        Ok((credential.map(str::to_owned), page(&params, is_id)?))
    };
    match api.query(&["cursor", "limit", "credential_id"]).and_then(read) {
        Ok((credential, page)) => api
            .answer(api.run(move |server, caller| refusals::list(server, caller, credential.as_deref(), &page)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}
