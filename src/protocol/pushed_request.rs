//! Pushed authorization requests (RFC 9126): the answer, and the form of `request_uri`.

use serde::Serialize;

/// What each `request_uri` of this server starts with (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The answer to a pushed request (RFC 9126 §2.2).
#[derive(Serialize, utoipa::ToSchema)]
pub struct PushedAuthorizationResponse {
    /// What stands for the request at the authorization endpoint.
    pub request_uri: String,
    /// For how many seconds it can be used.
    pub expires_in: i64,
}

/// The `request_uri` of this reference.
pub fn request_uri(reference: &str) -> String {
    format!("{PREFIX}{reference}")
}

/// The reference in a `request_uri`; None where it is not one of a pushed request.
pub fn reference(request_uri: &str) -> Option<&str> {
    request_uri.strip_prefix(PREFIX)
}
