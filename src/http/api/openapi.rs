//! `/v1/openapi.json`: OpenAPI 3.1, generated from the handlers and types.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::crypto::etag::etag;
use crate::flows::Server;
use crate::http::api::{
    access_keys, alerts, audit_checkpoints, audit_events, audit_verifications, clients, configured, explain,
    logout_deliveries, overview, projects, registration_tokens, revoked_tokens, scopes, service_accounts, sessions,
    signing_keys, usage, user_grants, users, verify, workflows,
};
use crate::http::oauth::{device_authorization, introspect, par, register, revoke, token, userinfo};
use crate::http::{forward_auth, respond};

/// A problem (RFC 9457).
#[derive(Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[schema(rename = "type")]
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// The word to switch on.
    code: String,
    /// A sentence for whoever reads it.
    detail: String,
}

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT or access key");
        let scheme = scheme
            .description(Some("An access token of this server, or an access key, whose audience is the admin API."));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic);
        let basic = basic.description(Some("client_id and client_secret of a client that may introspect."));
        components.add_security_scheme("client", SecurityScheme::Http(basic.build()));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "grantor API", description = "Clients, users, access keys, verification, usage, scopes, signing keys, audit and alerts of an authorization server."),
    paths(
        clients::list, clients::create, clients::show, clients::update, clients::rotate_secret, clients::secrets,
        clients::finish_rotation, clients::disable,
        clients::enable, clients::revoke, clients::delete, users::list, users::create, users::show, users::update, users::set_password,
        alerts::list, alerts::list_deliveries, alerts::resend, alerts::test, audit_checkpoints::list,
        audit_events::export, audit_events::list, audit_verifications::list, audit_verifications::state,
        audit_verifications::verify, explain::ask, explain::list, explain::show, logout_deliveries::list,
        overview::show, revoked_tokens::list, scopes::create, scopes::delete, scopes::list, scopes::show,
        scopes::update, sessions::end, sessions::end_all, sessions::list, sessions::list_of_user,
        signing_keys::list, signing_keys::rotate, usage::of_access_key, usage::of_client, usage::report,
        user_grants::disconnect, user_grants::list_apps, user_grants::list_tokens, user_grants::revoke_token,
        users::disable, users::enable, verify::verify, verify::verify_batch,
        workflows::list, workflows::create, workflows::show, workflows::update, workflows::authorize,
        workflows::invalidate, workflows::disable, workflows::enable, workflows::revoke,
        access_keys::list, access_keys::create, access_keys::show, access_keys::update, access_keys::secrets,
        access_keys::rotate, access_keys::finish_rotation, access_keys::disable, access_keys::enable,
        access_keys::revoke, access_keys::delete, access_keys::report_leak,
        service_accounts::list, service_accounts::create, service_accounts::show, service_accounts::update,
        service_accounts::disable, service_accounts::enable, service_accounts::revoke,
        projects::list, projects::create, projects::show, projects::update, projects::delete,
        configured::list_environments, configured::list_plans,
        registration_tokens::list, registration_tokens::create, registration_tokens::revoke,
        register::register, register::show, register::update, register::delete,
        token::exchange, introspect::introspect, revoke::revoke, par::push, device_authorization::authorize,
        userinfo::show, userinfo::submit, forward_auth::ask,
    ),
    modifiers(&Bearer)
)]
struct Document;

/// The document as JSON.
pub fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| Document::openapi().to_json().unwrap_or_else(|_| "{}".to_owned()));
    &TEXT
}

/// The document. It is public: it says nothing that this source does not.
pub async fn show(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    let body = document();
    respond::document(&request, body, &etag(body.as_bytes()), server.config.signing_keys.jwks_max_age.as_secs())
}
