//! Protected resource metadata (RFC 9728 §2). Only registered member names.

use serde::Serialize;

/// The metadata of a protected resource.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "each member is named and defined by RFC 9728 §2")]
pub struct ProtectedResourceMetadata {
    pub resource: String,
    pub authorization_servers: Vec<String>,
    pub scopes_supported: Vec<&'static str>,
    pub bearer_methods_supported: Vec<&'static str>,
    pub resource_name: &'static str,
}
