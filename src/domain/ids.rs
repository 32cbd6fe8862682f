//! Identifiers, one type for each noun, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text_id!(
    /// `client_id` (RFC 6749 §2.2): chosen by the operator or generated; not a secret.
    ClientId
);
text_id!(
    /// A user's identifier and the `sub` of their tokens: never reused, never the username.
    UserId
);
text_id!(
    /// One grant: everything issued from one authorization, a refresh token family included.
    GrantId
);
text_id!(
    /// One secret of a client.
    ClientSecretId
);

text_id!(
    /// An access key: `ak_...`, not a secret.
    AccessKeyId
);
text_id!(
    /// One secret of an access key.
    AccessKeySecretId
);
text_id!(
    /// A service account: `sa_...`.
    ServiceAccountId
);
text_id!(
    /// A project, chosen by the operator.
    ProjectId
);
text_id!(
    /// A workflow: `wf_...`, public.
    WorkflowId
);

text_id!(
    /// An initial access token (RFC 7591 §3), not secret.
    RegistrationTokenId
);

text_id!(
    /// A personal token: `pt_...`, not a secret.
    PersonalTokenId
);

/// Is this the prefix with the 32 hexadecimal digits of a generated identifier behind it?
fn is_generated(prefix: &str, text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(hex))
}

impl AccessKeyId {
    /// Could this be the identifier of an access key?
    pub fn is_valid(text: &str) -> bool {
        is_generated("ak_", text)
    }
}

impl PersonalTokenId {
    /// Could this be the identifier of a personal token?
    pub fn is_valid(text: &str) -> bool {
        is_generated("pt_", text)
    }
}

impl UserId {
    /// Could this be the identifier of a user? Those that are imported hold what other systems put into theirs.
    pub fn is_valid(text: &str) -> bool {
        let known =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'|' | b':' | b'@');
        !text.is_empty() && text.len() <= 128 && text.bytes().all(known)
    }
}

impl ServiceAccountId {
    /// Could this be the identifier of a service account?
    pub fn is_valid(text: &str) -> bool {
        is_generated("sa_", text)
    }
}

impl ProjectId {
    /// A project identifier: 1 to 64 of the unreserved URI characters, so that it needs no escaping anywhere.
    pub fn is_valid(text: &str) -> bool {
        text.len() <= 64 && ClientId::is_valid(text)
    }
}

impl WorkflowId {
    /// Can this be the identifier of a workflow? Those are generated.
    pub fn is_valid(text: &str) -> bool {
        text.strip_prefix("wf_").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// Longest `client_id` accepted, in bytes.
const MAX_CLIENT_ID: usize = 128;

/// Could a page of this identifier not be opened? Browsers take `.` and `..` for directions, and `new` is the form that makes
/// one.
pub fn is_no_address(text: &str) -> bool {
    ["new", ".", ".."].contains(&text)
}

impl ClientId {
    /// A client_id that may be registered: unreserved URI characters only, so that it needs no escaping anywhere.
    pub fn is_valid(text: &str) -> bool {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        !text.is_empty() && text.len() <= MAX_CLIENT_ID && text.bytes().all(unreserved)
    }

    /// Does it look like the identifier of something else? A client must not be taken for an access key, a personal token, a
    /// service account or a workflow.
    pub fn is_reserved(text: &str) -> bool {
        ["ak_", "pt_", "sa_", "wf_"].iter().any(|prefix| text.starts_with(prefix))
    }
}
