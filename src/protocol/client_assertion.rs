//! Client assertions (RFC 7521 §4.2, RFC 7523 §2.2 and §3, OpenID Connect Core §9), as they say of themselves: nothing here
//! is believed before the signature is checked.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The one `client_assertion_type` (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longest assertion looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// An algorithm that assertions may be signed with. There is no `none` (RFC 8725 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssertionAlg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// Ed25519.
    EdDsa,
    /// HMAC with SHA-256 under the client's secret.
    HS256,
}

impl AssertionAlg {
    /// Every algorithm, in the order of the metadata document.
    pub const ALL: [Self; 5] = [Self::RS256, Self::PS256, Self::ES256, Self::EdDsa, Self::HS256];

    /// The registered spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::HS256 => "HS256",
        }
    }

    /// The algorithm of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == text)
    }

    /// Is it made with a secret that both sides know?
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256)
    }
}

/// `aud` as it was written: whether it was a list matters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum AssertionAud {
    /// One string.
    One(String),
    /// A list of strings.
    List(Vec<String>),
}

/// The claims of an assertion (RFC 7523 §3). Times are seconds, which may have a fraction (RFC 7519 §2).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "each claim is defined by RFC 7519 §4.1")]
pub struct AssertionClaims {
    pub iss: Option<String>,
    pub sub: Option<String>,
    pub aud: Option<AssertionAud>,
    pub exp: Option<f64>,
    pub iat: Option<f64>,
    pub nbf: Option<f64>,
    pub jti: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// RFC 7515 §4.1.11: what must be understood; nothing is.
    crit: Option<serde_json::Value>,
}

/// An assertion that can be read. No `Debug`: whoever has it can be the client.
pub struct ClientAssertion {
    /// The compact form.
    pub text: Zeroizing<String>,
    /// The algorithm that it names.
    pub alg: AssertionAlg,
    /// The key that it names.
    pub kid: Option<String>,
    /// What it says.
    pub claims: AssertionClaims,
}

/// Why an assertion cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssertion {
    /// Not a JWS in compact form with JSON inside.
    #[error("the client_assertion is not a signed JWT")]
    Malformed,
    /// Another algorithm, or `none`.
    #[error("the client_assertion must be signed with RS256, PS256, ES256, EdDSA or HS256")]
    Algorithm,
}

impl ClientAssertion {
    /// Reads the compact form.
    pub fn parse(text: &str) -> Result<Self, InvalidAssertion> {
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidAssertion::Malformed);
        };
        if text.len() > MAX_LENGTH {
            return Err(InvalidAssertion::Malformed);
        }
        let header: Header = read(header)?;
        let alg = AssertionAlg::parse(&header.alg).ok_or(InvalidAssertion::Algorithm)?;
        if header.crit.is_some() || signature.is_empty() {
            return Err(InvalidAssertion::Malformed);
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), alg, kid: header.kid, claims: read(claims)? })
    }
}

fn read<T: DeserializeOwned>(part: &str) -> Result<T, InvalidAssertion> {
    let octets = URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidAssertion::Malformed)?;
    serde_json::from_slice(&octets).map_err(|_| InvalidAssertion::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str, claims: &str, rest: &str) -> Result<ClientAssertion, InvalidAssertion> {
        ClientAssertion::parse(&format!("{}.{}{rest}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn what_is_no_signed_jwt_is_refused() {
        let read = parse(r#"{"alg":"ES256","kid":"a"}"#, r#"{"aud":["a"],"exp":1.5}"#, ".x").ok().unwrap();
        assert_eq!((read.alg, read.kid.as_deref(), read.claims.exp), (AssertionAlg::ES256, Some("a"), Some(1.5)));
        assert_eq!(read.claims.aud, Some(AssertionAud::List(vec!["a".to_owned()])));
        for alg in ["none", "None", "HS512", "rs256", ""] {
            let header = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(parse(&header, "{}", ".x").err(), Some(InvalidAssertion::Algorithm), "{alg}");
        }
        for (header, claims, rest) in [
            (r#"{"alg":"RS256"}"#, "{}", ""),
            (r#"{"alg":"RS256"}"#, "{}", "."),
            (r#"{"alg":"RS256"}"#, "{}", ".x.y"),
            (r#"{"alg":"RS256","crit":["exp"]}"#, "{}", ".x"),
            (r#"{"alg":"RS256"}"#, "[]x", ".x"),
            (r#"{"alg":"RS256"}"#, r#"{"exp":"1"}"#, ".x"),
            (r#"{"alg":"RS256"}"#, r#"{"aud":1}"#, ".x"),
            ("{}", "{}", ".x"),
            ("x", "{}", ".x"),
        ] {
            assert_eq!(
                parse(header, claims, rest).err(),
                Some(InvalidAssertion::Malformed),
                "{header} {claims} {rest}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            let _ = ClientAssertion::parse(&text);
        }
    }
}
