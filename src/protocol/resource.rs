//! Resource indicators (RFC 8707 §2): the absolute URI of the API that an access token is for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// An absolute URI without fragment, compared as a string: both the `resource` parameter and the `aud` claim.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource(String);

/// A string that is not a resource indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a resource must be an absolute URI without fragment, of at most 2048 printable ASCII characters")]
pub struct InvalidResource;

impl Resource {
    /// RFC 8707 §2: an absolute URI (RFC 3986 §4.3), without a fragment component.
    pub fn parse(text: &str) -> Result<Self, InvalidResource> {
        let printable = text.len() <= 2048 && text.bytes().all(|byte| matches!(byte, 0x21..=0x7E));
        if !printable || text.contains('#') || Url::parse(text).is_err() {
            return Err(InvalidResource);
        }
        Ok(Self(text.to_owned()))
    }

    /// The resource of a URI that has been checked already: this server's own addresses, and what comes from the store.
    pub const fn from_checked(text: String) -> Self {
        Self(text)
    }

    /// Do both name one place, for whoever normalises URIs (RFC 3986 §6.2)? Tokens are compared by the string alone.
    pub fn is_like(&self, other: &Self) -> bool {
        let plain = |resource: &Self| Url::parse(&resource.0).map(|url| url.as_str().trim_end_matches('/').to_owned());
        matches!((plain(self), plain(other)), (Ok(one), Ok(other)) if one == other)
    }

    /// The URI as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
