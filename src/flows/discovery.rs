//! The metadata document (RFC 8414) and the origins that browsers may call from.

use crate::domain::role::ADMIN_API_SCOPES;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::protocol::client_assertion::AssertionAlg;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::metadata::AuthorizationServerMetadata;
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
        issuer,
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
