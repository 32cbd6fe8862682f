//! `/v1/signing-keys`

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::domain::signing_key::{SigningKey, SigningKeyState};
use crate::flows::signing_keys::{self, RotationMode};
use crate::http::api::Api;
use crate::http::api::openapi::Problem;
use crate::http::extract;
use crate::protocol::signing_alg::SigningAlg;

/// A signing key with its state.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SigningKeyView {
    state: SigningKeyState,
    #[serde(flatten)]
    key: SigningKey,
}

/// Every signing key, newest first; never more than a few.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SigningKeyList {
    items: Vec<SigningKeyView>,
}

/// Every signing key.
#[utoipa::path(get, path = "/v1/signing-keys", tag = "signing keys",
    responses((status = 200, body = SigningKeyList), (status = "4XX", body = Problem)), security(("bearer" = ["signing-keys:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let listed = match api.query(&[]) {
        Ok(_) => api.run(signing_keys::list).await,
        Err(denial) => Err(denial.into()),
    };
    let view = |(key, state)| SigningKeyView { state, key };
    api.answer(listed.map(|keys| SigningKeyList { items: keys.into_iter().map(view).collect() }))
}

/// When the new key takes over.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Published now, signing once every cache has it.
    #[default]
    Scheduled,
    /// Signing now.
    AtOnce,
    /// Signing now; old keys and all that they signed are refused from here on.
    Compromised,
}

/// How to rotate.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    #[serde(default)]
    mode: Mode,
    /// The algorithm whose key is replaced.
    #[serde(default)]
    alg: SigningAlg,
}

/// Make a new signing key.
#[utoipa::path(post, path = "/v1/signing-keys/rotate", tag = "signing keys", request_body = Rotate,
    responses((status = 200, body = SigningKey), (status = "4XX", body = Problem)), security(("bearer" = ["signing-keys:write"])))]
pub async fn rotate(api: Api, payload: web::Payload) -> HttpResponse {
    let body = match extract::json::<Rotate>(&api.request, payload).await {
        Ok(body) => body,
        Err(denial) => return api.unreadable(denial).await,
    };
    let mode = match body.mode {
        Mode::Scheduled => RotationMode::Scheduled,
        Mode::AtOnce => RotationMode::AtOnce,
        Mode::Compromised => RotationMode::Compromised,
    };
    api.answer(api.run(move |server, caller| signing_keys::rotate(server, caller, mode, body.alg)).await)
}
