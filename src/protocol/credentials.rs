//! Client credentials as presented in a request (RFC 6749 §2.3): exactly one method at a time.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::protocol::client_assertion::{ClientAssertion, InvalidAssertion, JWT_BEARER};
use crate::protocol::params::{ParamError, Params, decode_component};

/// What a client said of itself. What it proves itself by has no `Debug` on purpose: neither has this.
pub struct PresentedCredentials {
    /// The claimed `client_id`.
    pub client_id: String,
    /// What the client proves itself by.
    pub proof: Proof,
}

/// What a client proves itself by: one method at a time.
pub enum Proof {
    /// Nothing: a public client.
    Nothing,
    /// Its secret, by Basic or in the body.
    Secret(Zeroizing<String>),
    /// A signed assertion.
    Assertion(Box<ClientAssertion>),
}

/// Why the presented credentials cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// RFC 6749 §2.3: a client must not use more than one authentication method in a request.
    #[error("more than one client authentication method was used")]
    MoreThanOneMethod,
    /// An Authorization header that is not Basic or cannot be decoded.
    #[error("the Authorization header is malformed")]
    MalformedHeader,
    /// Neither a header nor a `client_id` parameter.
    #[error("no client credentials were presented")]
    Absent,
    /// RFC 7521 §4.2: an assertion of another type, or one half of the pair alone.
    #[error(
        "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer, with a client_assertion"
    )]
    AssertionType,
    /// An assertion that cannot be read.
    #[error(transparent)]
    Assertion(#[from] InvalidAssertion),
    /// A repeated parameter.
    #[error(transparent)]
    Param(#[from] ParamError),
}

impl PresentedCredentials {
    /// Reads the header and the body parameters.
    pub fn read(authorization: Option<&[u8]>, params: &Params) -> Result<Self, CredentialsError> {
        let body_id = params.optional("client_id")?;
        let body_secret = params.optional("client_secret")?;
        let assertion = (params.optional("client_assertion_type")?, params.optional("client_assertion")?);
        let methods = [authorization.is_some(), body_secret.is_some(), assertion != (None, None)];
        if methods.into_iter().filter(|used| *used).count() > 1 {
            return Err(CredentialsError::MoreThanOneMethod);
        }
        if let Some(header) = authorization {
            let (client_id, secret) = decode_basic(header)?;
            // A client_id in the body beside Basic is not a second method, but it must be the same client.
            if body_id.is_some_and(|id| id != client_id) {
                return Err(CredentialsError::MoreThanOneMethod);
            }
            return Ok(Self { client_id, proof: Proof::Secret(Zeroizing::new(secret)) });
        }
        let proof = match (assertion, body_secret) {
            ((Some(JWT_BEARER), Some(text)), _) => Proof::Assertion(Box::new(ClientAssertion::parse(text)?)),
            ((None, None), Some(secret)) => Proof::Secret(Zeroizing::new(secret.to_owned())),
            ((None, None), None) => Proof::Nothing,
            _ => return Err(CredentialsError::AssertionType),
        };
        // RFC 7521 §4.2: client_id may be left out, for the subject of the assertion is the client.
        let subject = match &proof {
            Proof::Assertion(assertion) => assertion.claims.sub.as_deref(),
            Proof::Nothing | Proof::Secret(_) => None,
        };
        let client_id = body_id.or(subject).ok_or(CredentialsError::Absent)?.to_owned();
        Ok(Self { client_id, proof })
    }
}

/// RFC 7617 §2 around RFC 6749 §2.3.1: each half is form-encoded before it is joined and base64-encoded.
fn decode_basic(header: &[u8]) -> Result<(String, String), CredentialsError> {
    let malformed = || CredentialsError::MalformedHeader;
    let text = std::str::from_utf8(header).map_err(|_| malformed())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let joined = Zeroizing::new(STANDARD.decode(encoded.trim_matches(' ')).map_err(|_| malformed())?);
    let mut halves = joined.splitn(2, |byte| *byte == b':');
    let client_id = decode_component(halves.next().unwrap_or_default()).map_err(|_| malformed())?;
    let secret = decode_component(halves.next().ok_or_else(malformed)?).map_err(|_| malformed())?;
    if client_id.is_empty() {
        return Err(malformed());
    }
    Ok((client_id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(joined: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(joined)).into_bytes()
    }

    fn read(header: Option<&[u8]>, body: &str) -> Result<(String, Option<String>), CredentialsError> {
        PresentedCredentials::read(header, &Params::parse(body.as_bytes()).unwrap()).map(|read| match read.proof {
            Proof::Secret(secret) => (read.client_id, Some(secret.to_string())),
            Proof::Nothing => (read.client_id, None),
            Proof::Assertion(assertion) => (read.client_id, Some(assertion.text.to_string())),
        })
    }

    #[test]
    fn halves_of_basic_are_form_encoded() {
        assert_eq!(read(Some(&basic("a%3Ab:c+d%25")), ""), Ok(("a:b".into(), Some("c d%".into()))));
        assert_eq!(read(Some(&basic("a:b:c")), ""), Ok(("a".into(), Some("b:c".into()))));
    }

    #[test]
    fn one_method_at_a_time() {
        assert_eq!(read(Some(&basic("a:b")), "client_secret=b"), Err(CredentialsError::MoreThanOneMethod));
        assert_eq!(read(Some(&basic("a:b")), "client_id=c"), Err(CredentialsError::MoreThanOneMethod));
        assert_eq!(read(Some(&basic("a:b")), "client_id=a"), Ok(("a".into(), Some("b".into()))));
        assert_eq!(read(None, ""), Err(CredentialsError::Absent));
        assert_eq!(read(None, "client_id=a"), Ok(("a".into(), None)));
    }

    #[test]
    fn assertions_come_in_pairs_and_alone() {
        let part = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        let text = format!("{}.{}.x", part(r#"{"alg":"RS256"}"#), part(r#"{"sub":"a"}"#));
        let no_subject = format!("{}.{}.x", part(r#"{"alg":"RS256"}"#), part("{}"));
        let pair = format!("client_assertion_type={JWT_BEARER}&client_assertion={text}");
        assert_eq!(read(None, &pair), Ok(("a".into(), Some(text.clone()))));
        assert_eq!(read(None, &format!("{pair}&client_id=b")), Ok(("b".into(), Some(text.clone()))));
        assert_eq!(read(Some(&basic("a:b")), &pair), Err(CredentialsError::MoreThanOneMethod));
        assert_eq!(read(None, &format!("{pair}&client_secret=b")), Err(CredentialsError::MoreThanOneMethod));
        let other = format!("client_assertion_type=saml&client_assertion={text}");
        let (lone_type, lone) = (format!("client_assertion_type={JWT_BEARER}"), format!("client_assertion={text}"));
        for half in [other, lone_type, lone] {
            assert_eq!(read(None, &format!("client_id=a&{half}")), Err(CredentialsError::AssertionType), "{half}");
        }
        let anonymous = format!("client_assertion_type={JWT_BEARER}&client_assertion={no_subject}");
        assert_eq!(read(None, &anonymous), Err(CredentialsError::Absent));
    }

    #[test]
    fn bad_headers() {
        let headers: [&[u8]; 6] = [b"Basic", b"Basic ???", b"Bearer abc", b"Basic YWJj", b"\xff\xfe", b"Basic Og=="];
        for header in headers {
            assert_eq!(read(Some(header), ""), Err(CredentialsError::MalformedHeader), "{header:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_survived(header: Vec<u8>) {
            let _ = PresentedCredentials::read(Some(&header), &Params::default());
        }
    }
}
