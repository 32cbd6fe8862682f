//! Client credentials as presented in a request (RFC 6749 §2.3): exactly one method at a time.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::params::{ParamError, Params, decode_component};

/// What a client said of itself. The secret has no `Debug` on purpose: neither has this.
pub struct PresentedCredentials {
    /// The claimed `client_id`.
    pub client_id: String,
    /// The secret, unless the client presented none.
    pub secret: Option<Zeroizing<String>>,
    /// The method by which they came.
    pub method: ClientAuthMethod,
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
    /// A repeated `client_id` or `client_secret`.
    #[error(transparent)]
    Param(#[from] ParamError),
}

impl PresentedCredentials {
    /// Reads the header and the body parameters.
    pub fn read(authorization: Option<&[u8]>, params: &Params) -> Result<Self, CredentialsError> {
        let body_id = params.optional("client_id")?;
        let body_secret = params.optional("client_secret")?;
        let Some(header) = authorization else {
            let client_id = body_id.ok_or(CredentialsError::Absent)?.to_owned();
            let method =
                if body_secret.is_some() { ClientAuthMethod::ClientSecretPost } else { ClientAuthMethod::None };
            return Ok(Self { client_id, secret: body_secret.map(|secret| Zeroizing::new(secret.to_owned())), method });
        };
        if body_secret.is_some() {
            return Err(CredentialsError::MoreThanOneMethod);
        }
        let (client_id, secret) = decode_basic(header)?;
        // A client_id in the body beside Basic is not a second method, but it must be the same client.
        if body_id.is_some_and(|id| id != client_id) {
            return Err(CredentialsError::MoreThanOneMethod);
        }
        Ok(Self { client_id, secret: Some(Zeroizing::new(secret)), method: ClientAuthMethod::ClientSecretBasic })
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
        PresentedCredentials::read(header, &Params::parse(body.as_bytes()).unwrap())
            .map(|read| (read.client_id, read.secret.map(|secret| secret.to_string())))
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
