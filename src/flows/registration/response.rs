//! The client information response (RFC 7591 §3.2.1, RFC 7592 §3).

use serde_json::{Map, Value, json};

use crate::domain::client::Client;
use crate::flows::Server;
use crate::protocol::grant_type::GrantType;

/// Everything that is registered, with the token that manages it and, once, the secret.
pub fn build(server: &Server, client: &Client, token: &str, secret: Option<&str>) -> Map<String, Value> {
    let metadata = &client.metadata;
    let mut said = match serde_json::to_value(metadata) {
        Ok(Value::Object(said)) => said,
        _ => Map::new(),
    };
    // Not registered: the operator's.
    said.remove("assertion_audience");
    let response_types: &[&str] = if client.allows_grant(GrantType::AuthorizationCode) { &["code"] } else { &[] };
    let own = [
        ("client_id", json!(client.client_id)),
        ("client_id_issued_at", json!(client.created_at.timestamp())),
        ("client_name", json!(client.client_name)),
        ("token_endpoint_auth_method", json!(client.token_endpoint_auth_method)),
        ("grant_types", json!(client.grant_types)),
        ("response_types", json!(response_types)),
        ("redirect_uris", json!(client.redirect_uris)),
        ("scope", json!(client.scope.to_string())),
        // RFC 7591 §3.2.1: all registered metadata, defaults too.
        ("application_type", json!(metadata.application_type)),
        ("subject_type", json!(metadata.subject_type)),
        ("id_token_signed_response_alg", json!(metadata.id_token_signed_response_alg)),
        ("registration_access_token", json!(token)),
        (
            "registration_client_uri",
            json!(format!("{}/oauth/register/{}", server.config.server.issuer, client.client_id)),
        ),
    ];
    said.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
    if let Some(secret) = secret {
        said.insert("client_secret".to_owned(), json!(secret));
        // RFC 7591 §3.2.1: 0 if it does not expire.
        said.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    said
}
