//! Redirection endpoints: what may be registered and what matches it (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1.3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

/// Longest redirect URI accepted, in bytes.
const MAX_LENGTH: usize = 2048;

/// Schemes that a browser would act on by itself: a redirect there is script execution or file access, not an app.
const FORBIDDEN_SCHEMES: [&str; 9] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "view-source", "filesystem", "ws"];

/// A redirect URI as registered: absolute, without fragment, compared as a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

/// Why a redirect URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// Not an absolute URI, too long, or holding characters that no URI holds.
    #[error("a redirect URI must be an absolute URI of at most 2048 printable ASCII characters")]
    NotAbsolute,
    /// RFC 6749 §3.1.2: the endpoint URI must not include a fragment.
    #[error("a redirect URI must not have a fragment")]
    Fragment,
    /// RFC 9700 §4.1.3: exact matching only.
    #[error("a redirect URI must not have a wildcard: register each address")]
    Wildcard,
    /// User name or password in the authority.
    #[error("a redirect URI must not carry credentials")]
    Credentials,
    /// RFC 8252 §8.3 and RFC 9700 §2.6: plain HTTP only to the loopback interface.
    #[error("a redirect URI with http must point to the loopback interface: use https")]
    PlainHttp,
    /// RFC 8252 §7.1: a private-use scheme is a reversed domain name, so it holds a dot.
    #[error("a private-use scheme must be a reversed domain name such as com.example.app")]
    PrivateUseScheme,
}

impl RedirectUri {
    /// Checks a redirect URI for registration.
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        let printable = text.bytes().all(|byte| matches!(byte, 0x21..=0x7E))
            && !text.contains(['\\', '<', '>', '"', '`', '^', '{', '}', '|']);
        if text.len() > MAX_LENGTH || !printable {
            return Err(InvalidRedirectUri::NotAbsolute);
        }
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::NotAbsolute)?;
        if text.contains('#') {
            return Err(InvalidRedirectUri::Fragment);
        }
        if text.contains('*') {
            return Err(InvalidRedirectUri::Wildcard);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidRedirectUri::Credentials);
        }
        // RFC 3986 allows more in a host than any name has; in a Content-Security-Policy it would end the directive.
        if url.host_str().is_some_and(|host| host.contains([';', ',', '\'', '(', ')', '!', '$', '&', '+', '='])) {
            return Err(InvalidRedirectUri::NotAbsolute);
        }
        match url.scheme() {
            // `https:host` parses as `https://host`; only the latter is a URI with an authority.
            "https" | "http" if !has_authority(text) => Err(InvalidRedirectUri::NotAbsolute),
            "https" => Ok(Self(text.to_owned())),
            "http" if is_loopback(&url) => Ok(Self(text.to_owned())),
            "http" => Err(InvalidRedirectUri::PlainHttp),
            scheme if FORBIDDEN_SCHEMES.contains(&scheme) || !scheme.contains('.') => {
                Err(InvalidRedirectUri::PrivateUseScheme)
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// Simple string comparison (RFC 3986 §6.2.1), but for the port of an http loopback redirect, which a native app
    /// learns only at run time (RFC 8252 §7.3). Only IP literals: `localhost` may resolve elsewhere (§8.3).
    pub fn matches(&self, requested: &str) -> bool {
        if self.0 == requested {
            return true;
        }
        match (loopback_parts(&self.0), loopback_parts(requested)) {
            (Some(registered), Some(requested)) => registered == requested,
            _ => false,
        }
    }

    /// A redirect URI that was checked when it was registered: what comes back from the store is not checked again.
    pub const fn from_checked(text: String) -> Self {
        Self(text)
    }

    /// The URI as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The source expression that allows a form to end at this URI under Content-Security-Policy `form-action`:
/// an origin for http(s), the bare scheme for a private-use one and for the loopback address of IPv6, which the grammar of
/// source expressions has no word for (CSP Level 3 §2.3.1). None when the text is no URI.
pub fn form_action_source(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    match url.origin() {
        url::Origin::Tuple(_, Host::Ipv6(_), _) | url::Origin::Opaque(_) => Some(format!("{}:", url.scheme())),
        url::Origin::Tuple(..) => Some(url.origin().ascii_serialization()),
    }
}

/// Does this redirect URI lead into an app on the user's own machine, by the loopback interface or a private-use scheme? Any
/// program there can take such an address (RFC 8252 §8.6).
pub fn is_native(redirect_uri: &str) -> bool {
    !redirect_uri.starts_with("https://")
}

fn has_authority(text: &str) -> bool {
    text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// An http URI with a loopback IP literal, as (host, everything behind the port). None for any other.
fn loopback_parts(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end)?;
    let (host, port) = match authority.strip_prefix("[::1]") {
        Some(port) => ("[::1]", port),
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    let port_is_fine = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
        });
    ((host == "127.0.0.1" || host == "[::1]") && port_is_fine).then_some((host, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example/cb",
            "https://app.example/cb?x=1",
            "http://127.0.0.1:8000/cb",
            "http://[::1]/cb",
            "http://localhost:3000/cb",
            "com.example.app:/oauth",
            "com.example.app://host/oauth",
        ] {
            assert!(RedirectUri::parse(good).is_ok(), "{good}");
        }
        let bad = [
            ("/cb", InvalidRedirectUri::NotAbsolute),
            ("https:app.example/cb", InvalidRedirectUri::NotAbsolute),
            ("https://app.example\\@evil.example/", InvalidRedirectUri::NotAbsolute),
            ("https://app.example/cb#x", InvalidRedirectUri::Fragment),
            ("https://app.example/cb#", InvalidRedirectUri::Fragment),
            ("https://*.example/cb", InvalidRedirectUri::Wildcard),
            ("https://user@app.example/cb", InvalidRedirectUri::Credentials),
            ("http://app.example/cb", InvalidRedirectUri::PlainHttp),
            ("http://127.0.0.1.evil.example/cb", InvalidRedirectUri::PlainHttp),
            ("javascript:alert(1)", InvalidRedirectUri::PrivateUseScheme),
            ("myapp://cb", InvalidRedirectUri::PrivateUseScheme),
        ];
        for (text, error) in bad {
            assert_eq!(RedirectUri::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn exact_but_for_the_loopback_port() {
        let web = RedirectUri::parse("https://app.example/cb").unwrap();
        assert!(web.matches("https://app.example/cb"));
        for other in [
            "https://app.example/cb/",
            "https://app.example:443/cb",
            "https://APP.example/cb",
            "https://app.example/cb?x",
        ] {
            assert!(!web.matches(other), "{other}");
        }
        let native = RedirectUri::parse("http://127.0.0.1/cb").unwrap();
        assert!(native.matches("http://127.0.0.1:49152/cb"));
        for other in [
            "http://127.0.0.1:49152/cb2",
            "http://[::1]:49152/cb",
            "http://127.0.0.1:0x1/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1:99999/cb",
            "https://127.0.0.1:49152/cb",
            "http://127.0.0.1.evil.example:1/cb",
        ] {
            assert!(!native.matches(other), "{other}");
        }
        let name = RedirectUri::parse("http://localhost:3000/cb").unwrap();
        assert!(!name.matches("http://localhost:3001/cb"));
    }

    #[test]
    fn what_leads_into_an_app() {
        assert!(!is_native("https://app.example/cb"));
        for native in ["http://127.0.0.1:5/cb", "http://localhost/cb", "com.example.app:/cb"] {
            assert!(RedirectUri::parse(native).is_ok() && is_native(native), "{native}");
        }
    }

    #[test]
    fn form_action_sources() {
        assert_eq!(form_action_source("https://app.example/cb?x").as_deref(), Some("https://app.example"));
        assert_eq!(form_action_source("http://127.0.0.1:5/cb").as_deref(), Some("http://127.0.0.1:5"));
        assert_eq!(form_action_source("http://[::1]:5/cb").as_deref(), Some("http:"));
        assert_eq!(form_action_source("com.example.app:/cb").as_deref(), Some("com.example.app:"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_matches_a_web_uri_is_that_uri(text in "\\PC{0,60}") {
            let web = RedirectUri::parse("https://app.example/cb").unwrap();
            proptest::prop_assert_eq!(web.matches(&text), text == "https://app.example/cb");
        }

        #[test]
        fn whatever_matches_a_loopback_uri_goes_to_the_loopback(tail in "[ -~]{0,40}") {
            let native = RedirectUri::parse("http://127.0.0.1/cb").unwrap();
            let text = format!("http://127.0.0.1{tail}");
            if native.matches(&text) {
                let url = Url::parse(&text).unwrap();
                proptest::prop_assert_eq!(url.host_str(), Some("127.0.0.1"));
                proptest::prop_assert_eq!(url.path(), "/cb");
            }
        }
    }
}
