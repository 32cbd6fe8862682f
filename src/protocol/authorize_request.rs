//! The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.1), parsed in two steps: first the pair that
//! decides whether errors may be redirected at all (§4.1.2.1), then the rest.

use crate::protocol::error_code::ErrorCode;
use crate::protocol::openid_request::OpenIdRequest;
use crate::protocol::params::{ParamError, Params};
use crate::protocol::pkce::{CodeChallenge, S256};
use crate::protocol::resource::Resource;
use crate::protocol::response_mode::ResponseMode;
use crate::protocol::scope::Scope;

/// The client and where it wants the answer. Until both are trusted, errors stay on a page of this server.
#[derive(Debug, Clone)]
pub struct AuthorizeTarget {
    /// The `client_id` parameter.
    pub client_id: String,
    /// The `redirect_uri` parameter; a client with a single registered one may leave it out (RFC 6749 §3.1.2.3).
    pub redirect_uri: Option<String>,
}

impl AuthorizeTarget {
    /// Reads `client_id` and `redirect_uri`.
    pub fn read(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            client_id: params.required("client_id")?.to_owned(),
            redirect_uri: params.optional("redirect_uri")?.map(str::to_owned),
        })
    }
}

/// How to carry the answer back: needed for errors as well, so it is read leniently and never fails.
#[derive(Debug, Clone, Default)]
pub struct ResponseChannel {
    /// `state`, echoed as sent (RFC 6749 §4.1.2).
    pub state: Option<String>,
    /// `response_mode`; `query` where it is unusable, so that the error can be told.
    pub mode: ResponseMode,
}

impl ResponseChannel {
    /// Reads `state` and `response_mode`. A repeated `state` cannot be echoed and is dropped; the request is refused for
    /// it by [`AuthorizeRequest::read`].
    pub fn read(params: &Params) -> Self {
        let state = params.optional("state").ok().flatten().map(str::to_owned);
        let mode = params.optional("response_mode").ok().flatten().and_then(ResponseMode::parse).unwrap_or_default();
        Self { state, mode }
    }
}

/// The checked remainder of an authorization request.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// Requested scope; None means the client's default.
    pub scope: Option<Scope>,
    /// Requested resources (RFC 8707).
    pub resources: Vec<Resource>,
    /// PKCE challenge, always S256.
    pub code_challenge: Option<CodeChallenge>,
    /// What OpenID Connect adds.
    pub openid: OpenIdRequest,
}

/// A refusal that the client may be told by redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequestError {
    /// The code of RFC 6749 §4.1.2.1.
    pub error_code: ErrorCode,
    /// A sentence for the client's developer, without anything secret.
    pub description: String,
}

impl From<ParamError> for AuthorizeRequestError {
    fn from(error: ParamError) -> Self {
        Self { error_code: ErrorCode::InvalidRequest, description: error.to_string() }
    }
}

/// A refusal with this sentence.
pub(super) fn refuse(error_code: ErrorCode, description: &str) -> AuthorizeRequestError {
    AuthorizeRequestError { error_code, description: description.to_owned() }
}

impl AuthorizeRequest {
    /// Reads everything but the target.
    pub fn read(params: &Params) -> Result<Self, AuthorizeRequestError> {
        params.optional("state")?;
        if params.optional("response_mode")?.is_some_and(|mode| ResponseMode::parse(mode).is_none()) {
            return Err(refuse(ErrorCode::InvalidRequest, "response_mode must be query or form_post"));
        }
        if params.optional("request")?.is_some() {
            return Err(refuse(ErrorCode::RequestNotSupported, "request objects are not supported"));
        }
        if params.optional("request_uri")?.is_some() {
            return Err(refuse(ErrorCode::RequestUriNotSupported, "request_uri is not supported"));
        }
        if params.optional("registration")?.is_some() {
            return Err(refuse(ErrorCode::RegistrationNotSupported, "registration is not supported"));
        }
        if params.required("response_type")? != "code" {
            return Err(refuse(ErrorCode::UnsupportedResponseType, "response_type must be code"));
        }
        Ok(Self {
            scope: read_scope(params)?,
            resources: read_resources(params)?,
            code_challenge: read_challenge(params)?,
            openid: OpenIdRequest::read(params)?,
        })
    }
}

fn read_scope(params: &Params) -> Result<Option<Scope>, AuthorizeRequestError> {
    let scope = params.optional("scope")?.map(Scope::parse).transpose();
    Ok(scope.map_err(|error| refuse(ErrorCode::InvalidScope, &error.to_string()))?.filter(|scope| !scope.is_empty()))
}

fn read_resources(params: &Params) -> Result<Vec<Resource>, AuthorizeRequestError> {
    let resources: Result<Vec<_>, _> = params.all("resource").into_iter().map(Resource::parse).collect();
    resources.map_err(|error| refuse(ErrorCode::InvalidTarget, &error.to_string()))
}

/// RFC 7636 §4.3: an absent method means `plain`, which this server does not do (§4.4.1: `invalid_request`).
fn read_challenge(params: &Params) -> Result<Option<CodeChallenge>, AuthorizeRequestError> {
    let method = params.optional("code_challenge_method")?;
    let Some(challenge) = params.optional("code_challenge")? else {
        return match method {
            None => Ok(None),
            Some(_) => Err(refuse(ErrorCode::InvalidRequest, "code_challenge_method came without a code_challenge")),
        };
    };
    if method != Some(S256) {
        return Err(refuse(ErrorCode::InvalidRequest, "code_challenge_method must be S256"));
    }
    let challenge = CodeChallenge::parse(challenge);
    challenge.map(Some).ok_or_else(|| refuse(ErrorCode::InvalidRequest, "code_challenge is not an S256 challenge"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<AuthorizeRequest, ErrorCode> {
        AuthorizeRequest::read(&Params::parse(query.as_bytes()).unwrap()).map_err(|error| error.error_code)
    }

    #[test]
    fn refusals() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(!read("response_type=code").unwrap().openid.prompt.none);
        assert!(read("response_type=code&prompt=none").unwrap().openid.prompt.none);
        assert!(read(&format!("response_type=code&code_challenge={challenge}&code_challenge_method=S256")).is_ok());
        for (query, error) in [
            (String::new(), ErrorCode::InvalidRequest),
            ("response_type=token".into(), ErrorCode::UnsupportedResponseType),
            ("response_type=code&state=1&state=2".into(), ErrorCode::InvalidRequest),
            ("response_type=code&response_mode=fragment".into(), ErrorCode::InvalidRequest),
            ("response_type=code&request=x".into(), ErrorCode::RequestNotSupported),
            ("response_type=code&request_uri=x".into(), ErrorCode::RequestUriNotSupported),
            ("response_type=code&registration=x".into(), ErrorCode::RegistrationNotSupported),
            ("response_type=code&prompt=none+login".into(), ErrorCode::InvalidRequest),
            ("response_type=code&prompt=none&prompt=none".into(), ErrorCode::InvalidRequest),
            ("response_type=code&scope=a%22b".into(), ErrorCode::InvalidScope),
            ("response_type=code&resource=relative".into(), ErrorCode::InvalidTarget),
            (format!("response_type=code&code_challenge={challenge}"), ErrorCode::InvalidRequest),
            (
                format!("response_type=code&code_challenge={challenge}&code_challenge_method=plain"),
                ErrorCode::InvalidRequest,
            ),
            ("response_type=code&code_challenge=short&code_challenge_method=S256".into(), ErrorCode::InvalidRequest),
            ("response_type=code&code_challenge_method=S256".into(), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(read(&query).unwrap_err(), error, "{query}");
        }
    }
}
