//! The claims of an access token (RFC 9068 §2.2).

use serde::{Deserialize, Serialize};

use crate::protocol::resource::Resource;

/// The `typ` header of an access token (RFC 9068 §2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// `aud`: one string, or an array of several (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// A single audience.
    One(Resource),
    /// Several audiences.
    Many(Vec<Resource>),
}

impl Audience {
    /// An audience of these resources; written as one string where there is one.
    pub fn new(mut resources: Vec<Resource>) -> Self {
        match (resources.len(), resources.pop()) {
            (1, Some(only)) => Self::One(only),
            (_, last) => {
                resources.extend(last);
                Self::Many(resources)
            }
        }
    }

    /// The resources named.
    pub fn as_slice(&self) -> &[Resource] {
        match self {
            Self::One(only) => std::slice::from_ref(only),
            Self::Many(several) => several,
        }
    }

    /// Does it name this resource?
    pub fn contains(&self, resource: &Resource) -> bool {
        self.as_slice().contains(resource)
    }
}

/// The claims of an access token. Times are seconds since the epoch (NumericDate, RFC 7519 §2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// Issuer.
    pub iss: String,
    /// The user, or the client itself where no user takes part (RFC 9068 §2.2).
    pub sub: String,
    /// Who may accept it.
    pub aud: Audience,
    /// The client it was issued to.
    pub client_id: String,
    /// Expiry.
    pub exp: i64,
    /// Time of issue.
    pub iat: i64,
    /// Not before.
    pub nbf: i64,
    /// Unique identifier.
    pub jti: String,
    /// Granted scope.
    pub scope: String,
    /// The environment of the client.
    pub env: String,
    /// When the user signed in (RFC 9068 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The user's roles (RFC 9068 §2.2.3.1, RFC 7643 §4.1.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The grant it came from, so that revoking the grant is seen by introspection without a row per token. Private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// The access key it was exchanged for, so that it dies with the key. Private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The personal token that it is, so that whoever made it can end it. Private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal_token_id: Option<String>,
    /// The workflow it was issued for, so that it dies with the workflow. Private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// When that workflow's secret had been entered, in microseconds since the epoch: a token ends with its authorization.
    /// Private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_authorized_at: Option<i64>,
    /// The projects it is limited to; absent for all. Private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projects: Option<Vec<String>>,
}
