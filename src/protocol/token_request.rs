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
    /// RFC 8628 §3.4.
    DeviceCode {
        /// The device code.
        device_code: Zeroizing<String>,
    },
    /// RFC 8693 §2.1, for access keys only.
    TokenExchange {
        /// The access key.
        subject_token: Zeroizing<String>,
        /// The type that it is said to have.
        subject_token_type: String,
    },
}

/// What an access key is called as a `subject_token_type` (RFC 8693 §3 leaves room for others than its own).
pub const ACCESS_KEY_TYPE: &str = "urn:grantor:params:oauth:token-type:access_key";
/// RFC 8693 §3.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
/// RFC 8693 §3; the access tokens of this server are such.
const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

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
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::TokenExchange { .. } => GrantType::TokenExchange,
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
            GrantType::DeviceCode => Self::DeviceCode { device_code: secret("device_code")? },
            GrantType::TokenExchange => Self::read_exchange(params)?,
        })
    }
}

impl Grant {
    fn read_exchange(params: &Params) -> Result<Self, ParamError> {
        // RFC 8693 §2.1: delegation is not offered, and what is issued is always an access token.
        if params.optional("actor_token")?.is_some() || params.optional("actor_token_type")?.is_some() {
            return Err(ParamError::Malformed("actor_token"));
        }
        let requested = params.optional("requested_token_type")?;
        if !requested.is_none_or(|requested| [ACCESS_TOKEN_TYPE, JWT_TYPE].contains(&requested)) {
            return Err(ParamError::Malformed("requested_token_type"));
        }
        Ok(Self::TokenExchange {
            subject_token: Zeroizing::new(params.required("subject_token")?.to_owned()),
            subject_token_type: params.required("subject_token_type")?.to_owned(),
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
        // RFC 8693 §2.1: `audience` names the target of an exchange, too; ours are all resources.
        let audiences = if grant_type == GrantType::TokenExchange { params.all("audience") } else { Vec::new() };
        let targets = params.all("resource").into_iter().chain(audiences);
        let resources: Result<Vec<_>, _> = targets.map(Resource::parse).collect();
        let resources = resources.map_err(|error| TokenRequestError {
            error_code: ErrorCode::InvalidTarget,
            description: error.to_string(),
        })?;
        Ok(Self { grant: Grant::read(grant_type, params)?, scope: scope.filter(|scope| !scope.is_empty()), resources })
    }
}
