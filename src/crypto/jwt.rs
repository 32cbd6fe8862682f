//! Access tokens as JWTs (RFC 7519, RFC 7515 compact form): signed with a parsed key, verified through jsonwebtoken.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::Serialize;

use crate::crypto::keyring::{Keyring, KeyringKey};
use crate::crypto::rsa_key::KeyError;
use crate::protocol::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};

/// Longest token looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Signs an access token with this key.
pub fn sign(claims: &AccessTokenClaims, key: &KeyringKey) -> Result<String, KeyError> {
    sign_as(ACCESS_TOKEN_TYPE, claims, key)
}

/// Signs claims of this type (RFC 8725 §3.11: each kind of token has its own).
pub fn sign_as(typ: &str, claims: &impl Serialize, key: &KeyringKey) -> Result<String, KeyError> {
    let mut header = Header::new(Algorithm::RS256);
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

/// Verifies an access token as RFC 9068 §4 demands: type, algorithm, issuer, signature, time. The algorithm is fixed and
/// never taken from the token (RFC 8725 §3.1). The audience is for the caller to check.
pub fn verify(token: &str, issuer: &str, keyring: &Keyring, now: DateTime<Utc>) -> Verification {
    if token.len() > MAX_LENGTH {
        return Verification::Invalid;
    }
    let Ok(header) = decode_header(token) else { return Verification::Invalid };
    let is_access_token = header
        .typ
        .as_deref()
        .is_some_and(|typ| typ.strip_prefix("application/").unwrap_or(typ).eq_ignore_ascii_case(ACCESS_TOKEN_TYPE));
    if !is_access_token || header.alg != Algorithm::RS256 {
        return Verification::Invalid;
    }
    let Some(kid) = header.kid else { return Verification::Invalid };
    let Some(key) = keyring.find(&kid, now) else { return Verification::UnknownKey };
    let mut validation = Validation::new(Algorithm::RS256);
    // Time is passed in, and the audience differs by caller: both are checked outside jsonwebtoken.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let Ok(data) = decode::<AccessTokenClaims>(token, &key.decoding, &validation) else { return Verification::Invalid };
    let claims = data.claims;
    let seconds = now.timestamp();
    if claims.iss != issuer || seconds < claims.nbf {
        return Verification::Invalid;
    }
    if seconds >= claims.exp { Verification::Expired(Box::new(claims)) } else { Verification::Valid(Box::new(claims)) }
}
