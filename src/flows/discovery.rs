//! The metadata document (RFC 8414) and the origins that browsers may call from.

use crate::domain::registration::RegistrationMode;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::metadata::AuthorizationServerMetadata;
use crate::protocol::origin::Origin;
use crate::protocol::pkce::S256;
use crate::protocol::response_mode::ResponseMode;

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
        registration_endpoint: (server.config.registration.mode != RegistrationMode::Closed)
            .then(|| at("/oauth/register")),
        revocation_endpoint: at("/oauth/revoke"),
        revocation_endpoint_auth_methods_supported: every,
        introspection_endpoint: at("/oauth/introspect"),
        introspection_endpoint_auth_methods_supported: with_secret,
        code_challenge_methods_supported: vec![S256],
        authorization_response_iss_parameter_supported: true,
        service_documentation: None,
        issuer,
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
