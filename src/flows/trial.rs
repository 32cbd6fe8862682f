//! "Try it": the code flow of a client, run from the console by somebody who may act as that client. The request is pushed
//! here (RFC 9126), so that its answer may come to an address of the console that the client did not register; that address
//! is good for no other request. The tokens are shown decoded, and their grant ends at once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::random;
use crate::domain::audit_event::{AuditAction, NewAuditEvent};
use crate::domain::client::{Client, Status};
use crate::domain::denial::Denial;
use crate::domain::grant::RevocationReason;
use crate::flows::console::Visit;
use crate::flows::error::{Failure, FlowError, FlowResult};
use crate::flows::{Server, clients, pushed_requests, token};
use crate::protocol::grant_type::GrantType;
use crate::protocol::params::{ParamError, Params};
use crate::protocol::pkce::CodeVerifier;
use crate::protocol::scope::Scope;
use crate::protocol::token_request::Grant;

/// The parameter that marks the request of a trial where it is kept. It proves by a MAC that the console pushed it.
const PROOF: &str = "console_trial";
/// The parameter that names who may answer it.
const TRIED_BY: &str = "console_trial_user";

/// What came back to the console.
pub enum Arrived {
    /// Tokens, decoded.
    Tokens(Box<Trial>),
    /// An error, as a client is told (RFC 6749 §4.1.2.1): its word and its sentence.
    Refused(String, String),
}

/// What a trial brought. The tokens themselves are gone.
pub struct Trial {
    /// The access token.
    pub access_token: DecodedToken,
    /// The ID token, where `openid` was granted.
    pub id_token: Option<DecodedToken>,
    /// Was there a refresh token?
    pub refreshable: bool,
    /// Lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// The granted scope.
    pub scope: String,
}

/// A JWT (RFC 7519) without its signature.
pub struct DecodedToken {
    /// Its first characters.
    pub masked: String,
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

/// Where the answer of a trial goes.
pub fn redirect_uri(server: &Server, client_id: &str) -> String {
    format!("{}{}", server.config.server.issuer, path(client_id))
}

/// The same, below the issuer.
pub fn path(client_id: &str) -> String {
    format!("/console/clients/{client_id}/try")
}

fn proof(server: &Server, client_id: &str, user_id: &str, [state, challenge]: [&str; 2]) -> String {
    server.keys.console_trial([client_id, user_id, state, challenge].map(str::as_bytes))
}

/// Is this a trial that somebody else began? Nobody is made to let a client in by the link of an operator.
pub fn is_of_another(params: &Params, user_id: &str) -> bool {
    is_one(params) && params.optional(TRIED_BY).ok().flatten() != Some(user_id)
}

/// Is this a trial? What is consented to in one is not remembered.
pub fn is_one(params: &Params) -> bool {
    params.are_pushed() && params.optional(PROOF).ok().flatten().is_some()
}

/// RFC 9126 §2.4: a pushed request may name a redirect URI that was not registered, because who pushed it is known. Here that
/// is the console alone, with the one address of its own: a client cannot make the proof, and what comes with the browser is
/// no pushed parameter.
pub fn is_redirect(server: &Server, params: &Params, client_id: &str, requested: Option<&str>) -> bool {
    let one = |name| params.optional(name).ok().flatten();
    let asked = (one(PROOF), one(TRIED_BY), one("state"), one("code_challenge"));
    let (Some(presented), Some(user_id), Some(state), Some(challenge)) = asked else { return false };
    params.are_pushed()
        && server.config.console.enabled
        && requested == Some(redirect_uri(server, client_id).as_str())
        && digests_are_equal(presented.as_bytes(), proof(server, client_id, user_id, [state, challenge]).as_bytes())
}

/// A client that this visitor may try.
pub fn show(server: &Server, visit: &Visit, client_id: &str) -> FlowResult<Client> {
    let client = clients::show_to_change(server, &visit.caller, client_id)?;
    if client.status != Status::Active {
        return Err(Denial::Conflict("the client is disabled".to_owned()).into());
    }
    client.check_grant(GrantType::AuthorizationCode)?;
    Ok(client)
}

fn verifier(server: &Server, visit: &Visit, state: &str) -> FlowResult<CodeVerifier> {
    let text = visit.derived(server, &["trial verifier", state]);
    CodeVerifier::parse(&text).ok_or_else(|| Failure::Internal("a PKCE verifier could not be made".to_owned()).into())
}

fn state(server: &Server, visit: &Visit, client_id: &str, nonce: &str) -> String {
    format!("{nonce}.{}", visit.derived(server, &["trial state", client_id, nonce]))
}

/// Pushes a request for these scopes in the client's name; answers where the browser goes.
pub fn begin(server: &Server, visit: &Visit, client_id: &str, scope: &Scope) -> FlowResult<String> {
    let client = show(server, visit, client_id)?;
    client.check_scope(scope)?;
    let state = state(server, visit, client_id, &random::opaque_id()?);
    let challenge = verifier(server, visit, &state)?.challenge();
    let mut request = Serializer::new(String::new());
    request
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", &redirect_uri(server, client_id))
        .append_pair("state", &state)
        .append_pair("nonce", &visit.derived(server, &["trial nonce", &state]))
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", "S256")
        .append_pair(TRIED_BY, visit.user.id.as_str())
        .append_pair(PROOF, &proof(server, client_id, visit.user.id.as_str(), [&state, challenge.as_str()]));
    if !scope.is_empty() {
        request.append_pair("scope", &scope.to_string());
    }
    let pushed = pushed_requests::keep(server, client.client_id, request.finish())?;
    record(server, visit.caller.event(AuditAction::ClientTrialBegun, "client", client_id))?;
    let query = Serializer::new(String::new())
        .append_pair("client_id", client_id)
        .append_pair("request_uri", &pushed.request_uri)
        .finish();
    Ok(format!("{}/oauth/authorize?{query}", server.config.server.issuer))
}

fn record(server: &Server, event: NewAuditEvent) -> FlowResult<()> {
    let now = server.clock.now();
    Ok(server.store.write(move |connection| connection.insert_audit_event(&event, now))?)
}

/// Takes the answer, for the very session that asked, and redeems the code as the client.
pub fn arrive(server: &Server, visit: &Visit, client_id: &str, response: &Params) -> FlowResult<Arrived> {
    let one = |name| response.optional(name).map_err(|error: ParamError| Denial::MalformedRequest(error.to_string()));
    let client = show(server, visit, client_id)?;
    let sent = one("state")?.ok_or(Denial::ConsoleSignInStale)?;
    let nonce = sent.split_once('.').map_or("", |(nonce, _)| nonce);
    // RFC 6749 §10.12: an answer that somebody else asked for is not taken.
    if !digests_are_equal(sent.as_bytes(), state(server, visit, client_id, nonce).as_bytes()) {
        return Err(Denial::ConsoleSignInStale.into());
    }
    // RFC 9207 §2.4
    if one("iss")? != Some(server.config.server.issuer.as_str()) {
        return Err(Denial::ConsoleSignInStale.into());
    }
    let ended = || visit.caller.event(AuditAction::ClientTrialEnded, "client", client_id);
    if let Some(word) = one("error")? {
        let text = one("error_description")?.unwrap_or_default();
        record(server, NewAuditEvent { success: false, ..ended() }.detail(word.chars().take(100).collect::<String>()))?;
        return Ok(Arrived::Refused(word.to_owned(), text.to_owned()));
    }
    let code = one("code")?.ok_or(Denial::ConsoleSignInStale)?;
    let grant = Grant::AuthorizationCode {
        code: Zeroizing::new(code.to_owned()),
        redirect_uri: Some(redirect_uri(server, client_id)),
        code_verifier: Some(verifier(server, visit, sent)?),
    };
    let redeemed = token::exchange_as(server, client, grant, visit.caller.source.clone());
    let trial = redeemed.and_then(|answer| decoded(&answer));
    let trial = match trial {
        Ok(trial) => trial,
        Err(error) => {
            record(server, NewAuditEvent { success: false, ..ended() })?;
            return Err(error);
        }
    };
    finish(server, visit, trial, ended())
}

/// Ends the grant. What somebody else who is signed in in this browser granted is not shown.
fn finish(server: &Server, visit: &Visit, trial: Trial, event: NewAuditEvent) -> FlowResult<Arrived> {
    let id = trial.access_token.claims.get("grant_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let now = server.clock.now();
    let own = visit.user.id.clone();
    let is_own = server.store.write(move |connection| {
        let is_own = connection.find_grant(&id)?.is_some_and(|(grant, _)| grant.user_id == own);
        connection.revoke_grant(&id, RevocationReason::Trial, now)?;
        connection.insert_audit_event(&NewAuditEvent { success: is_own, ..event.clone() }, now)?;
        Ok(is_own)
    })?;
    if is_own { Ok(Arrived::Tokens(Box::new(trial))) } else { Err(Denial::OtherUser.into()) }
}

fn decoded(answer: &crate::protocol::token_response::TokenResponse) -> FlowResult<Trial> {
    Ok(Trial {
        access_token: decode(&answer.access_token)?,
        id_token: answer.id_token.as_deref().map(decode).transpose()?,
        refreshable: answer.refresh_token.is_some(),
        expires_in: answer.expires_in,
        scope: answer.scope.clone(),
    })
}

/// The parts of a JWT that are no secret (RFC 7515 §3.1).
fn decode(token: &str) -> FlowResult<DecodedToken> {
    let mut parts = token.split('.').map(|part| {
        let octets = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&octets).ok()
    });
    let (Some(Some(header)), Some(Some(claims))) = (parts.next(), parts.next()) else {
        return Err(FlowError::Failed(Failure::Internal("a token of ours could not be decoded".to_owned())));
    };
    Ok(DecodedToken { masked: format!("{}...", token.chars().take(8).collect::<String>()), header, claims })
}
