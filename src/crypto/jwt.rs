//! JWTs of this server (RFC 7519, RFC 7515 compact form): signed with a parsed key, verified through jsonwebtoken.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crypto::key_pair::KeyError;
use crate::crypto::keyring::{Keyring, KeyringKey};
use crate::protocol::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use crate::protocol::signing_alg::SigningAlg;

/// Longest token looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Signs an access token with this key.
pub fn sign(claims: &AccessTokenClaims, key: &KeyringKey) -> Result<String, KeyError> {
    sign_as(ACCESS_TOKEN_TYPE, claims, key)
}

/// Signs claims of this type with the algorithm of the key (RFC 8725 §3.11: each kind of token has its own type).
pub fn sign_as(typ: &str, claims: &impl Serialize, key: &KeyringKey) -> Result<String, KeyError> {
    let mut header = Header::new(algorithm(key.alg()));
    header.typ = Some(typ.to_owned());
    header.kid = Some(key.kid.clone());
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Signing)?;
    let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Signing)?;
    let mut token = String::with_capacity((header.len() + claims.len() + key.pair.bits / 8) * 4 / 3 + 8);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.pair.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

const fn algorithm(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::RS256 => Algorithm::RS256,
        SigningAlg::PS256 => Algorithm::PS256,
        SigningAlg::ES256 => Algorithm::ES256,
        SigningAlg::EdDsa => Algorithm::EdDSA,
    }
}

/// What a verification found.
pub enum Verification {
    /// A token of this server, within its time. Whether it was revoked is for the caller to ask.
    Valid(Box<AccessTokenClaims>),
    /// A token of this server whose time is over.
    Expired(Box<AccessTokenClaims>),
    /// Not a token of this server, or not yet in its time.
    Invalid,
    /// Signed by a key that this snapshot does not hold: a reload may help.
    UnknownKey,
}

/// What the signature of a token says of it.
pub enum Signed<T> {
    /// Claims that a key of ours signed. Time, issuer and audience are for the caller to check.
    Claims(Box<T>),
    /// Not signed by this server, or a token of another kind.
    Invalid,
    /// Signed by a key that this snapshot does not hold: a reload may help.
    UnknownKey,
}

/// The claims of a token of this type that a published key of ours signed. The algorithm is that of our key and never
/// taken from the token (RFC 8725 §3.1); with `only`, keys of other algorithms do not count.
pub fn verify_as<T: DeserializeOwned>(
    typ: &str,
    only: Option<SigningAlg>,
    token: &str,
    (keyring, now): (&Keyring, DateTime<Utc>),
) -> Signed<T> {
    if token.len() > MAX_LENGTH {
        return Signed::Invalid;
    }
    let Ok(header) = decode_header(token) else { return Signed::Invalid };
    let named = header.typ.as_deref().map(|named| named.strip_prefix("application/").unwrap_or(named));
    if !named.is_some_and(|named| named.eq_ignore_ascii_case(typ)) {
        return Signed::Invalid;
    }
    if only.is_some_and(|only| algorithm(only) != header.alg) {
        return Signed::Invalid;
    }
    let Some(kid) = header.kid else { return Signed::Invalid };
    let Some(key) = keyring.find(&kid, now) else { return Signed::UnknownKey };
    if only.is_some_and(|only| only != key.alg()) {
        return Signed::Invalid;
    }
    let mut validation = Validation::new(algorithm(key.alg()));
    // Time is passed in, and the audience differs by caller: both are checked outside jsonwebtoken.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    match decode::<T>(token, &key.decoding, &validation) {
        Ok(data) => Signed::Claims(Box::new(data.claims)),
        Err(_) => Signed::Invalid,
    }
}

/// Verifies an access token as RFC 9068 §4 demands: type, algorithm, issuer, signature, time. Access tokens are RS256 and
/// nothing else. The audience is for the caller to check.
pub fn verify(token: &str, issuer: &str, keyring: &Keyring, now: DateTime<Utc>) -> Verification {
    let signed = verify_as::<AccessTokenClaims>(ACCESS_TOKEN_TYPE, Some(SigningAlg::RS256), token, (keyring, now));
    let claims = match signed {
        Signed::Claims(claims) => claims,
        Signed::Invalid => return Verification::Invalid,
        Signed::UnknownKey => return Verification::UnknownKey,
    };
    let seconds = now.timestamp();
    if claims.iss != issuer || seconds < claims.nbf {
        return Verification::Invalid;
    }
    if seconds >= claims.exp { Verification::Expired(claims) } else { Verification::Valid(claims) }
}
