//! Web origins (RFC 6454 §6.2) of browser clients, for CORS.

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

/// A serialized origin, `https://app.example` or `http://localhost:3000`: what a browser sends in `Origin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin(String);

/// A string that is not a serialized http(s) origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is scheme://host or scheme://host:port, with http or https, in lower case, and nothing behind it")]
pub struct InvalidOrigin;

impl Origin {
    /// Accepts exactly what a browser would send, so that comparison can be by string.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(text).map_err(|_| InvalidOrigin)?;
        let is_web = matches!(url.scheme(), "http" | "https");
        if !is_web || text.len() > 512 || url.origin().ascii_serialization() != text {
            return Err(InvalidOrigin);
        }
        Ok(Self(text.to_owned()))
    }

    /// An origin that was checked when it was registered: what comes back from the store is not checked again.
    pub const fn from_checked(text: String) -> Self {
        Self(text)
    }

    /// The serialized origin.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_serialized_origins() {
        assert!(Origin::parse("https://app.example").is_ok());
        assert!(Origin::parse("http://localhost:3000").is_ok());
        for bad in
            ["https://app.example/", "https://APP.example", "https://app.example:443", "null", "*", "ftp://a.example"]
        {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }
}
