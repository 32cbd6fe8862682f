//! The authorization response (RFC 6749 §4.1.2, §4.1.2.1) with `iss` (RFC 9207 §2).

use url::Url;

use crate::protocol::authorize_request::ResponseChannel;
use crate::protocol::error_code::ErrorCode;

/// What the response says.
#[derive(Debug, Clone)]
pub enum AuthorizationOutcome {
    /// `code`.
    Code(String),
    /// `error` and `error_description`.
    Error(ErrorCode, String),
}

/// An authorization response on its way to a redirect URI that has been checked.
#[derive(Debug, Clone)]
pub struct AuthorizationResponse {
    /// Where it goes: the redirect URI as requested.
    pub redirect_uri: String,
    /// `state` and the response mode.
    pub channel: ResponseChannel,
    /// `iss` (RFC 9207 §2).
    pub issuer: String,
    /// Code or error.
    pub outcome: AuthorizationOutcome,
}

impl AuthorizationResponse {
    /// The response parameters by name, in the order in which they are sent.
    pub fn parameters(&self) -> Vec<(&'static str, &str)> {
        let mut parameters = match &self.outcome {
            AuthorizationOutcome::Code(code) => vec![("code", code.as_str())],
            AuthorizationOutcome::Error(error_code, description) => {
                vec![("error", error_code.as_str()), ("error_description", description.as_str())]
            }
        };
        if let Some(state) = &self.channel.state {
            parameters.push(("state", state));
        }
        parameters.push(("iss", &self.issuer));
        parameters
    }

    /// The address for `response_mode=query`: parameters are added to a query that is already there (RFC 6749 §3.1.2).
    pub fn location(&self) -> Option<String> {
        let mut url = Url::parse(&self.redirect_uri).ok()?;
        url.query_pairs_mut().extend_pairs(self.parameters());
        Some(url.into())
    }
}
