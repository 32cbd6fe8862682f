//! The token request (RFC 6749 §4.1.3, §4.3.2, §4.4.2, §4.5, §6): parameters become one variant per grant.

use zeroize::Zeroizing;

use crate::protocol::error_code::ErrorCode;
use crate::protocol::grant_type::GrantType;
use crate::protocol::params::{ParamError, Params};
use crate::protocol::pkce::CodeVerifier;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// What the client presents to get a token. Holds secrets, so it has no `Debug`.
pub enum Grant {
    /// RFC 6749 §4.1.3.
    AuthorizationCode {
        /// The authorization code.
        code: Zeroizing<String>,
        /// Required where the authorization request had one.
        redirect_uri: Option<String>,
        /// RFC 7636 §4.5.
        code_verifier: Option<CodeVerifier>,
    },
    /// RFC 6749 §6.
    RefreshToken {
        /// The refresh token.
        refresh_token: Zeroizing<String>,
    },
    /// RFC 6749 §4.3.2.
    Password {
        /// The resource owner's name.
        username: String,
        /// The resource owner's password.
        password: Zeroizing<String>,
    },
    /// RFC 6749 §4.4.2.
    ClientCredentials,
    /// RFC 6749 §4.5.
    Workflow {
        /// The workflow: public.
        workflow_id: String,
    },
}

/// A parsed token request.
pub struct TokenRequest {
    /// The grant presented.
    pub grant: Grant,
    /// The requested scope; None means the default.
    pub scope: Option<Scope>,
    /// The requested resources (RFC 8707 §2.2).
    pub resources: Vec<Resource>,
}

/// Why a token request cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequestError {
    /// The code of RFC 6749 §5.2.
    pub error_code: ErrorCode,
    /// A sentence for the client's developer.
    pub description: String,
}

impl From<ParamError> for TokenRequestError {
    fn from(error: ParamError) -> Self {
        Self { error_code: ErrorCode::InvalidRequest, description: error.to_string() }
    }
}

impl Grant {
    /// Which grant this is.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::Password { .. } => GrantType::Password,
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::Workflow { .. } => GrantType::Workflow,
        }
    }

    fn read(grant_type: GrantType, params: &Params) -> Result<Self, ParamError> {
        let secret = |name| params.required(name).map(|value| Zeroizing::new(value.to_owned()));
        Ok(match grant_type {
            GrantType::AuthorizationCode => Self::AuthorizationCode {
                code: secret("code")?,
                redirect_uri: params.optional("redirect_uri")?.map(str::to_owned),
                code_verifier: params
                    .optional("code_verifier")?
                    .map(|text| CodeVerifier::parse(text).ok_or(ParamError::Malformed("code_verifier")))
                    .transpose()?,
            },
            GrantType::RefreshToken => Self::RefreshToken { refresh_token: secret("refresh_token")? },
            GrantType::Password => {
                Self::Password { username: params.required("username")?.to_owned(), password: secret("password")? }
            }
            GrantType::ClientCredentials => Self::ClientCredentials,
            GrantType::Workflow => Self::Workflow { workflow_id: params.required("workflow_id")?.to_owned() },
        })
    }
}

impl TokenRequest {
    /// Reads a token request.
    pub fn read(params: &Params) -> Result<Self, TokenRequestError> {
        let grant_type = GrantType::parse(params.required("grant_type")?).ok_or_else(|| TokenRequestError {
            error_code: ErrorCode::UnsupportedGrantType,
            description: "this grant_type is not supported".to_owned(),
        })?;
        let scope = params.optional("scope")?.map(Scope::parse).transpose().map_err(|error| TokenRequestError {
            error_code: ErrorCode::InvalidScope,
            description: error.to_string(),
        })?;
        let resources: Result<Vec<_>, _> = params.all("resource").into_iter().map(Resource::parse).collect();
        let resources = resources.map_err(|error| TokenRequestError {
            error_code: ErrorCode::InvalidTarget,
            description: error.to_string(),
        })?;
        Ok(Self { grant: Grant::read(grant_type, params)?, scope: scope.filter(|scope| !scope.is_empty()), resources })
    }
}
