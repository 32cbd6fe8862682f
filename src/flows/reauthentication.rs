//! Signing in again where the request demands it, once (OpenID Connect Core §3.1.2.1: `prompt`, `max_age`, `id_token_hint`).
//! That a session was begun for this very request is proven by a MAC over both, which the log-in adds to the request. A
//! client cannot make one, and that of another browser or request is worth nothing.

use chrono::TimeDelta;
use url::form_urlencoded::Serializer;

use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::secret::SecretKind;
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::login::LiveSession;
use crate::flows::{Server, id_token_hint, subject};
use crate::protocol::error_code::ErrorCode;
use crate::protocol::openid_request::OpenIdRequest;
use crate::protocol::params::Params;

/// The parameter that carries the proof between our own pages.
pub const PROOF: &str = "login_proof";

/// How long after signing in a request may still be on its way, with its consent page.
const PROOF_LIFETIME: TimeDelta = TimeDelta::minutes(15);

fn proof(server: &Server, session_digest: &[u8], params: &Params) -> String {
    let request = params.iter().filter(|(name, _)| *name != PROOF).flat_map(|(name, value)| [name, value]);
    server.keys.login_proof(session_digest, request)
}

/// The proof that this session was begun for this request; None where the request can demand nothing of the kind.
pub fn prove(server: &Server, client: &Client, params: &Params, session_cookie: &str) -> Option<String> {
    let openid = OpenIdRequest::read(params).ok()?;
    let may_demand = openid.may_demand_login() || client.metadata.default_max_age.is_some();
    may_demand.then(|| proof(server, &server.keys.digest(SecretKind::LoginSession, session_cookie), params))
}

/// The query of a page with this proof, in the place of an older one.
pub fn with_proof(query: &Params, proven: &str) -> String {
    let asked = query.iter().filter(|(name, _)| *name != PROOF);
    Serializer::new(String::new()).extend_pairs(asked).append_pair(PROOF, proven).finish()
}

fn is_proven(server: &Server, params: &Params, live: &LiveSession) -> bool {
    let age = server.clock.now() - live.session.auth_time;
    let presented = params.iter().find(|(name, _)| *name == PROOF).map(|(_, value)| value);
    age < PROOF_LIFETIME
        && presented.is_some_and(|presented| {
            digests_are_equal(proof(server, &live.digest, params).as_bytes(), presented.as_bytes())
        })
}

/// Whom the client expects, by an ID token that it was given once. It must be ours, and this client's; it may have expired.
fn hinted_subject(server: &Server, client: &Client, openid: &OpenIdRequest) -> FlowResult<Option<String>> {
    let Some(hint) = &openid.id_token_hint else { return Ok(None) };
    let verified = id_token_hint::verify(server, hint)?;
    match verified.filter(|claims| claims.aud == client.client_id.as_str()) {
        Some(claims) => Ok(Some(claims.sub)),
        None => {
            let text = "id_token_hint is not an ID token that this server issued to this client";
            Err(Denial::Unreadable(ErrorCode::InvalidRequest, text.to_owned()).into())
        }
    }
}

/// Refuses a hint that is not one, whoever is signed in.
pub fn check_hint(server: &Server, client: &Client, openid: &OpenIdRequest) -> FlowResult<()> {
    hinted_subject(server, client, openid).map(drop)
}

/// Does this request need a log-in although somebody is signed in? Refuses where one has just been made for it, and it is
/// still another user.
pub fn is_needed(
    server: &Server,
    params: &Params,
    client: &Client,
    openid: &OpenIdRequest,
    live: &LiveSession,
) -> FlowResult<bool> {
    let proven = is_proven(server, params, live);
    let own = subject::of(server, client, &live.user.id);
    let expected = hinted_subject(server, client, openid)?.is_none_or(|hinted| hinted == own);
    if !expected || !openid.claims.allows_subject(&own) {
        return if proven || openid.prompt.none { Err(Denial::OtherUser.into()) } else { Ok(true) };
    }
    let max_age = openid.max_age.or(client.metadata.default_max_age);
    let age = server.clock.now() - live.session.auth_time;
    let is_too_old = max_age.is_some_and(|seconds| age > TimeDelta::seconds(seconds.into()) || seconds == 0);
    Ok(!proven && (openid.prompt.login || is_too_old))
}
