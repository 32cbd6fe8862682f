//! The metadata document (RFC 8414, OpenID Connect Discovery 1.0) and the origins that browsers may call from.

use crate::domain::registration::RegistrationMode;
use crate::domain::role::ADMIN_API_SCOPES;
use crate::domain::standard_claims::STANDARD_CLAIMS;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::protocol::client_assertion::AssertionAlg;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::id_token::ACR_PASSWORD;
use crate::protocol::metadata::{AuthorizationServerMetadata, LogoutMetadata, OpenIdProviderMetadata, UI_LOCALES};
use crate::protocol::origin::Origin;
use crate::protocol::pkce::S256;
use crate::protocol::resource_metadata::ProtectedResourceMetadata;
use crate::protocol::response_mode::ResponseMode;

const TOKEN: &str = "/oauth/token";
const REVOCATION: &str = "/oauth/revoke";
const INTROSPECTION: &str = "/oauth/introspect";
const PUSHED_REQUESTS: &str = "/oauth/par";
const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";

/// The metadata of this server. Scopes of the admin API are not advertised: RFC 8414 §2 lets a server leave some out.
pub fn metadata(server: &Server) -> AuthorizationServerMetadata {
    let defined = server.scopes();
    let public = defined.iter().filter(|scope| !scope.privileged);
    let mut scopes_supported: Vec<_> = public.map(|scope| scope.name.clone()).collect();
    scopes_supported.sort_unstable();
    let issuer = server.config.server.issuer.clone();
    let at = |path: &str| format!("{issuer}{path}");
    let algs: Vec<_> = AssertionAlg::ALL.into_iter().map(AssertionAlg::as_str).collect();
    let confidential: Vec<_> = ClientAuthMethod::ALL
        .into_iter()
        .filter(|method| *method != ClientAuthMethod::None)
        .map(ClientAuthMethod::as_str)
        .collect();
    let every: Vec<_> = ClientAuthMethod::ALL.into_iter().map(ClientAuthMethod::as_str).collect();
    AuthorizationServerMetadata {
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: at(TOKEN),
        jwks_uri: at("/.well-known/jwks.json"),
        scopes_supported,
        response_types_supported: vec!["code"],
        response_modes_supported: ResponseMode::ALL.into_iter().map(ResponseMode::as_str).collect(),
        grant_types_supported: GrantType::ALL.into_iter().map(GrantType::as_str).collect(),
        token_endpoint_auth_methods_supported: every.clone(),
        registration_endpoint: (server.config.registration.mode != RegistrationMode::Closed)
            .then(|| at("/oauth/register")),
        revocation_endpoint: at(REVOCATION),
        revocation_endpoint_auth_methods_supported: every,
        introspection_endpoint: at(INTROSPECTION),
        introspection_endpoint_auth_methods_supported: confidential,
        introspection_endpoint_auth_signing_alg_values_supported: algs.clone(),
        revocation_endpoint_auth_signing_alg_values_supported: algs.clone(),
        token_endpoint_auth_signing_alg_values_supported: algs,
        pushed_authorization_request_endpoint: at(PUSHED_REQUESTS),
        require_pushed_authorization_requests: server.config.authorization.require_pushed_authorization_requests,
        device_authorization_endpoint: at(DEVICE_AUTHORIZATION),
        code_challenge_methods_supported: vec![S256],
        authorization_response_iss_parameter_supported: true,
        service_documentation: None,
        openid: openid_metadata(server),
        logout: LogoutMetadata {
            end_session_endpoint: at("/logout"),
            frontchannel_logout_supported: true,
            frontchannel_logout_session_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
        },
        issuer,
    }
}

/// The claims of ID tokens and userinfo answers that are not about the person.
const PROTOCOL_CLAIMS: [&str; 11] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"];

fn openid_metadata(server: &Server) -> OpenIdProviderMetadata {
    let issuer = &server.config.server.issuer;
    let algorithms: Vec<_> = server.config.signing_keys.algorithms.iter().map(|alg| alg.as_str()).collect();
    OpenIdProviderMetadata {
        userinfo_endpoint: format!("{issuer}/oauth/userinfo"),
        subject_types_supported: ["public", "pairwise"],
        id_token_signing_alg_values_supported: algorithms.clone(),
        userinfo_signing_alg_values_supported: algorithms.clone(),
        request_object_signing_alg_values_supported: algorithms,
        acr_values_supported: [ACR_PASSWORD],
        display_values_supported: ["page"],
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        claim_types_supported: ["normal"],
        claims_supported: PROTOCOL_CLAIMS.into_iter().chain(STANDARD_CLAIMS.map(|(name, _)| name)).collect(),
        ui_locales_supported: UI_LOCALES,
        claims_parameter_supported: true,
        request_parameter_supported: false,
        // Absent would mean true (Discovery 1.0 §3).
        request_uri_parameter_supported: false,
        require_request_uri_registration: false,
    }
}

/// The endpoints at which clients authenticate: what an assertion may name as its audience, where the client is registered
/// for more than the issuer.
pub fn client_endpoints(server: &Server) -> Vec<String> {
    let issuer = &server.config.server.issuer;
    let paths = [TOKEN, REVOCATION, INTROSPECTION, PUSHED_REQUESTS, DEVICE_AUTHORIZATION];
    paths.into_iter().map(|path| format!("{issuer}{path}")).collect()
}

/// The metadata of the admin API as a protected resource (RFC 9728 §2).
pub fn admin_api_metadata(server: &Server) -> ProtectedResourceMetadata {
    ProtectedResourceMetadata {
        resource: server.admin_resource.as_str().to_owned(),
        authorization_servers: vec![server.config.server.issuer.clone()],
        scopes_supported: ADMIN_API_SCOPES.into_iter().map(|(name, _)| name).collect(),
        bearer_methods_supported: vec!["header"],
        resource_name: "grantor admin API",
    }
}

/// Where that is found: RFC 9728 §3.1 puts the well-known part between host and path of the resource. None where the
/// configured resource is not at the host of this server.
pub fn admin_api_metadata_url(server: &Server) -> Option<String> {
    let path = server.config.admin_resource_metadata_path()?;
    Some(format!("{}{path}", server.config.issuer_origin()))
}

/// May a page of this origin call the endpoints that answer to CORS? Only where an active client or workflow names it.
pub fn is_origin_allowed(server: &Server, origin: &str) -> FlowResult<bool> {
    if Origin::parse(origin).is_err() {
        return Ok(false);
    }
    Ok(server
        .store
        .read(|connection| Ok(connection.is_origin_registered(origin)? || connection.is_workflow_origin(origin)?))?)
}
