//! Authorization server metadata (RFC 8414 §2, RFC 9207 §3, RFC 9126 §5, RFC 8628 §4) and OpenID provider metadata (Discovery
//! 1.0 §3), which are one document. Only registered member names.

use serde::Serialize;

/// The languages of the pages (BCP 47), the default first.
pub const UI_LOCALES: [&str; 2] = ["en", "de"];

/// The metadata document.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "each member is named and defined by RFC 8414 §2 or the RFC that registered it")]
pub struct AuthorizationServerMetadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    pub response_types_supported: Vec<&'static str>,
    pub response_modes_supported: Vec<&'static str>,
    pub grant_types_supported: Vec<&'static str>,
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    pub revocation_endpoint: String,
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_endpoint: String,
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub pushed_authorization_request_endpoint: String,
    pub require_pushed_authorization_requests: bool,
    pub device_authorization_endpoint: String,
    pub code_challenge_methods_supported: Vec<&'static str>,
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
    #[serde(flatten)]
    pub openid: OpenIdProviderMetadata,
    #[serde(flatten)]
    pub logout: LogoutMetadata,
}

/// What OpenID Connect adds.
#[derive(Debug, Serialize)]
#[allow(
    missing_docs,
    reason = "each member is named and defined by OpenID Connect Discovery 1.0 §3; prompt_values_supported by Prompt Create 1.0 §4.1"
)]
pub struct OpenIdProviderMetadata {
    pub userinfo_endpoint: String,
    pub subject_types_supported: [&'static str; 2],
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    pub userinfo_signing_alg_values_supported: Vec<&'static str>,
    pub request_object_signing_alg_values_supported: Vec<&'static str>,
    pub acr_values_supported: [&'static str; 1],
    pub display_values_supported: [&'static str; 1],
    pub prompt_values_supported: [&'static str; 4],
    pub claim_types_supported: [&'static str; 1],
    pub claims_supported: Vec<&'static str>,
    pub ui_locales_supported: [&'static str; 2],
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub require_request_uri_registration: bool,
}

/// What the three logout specifications of OpenID Connect add.
#[derive(Debug, Serialize)]
#[allow(
    missing_docs,
    reason = "RP-Initiated Logout §2.1, Front-Channel Logout §3 and Back-Channel Logout §2.1 define them"
)]
pub struct LogoutMetadata {
    pub end_session_endpoint: String,
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
}
