//! The forms and errors of the OAuth endpoints, for the OpenAPI document: the requests themselves are read by `protocol`.

use serde::Serialize;

use crate::domain::client_metadata::ClientMetadata;

/// An error of the token, introspection and revocation endpoints (RFC 6749 §5.2).
#[derive(Serialize, utoipa::ToSchema)]
pub struct OAuthError {
    /// The code that the RFC names.
    error: String,
    /// A sentence for whoever develops the client.
    error_description: String,
}

/// What a token request may say (RFC 6749 §4, RFC 7636 §4.5, RFC 8693 §2.1, RFC 8707 §2.2). Each grant takes its own.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TokenForm {
    /// The grant.
    grant_type: String,
    /// The client, where it does not authenticate with Basic.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<String>,
    /// Instead of it, `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` ...
    client_assertion_type: Option<String>,
    /// ... with an assertion (RFC 7523 §2.2).
    client_assertion: Option<String>,
    /// The code of `authorization_code`.
    code: Option<String>,
    /// The redirect URI of the authorization request.
    redirect_uri: Option<String>,
    /// The PKCE verifier.
    code_verifier: Option<String>,
    /// The token of `refresh_token`.
    refresh_token: Option<String>,
    /// The user of `password`.
    username: Option<String>,
    /// The password of `password`.
    password: Option<String>,
    /// The code of `urn:ietf:params:oauth:grant-type:device_code`.
    device_code: Option<String>,
    /// The access key of token exchange.
    subject_token: Option<String>,
    /// What kind of token that is.
    subject_token_type: Option<String>,
    /// The workflow of `urn:grantor:params:oauth:grant-type:workflow`.
    workflow_id: Option<String>,
    /// The wanted scope.
    scope: Option<String>,
    /// The wanted audience; may be repeated.
    resource: Option<Vec<String>>,
}

/// What an introspection or revocation request says (RFC 7662 §2.1, RFC 7009 §2.1).
#[derive(Serialize, utoipa::ToSchema)]
pub struct TokenParameterForm {
    /// The token, or access key.
    token: String,
    /// `access_token` or `refresh_token`; only a hint.
    token_type_hint: Option<String>,
    /// The client, where it does not authenticate with Basic.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<String>,
    /// Instead of it, `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` ...
    client_assertion_type: Option<String>,
    /// ... with an assertion (RFC 7523 §2.2).
    client_assertion: Option<String>,
}

/// What a pushed authorization request says (RFC 9126 §2.1): every parameter of the authorization endpoint but `request_uri`.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PushedAuthorizationForm {
    /// `code`.
    response_type: String,
    /// The client, where it does not authenticate with Basic.
    client_id: Option<String>,
    /// Where it wants the answer.
    redirect_uri: Option<String>,
    /// The wanted scope.
    scope: Option<String>,
    /// Echoed with the answer.
    state: Option<String>,
    /// The PKCE challenge.
    code_challenge: Option<String>,
    /// `S256`.
    code_challenge_method: Option<String>,
    /// The wanted audience; may be repeated.
    resource: Option<Vec<String>>,
    /// Its secret.
    client_secret: Option<String>,
    /// Instead of it, `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` ...
    client_assertion_type: Option<String>,
    /// ... with an assertion (RFC 7523 §2.2).
    client_assertion: Option<String>,
}

/// What a device asks for (RFC 8628 §3.1).
#[derive(Serialize, utoipa::ToSchema)]
pub struct DeviceAuthorizationForm {
    /// The client, where it does not authenticate with Basic.
    client_id: Option<String>,
    /// The wanted scope.
    scope: Option<String>,
    /// The wanted audience; may be repeated.
    resource: Option<Vec<String>>,
    /// Its secret.
    client_secret: Option<String>,
    /// Instead of it, `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` ...
    client_assertion_type: Option<String>,
    /// ... with an assertion (RFC 7523 §2.2).
    client_assertion: Option<String>,
}

/// What a userinfo request may say (RFC 6750 §2.2).
#[derive(Serialize, utoipa::ToSchema)]
pub struct AccessTokenForm {
    /// The access token, where it is not in the header.
    access_token: Option<String>,
}

/// The claims of a userinfo answer (OpenID Connect Core §5.3.2): `sub`, and of the standard claims those that are granted
/// and known.
#[derive(Serialize, utoipa::ToSchema)]
pub struct UserInfoClaims {
    /// The subject, as in the ID token.
    sub: String,
    /// The standard claims.
    #[serde(flatten)]
    claims: std::collections::BTreeMap<String, serde_json::Value>,
}

/// What a client may say of itself (RFC 7591 §2, OpenID Connect Registration §2). Others are ignored.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ClientRegistrationRequest {
    /// Where it is answered.
    redirect_uris: Option<Vec<String>>,
    /// For people.
    client_name: Option<String>,
    /// How it authenticates; `client_secret_basic` where absent.
    token_endpoint_auth_method: Option<String>,
    /// The grants it uses; `authorization_code` where absent.
    grant_types: Option<Vec<String>>,
    /// `code`.
    response_types: Option<Vec<String>>,
    /// The scope it may ask for.
    scope: Option<String>,
    /// For an update: which client it is.
    client_id: Option<String>,
    /// What OpenID Connect and other specifications add.
    #[serde(flatten)]
    metadata: ClientMetadata,
}

/// A registered client (RFC 7591 §3.2.1, RFC 7592 §3).
#[derive(Serialize, utoipa::ToSchema)]
pub struct ClientInformation {
    /// Its identifier.
    client_id: String,
    /// Its secret, shown once.
    client_secret: Option<String>,
    /// When it was registered, in seconds since 1970.
    client_id_issued_at: i64,
    /// 0: the secret does not expire.
    client_secret_expires_at: Option<i64>,
    /// The token that manages the registration.
    registration_access_token: String,
    /// Where that is done.
    registration_client_uri: String,
    /// What is registered.
    #[serde(flatten)]
    registered: ClientRegistrationRequest,
}
