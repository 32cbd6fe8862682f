//! What an assertion must say before its signature is worth checking (RFC 7523 §3, OpenID Connect Core §9).

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::client::Client;
use crate::domain::client_metadata::AssertionAudience;
use crate::protocol::client_assertion::{AssertionAlg, AssertionAud, ClientAssertion};
use crate::protocol::client_auth_method::ClientAuthMethod;

/// How far the clocks of client and server may be apart.
const SKEW: Duration = Duration::from_secs(10);
/// Longest `jti` kept, in bytes.
const MAX_JTI: usize = 255;

/// What is wrong with an assertion. Whoever can sign one may know: it tells nothing that helps to forge one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "public_text says what each one is")]
pub enum AssertionFault {
    Subject,
    Algorithm,
    Audience,
    ExpiryMissing,
    Expired,
    TooFarAhead,
    NotYetValid,
    IdMissing,
    Replayed,
    Signature,
    KeyUnknown,
    KeysUnavailable,
}

impl AssertionFault {
    /// A sentence for the client's developer.
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Subject => "iss and sub of the client_assertion must both be the client_id",
            Self::Algorithm => {
                "the client_assertion is signed with another algorithm than the client is registered for"
            }
            Self::Audience => {
                "aud of the client_assertion must be the issuer of this server, as one string where nothing else is registered"
            }
            Self::ExpiryMissing => "the client_assertion must have an exp",
            Self::Expired => "the client_assertion has expired",
            Self::TooFarAhead => "the exp of the client_assertion is too far ahead",
            Self::NotYetValid => "the client_assertion is not valid yet: iat or nbf lies in the future",
            Self::IdMissing => "the client_assertion must have a jti of at most 255 bytes",
            Self::Replayed => "the client_assertion was used before: each one needs a jti of its own",
            Self::Signature => "the signature of the client_assertion is not valid",
            Self::KeyUnknown => "the client has no key that fits the kid and alg of the client_assertion",
            Self::KeysUnavailable => "the keys of the client cannot be read from its jwks_uri",
        }
    }
}

/// What an assertion is judged by.
pub struct AssertionRules<'a> {
    /// The issuer of this server.
    pub issuer: &'a str,
    /// The endpoints at which clients authenticate.
    pub endpoints: &'a [String],
    /// How far ahead it may expire.
    pub max_lifetime: Duration,
    /// The time.
    pub now: DateTime<Utc>,
}

/// An assertion whose claims hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionUse {
    /// Its identifier, which this client may use once.
    pub jti: String,
    /// Until when that must be remembered.
    pub until: DateTime<Utc>,
}

/// Checks the claims. The signature is for the caller to check.
pub fn check(
    assertion: &ClientAssertion,
    client: &Client,
    rules: &AssertionRules<'_>,
) -> Result<AssertionUse, AssertionFault> {
    let claims = &assertion.claims;
    let is_client = |claim: &Option<String>| claim.as_deref() == Some(client.client_id.as_str());
    if !is_client(&claims.iss) || !is_client(&claims.sub) {
        return Err(AssertionFault::Subject);
    }
    check_alg(assertion.alg, client)?;
    if !names_us(claims.aud.as_ref(), client, rules) {
        return Err(AssertionFault::Audience);
    }
    let until = check_times(assertion, rules)?;
    let jti = claims.jti.clone().filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI && !jti.contains('\0'));
    Ok(AssertionUse { jti: jti.ok_or(AssertionFault::IdMissing)?, until })
}

/// RFC 8725 §3.1: the registration decides what may be used, never the token alone.
fn check_alg(alg: AssertionAlg, client: &Client) -> Result<(), AssertionFault> {
    let wants_secret = client.token_endpoint_auth_method == ClientAuthMethod::ClientSecretJwt;
    let registered = client.metadata.token_endpoint_auth_signing_alg.as_deref();
    if alg.is_symmetric() == wants_secret && registered.is_none_or(|registered| registered == alg.as_str()) {
        Ok(())
    } else {
        Err(AssertionFault::Algorithm)
    }
}

/// RFC 7523 §3: the audience must be this server. As one string that is the issuer, an assertion made for another server
/// cannot be sent on to this one, nor the other way round.
fn names_us(aud: Option<&AssertionAud>, client: &Client, rules: &AssertionRules<'_>) -> bool {
    let is_ours = |aud: &String| aud == rules.issuer || rules.endpoints.contains(aud);
    match (aud, client.metadata.assertion_audience) {
        (Some(AssertionAud::One(aud)), AssertionAudience::Issuer) => aud == rules.issuer,
        (Some(AssertionAud::One(aud)), AssertionAudience::IssuerOrEndpoint) => is_ours(aud),
        (Some(AssertionAud::List(list)), AssertionAudience::IssuerOrEndpoint) => list.iter().any(is_ours),
        (Some(AssertionAud::List(_)), AssertionAudience::Issuer) | (None, _) => false,
    }
}

fn check_times(assertion: &ClientAssertion, rules: &AssertionRules<'_>) -> Result<DateTime<Utc>, AssertionFault> {
    let (now, claims) = (rules.now, &assertion.claims);
    let future = |claim: Option<f64>| match claim {
        None => Ok(false),
        Some(seconds) => to_time(seconds).map(|time| time > now + SKEW).ok_or(AssertionFault::NotYetValid),
    };
    if future(claims.iat)? || future(claims.nbf)? {
        return Err(AssertionFault::NotYetValid);
    }
    let exp = claims.exp.ok_or(AssertionFault::ExpiryMissing)?;
    let exp = to_time(exp).ok_or(AssertionFault::TooFarAhead)?;
    if now >= exp + SKEW {
        return Err(AssertionFault::Expired);
    }
    if exp > now + rules.max_lifetime + SKEW {
        return Err(AssertionFault::TooFarAhead);
    }
    Ok(exp + SKEW)
}

/// NumericDate (RFC 7519 §2); None for what is no time of this age of the world.
fn to_time(seconds: f64) -> Option<DateTime<Utc>> {
    if !(0.0..4_102_444_800.0).contains(&seconds) {
        return None;
    }
    Some(DateTime::UNIX_EPOCH + Duration::from_secs_f64(seconds))
}
