//! The metadata document (RFC 8414, OpenID Connect Discovery 1.0) and the origins that browsers may call from.

use crate::domain::standard_claims::STANDARD_CLAIMS;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::id_token::ACR_PASSWORD;
use crate::protocol::metadata::{AuthorizationServerMetadata, LogoutMetadata, OpenIdProviderMetadata};
use crate::protocol::origin::Origin;
use crate::protocol::pkce::S256;
use crate::protocol::response_mode::ResponseMode;
use crate::protocol::signing_alg::SigningAlg;

/// The metadata of this server. Scopes of the admin API are not advertised: RFC 8414 §2 lets a server leave some out.
pub fn metadata(server: &Server) -> AuthorizationServerMetadata {
    let defined = server.scopes();
    let public = defined.iter().filter(|scope| !scope.privileged);
    let mut scopes_supported: Vec<_> = public.map(|scope| scope.name.clone()).collect();
    scopes_supported.sort_unstable();
    let issuer = server.config.server.issuer.clone();
    let at = |path: &str| format!("{issuer}{path}");
    let with_secret: Vec<_> = ClientAuthMethod::ALL
        .into_iter()
        .filter(|method| *method != ClientAuthMethod::None)
        .map(ClientAuthMethod::as_str)
        .collect();
    let every: Vec<_> = ClientAuthMethod::ALL.into_iter().map(ClientAuthMethod::as_str).collect();
    AuthorizationServerMetadata {
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: at("/oauth/token"),
        jwks_uri: at("/.well-known/jwks.json"),
        scopes_supported,
        response_types_supported: vec!["code"],
        response_modes_supported: ResponseMode::ALL.into_iter().map(ResponseMode::as_str).collect(),
        grant_types_supported: GrantType::ALL.into_iter().map(GrantType::as_str).collect(),
        token_endpoint_auth_methods_supported: every.clone(),
        revocation_endpoint: at("/oauth/revoke"),
        revocation_endpoint_auth_methods_supported: every,
        introspection_endpoint: at("/oauth/introspect"),
        introspection_endpoint_auth_methods_supported: with_secret,
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
        ui_locales_supported: ["en"],
        claims_parameter_supported: true,
        request_parameter_supported: false,
        // Absent would mean true (Discovery 1.0 §3).
        request_uri_parameter_supported: false,
        require_request_uri_registration: false,
    }
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
