//! Sessions of the console and the account pages. Both are one OAuth client of this server: they send the browser through the
//! authorization endpoint (code, PKCE, `state`, `iss`) and redeem the code as every client does. They keep no token, for they
//! run beside the store: what they keep is the grant, so that a session ends with whatever ends the grant.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::secret::SecretKind;
use crate::domain::access_key::Owner;
use crate::domain::audit_event::{Actor, AuditAction, Source};
use crate::domain::client::Status;
use crate::domain::console_session::ConsoleSession;
use crate::domain::denial::Denial;
use crate::domain::grant::{Grant, RevocationReason};
use crate::domain::role::{self, ADMIN_API_SCOPES};
use crate::domain::user::User;
use crate::flows::caller::Caller;
use crate::flows::error::{Failure, FlowError, FlowResult};
use crate::flows::password_check::{self, LoginAttempt};
use crate::flows::token::{self, Wanted};
use crate::flows::{Server, bearer};
use crate::protocol::credentials::{PresentedCredentials, Proof};
use crate::protocol::params::Params;
use crate::protocol::pkce::CodeVerifier;
use crate::protocol::scope::{OPENID, Scope};

/// The client that the console and the account pages are.
pub const CLIENT_ID: &str = "grantor-console";
/// Where its codes go, below the issuer.
pub const CALLBACK_PATH: &str = "/console/callback";
/// A session that is used is written again at most this often.
const EXTEND_AFTER: Duration = Duration::minutes(1);

/// Are there pages that need this client?
pub fn is_wanted(server: &Server) -> bool {
    server.config.console.enabled || server.config.account.enabled
}

/// Where its codes go.
pub(in crate::flows) fn redirect_uri(server: &Server) -> String {
    format!("{}{CALLBACK_PATH}", server.config.server.issuer)
}

/// What it may ask for: people get of it what their roles hold.
pub(in crate::flows) fn scope() -> Scope {
    Scope::from_tokens(ADMIN_API_SCOPES.iter().map(|(name, _)| *name).chain([OPENID]))
}

/// A browser that is sent to sign in.
pub struct Departure {
    /// Where it goes: the authorization endpoint.
    pub location: String,
    /// The `state` of the authorization request.
    pub state: String,
    /// What it must bring back: `state` and the PKCE verifier are derived from it.
    pub cookie: Zeroizing<String>,
}

/// The value that is derived from a departure's cookie for this purpose.
fn derived(server: &Server, cookie: &str, purpose: &str) -> String {
    URL_SAFE_NO_PAD.encode(server.keys.digest(SecretKind::ConsoleSession, &format!("{purpose} {cookie}")))
}

fn verifier(server: &Server, cookie: &str) -> FlowResult<CodeVerifier> {
    let text = derived(server, cookie, "verifier");
    CodeVerifier::parse(&text).ok_or_else(|| Failure::Internal("a PKCE verifier could not be made".to_owned()).into())
}

/// Sends a browser to the authorization endpoint.
pub fn depart(server: &Server) -> FlowResult<Departure> {
    let cookie = SecretKind::ConsoleSession.generate()?;
    let challenge = verifier(server, &cookie)?.challenge();
    let state = derived(server, &cookie, "state");
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", CLIENT_ID)
        .append_pair("redirect_uri", &redirect_uri(server))
        .append_pair("scope", &scope().to_string())
        .append_pair("state", &state)
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", "S256")
        // A session that has ended for want of use is not renewed by a login session that lives longer.
        .append_pair("max_age", &server.config.console.session_idle_timeout.as_secs().to_string())
        .finish();
    Ok(Departure { location: format!("{}/oauth/authorize?{query}", server.config.server.issuer), state, cookie })
}

/// Takes the authorization response of a browser that comes back, redeems its code and begins a session; the result is its
/// cookie. A session that the browser had before ends, so that none can be fixed upon a victim (ASVS 5.0 V7.2.4).
pub fn arrive(
    server: &Server,
    response: &Params,
    departure: Option<&str>,
    previous: Option<&str>,
    source: Source,
) -> FlowResult<Zeroizing<String>> {
    let one = |name| response.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()));
    let departure = departure.filter(|cookie| SecretKind::ConsoleSession.is_well_formed(cookie));
    let departure = departure.ok_or(Denial::ConsoleSignInStale)?;
    // RFC 6749 §10.12: another browser's code must not sign this one in.
    let state = one("state")?.ok_or(Denial::ConsoleSignInStale)?;
    if !digests_are_equal(state.as_bytes(), derived(server, departure, "state").as_bytes()) {
        return Err(Denial::ConsoleSignInStale.into());
    }
    // RFC 9207 §2.4
    if one("iss")? != Some(server.config.server.issuer.as_str()) {
        return Err(Denial::ConsoleSignInStale.into());
    }
    if let Some(text) = one("error_description")? {
        return Err(Denial::MalformedRequest(text.chars().take(200).collect()).into());
    }
    let code = one("code")?.ok_or(Denial::ConsoleSignInStale)?;
    let grant_id = redeem(server, code, departure, source)?;
    begin(server, grant_id, previous)
}

/// Redeems the code at the token endpoint's use case; answers the grant of the access token.
fn redeem(server: &Server, code: &str, departure: &str, source: Source) -> FlowResult<String> {
    let body = Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &redirect_uri(server))
        .append_pair("code_verifier", &derived(server, departure, "verifier"))
        .finish();
    let params = Params::parse(body.as_bytes()).map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    let presented = PresentedCredentials { client_id: CLIENT_ID.to_owned(), proof: Proof::Nothing };
    let answer = token::exchange(server, &params, Ok(presented), source, None)?;
    let claims = bearer::verify(server, &answer.access_token)?;
    claims.and_then(|claims| claims.grant_id).ok_or_else(|| Denial::ConsoleSignInStale.into())
}

fn begin(server: &Server, grant_id: String, previous: Option<&str>) -> FlowResult<Zeroizing<String>> {
    let now = server.clock.now();
    let found = server.store.read(|connection| connection.find_grant(&grant_id))?;
    let (grant, _) = found.ok_or(Denial::ConsoleSignInStale)?;
    let cookie = SecretKind::ConsoleSession.generate()?;
    let digest = server.keys.digest(SecretKind::ConsoleSession, &cookie);
    let previous = previous.map(|cookie| server.keys.digest(SecretKind::ConsoleSession, cookie));
    let session = ConsoleSession {
        proven_at: grant.auth_time,
        created_at: now,
        expires_at: expiry(server, now, &grant, now),
        grant_id: grant.id,
    };
    server.store.write(move |connection| {
        if let Some(previous) = &previous
            && let Some((before, ..)) = connection.find_console_session(previous)?
        {
            connection.delete_console_session(previous)?;
            connection.revoke_grant(before.grant_id.as_str(), RevocationReason::SessionEnd, now)?;
        }
        connection.insert_console_session(&digest, &session)
    })?;
    Ok(cookie)
}

/// Until when a session that is used now lasts.
fn expiry(server: &Server, created_at: DateTime<Utc>, grant: &Grant, now: DateTime<Utc>) -> DateTime<Utc> {
    let console = &server.config.console;
    (now + console.session_idle_timeout).min(created_at + console.session_lifetime).min(grant.expires_at)
}

/// Somebody at the console or the account pages.
#[derive(Clone)]
pub struct Visit {
    /// Who.
    pub user: User,
    /// The same for use cases: what they may is what the grant and their roles hold together, now.
    pub caller: Caller,
    /// The login session in which they signed in.
    pub sid: Option<String>,
    /// When they last gave the password.
    pub proven_at: DateTime<Utc>,
    digest: Vec<u8>,
}

impl Visit {
    /// A value that only this session can have been given, from these parts.
    pub fn derived(&self, server: &Server, parts: &[&str]) -> String {
        let parts = parts.iter().map(|part| part.as_bytes());
        server.keys.console_trial(std::iter::once(self.digest.as_slice()).chain(parts))
    }
}

/// The visit of this cookie; None when there is none, it has ended, or its grant or user is not good any more.
pub fn current(server: &Server, cookie: Option<&str>, source: Source) -> FlowResult<Option<Visit>> {
    let Some(cookie) = cookie.filter(|cookie| SecretKind::ConsoleSession.is_well_formed(cookie)) else {
        return Ok(None);
    };
    let digest = server.keys.digest(SecretKind::ConsoleSession, cookie).to_vec();
    let now = server.clock.now();
    let found = server.store.read(|connection| {
        let client = connection.find_client(CLIENT_ID)?;
        Ok(connection.find_console_session(&digest)?.zip(client))
    })?;
    let Some(((session, grant, user), client)) = found else { return Ok(None) };
    let stands = now < session.expires_at
        && now < grant.expires_at
        && grant.revoked_at.is_none()
        && user.status == Status::Active
        && client.status == Status::Active
        && grant.client_id == client.client_id;
    if !stands {
        return Ok(None);
    }
    let wanted =
        Wanted { client: &client, scope: None, resources: &[], roles: &user.roles, of_user: true, grant: Some(&grant) };
    let held = token::decide(server, &wanted)?.scope;
    let held = if role::holds(&held, "access-keys:write") { held.union(&ordinary(server)) } else { held };
    let caller = Caller {
        actor: Actor::User(user.id.0.clone()),
        client_id: Some(CLIENT_ID.to_owned()),
        owner: Some(Owner::User(user.id.0.clone())),
        held,
        projects: Vec::new(),
        bounds: None,
        source,
    };
    let later = expiry(server, session.created_at, &grant, now);
    let idle = Duration::from_std(server.config.console.session_idle_timeout).unwrap_or(EXTEND_AFTER);
    if later - session.expires_at >= EXTEND_AFTER.min(idle / 4) {
        let digest = digest.clone();
        server.store.write(move |connection| connection.extend_console_session(&digest, later))?;
    }
    Ok(Some(Visit { user, caller, sid: grant.sid, proven_at: session.proven_at, digest }))
}

/// Every scope that anybody may be given: whoever manages access keys hands these out as people do to their apps, without
/// holding them by a role.
fn ordinary(server: &Server) -> Scope {
    let definitions = server.scopes();
    let plain = definitions.iter().filter(|definition| !server.is_privileged(&definition.name));
    Scope::from_tokens(plain.map(|definition| definition.name.as_str()))
}

/// Was the password given so lately that a dangerous action need not ask for it?
pub fn is_proven(server: &Server, visit: &Visit) -> bool {
    server.clock.now() - visit.proven_at < console_proof_lifetime(server)
}

fn console_proof_lifetime(server: &Server) -> Duration {
    Duration::from_std(server.config.console.proof_lifetime).unwrap_or_default()
}

/// A dangerous action: refused unless the password was given lately, or is given now. A wrong one counts as a failed log-in.
pub fn require_proof(server: &Server, visit: &Visit, password: Option<&str>) -> FlowResult<()> {
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return if is_proven(server, visit) { Ok(()) } else { Err(Denial::PasswordNeeded.into()) };
    };
    let attempt = LoginAttempt {
        username: visit.user.username.clone(),
        password: Zeroizing::new(password.to_owned()),
        client_id: Some(CLIENT_ID.to_owned()),
        source: visit.caller.source.clone(),
    };
    let proven = match password_check::check(server, &attempt) {
        Ok(proven) => proven,
        Err(FlowError::Denied(Denial::LoginFailed)) => return Err(Denial::PasswordWrong.into()),
        Err(error) => return Err(error),
    };
    let (digest, now, id) = (visit.digest.clone(), server.clock.now(), visit.user.id.0.clone());
    let done = server.store.write(move |connection| {
        // The account may have changed while the hash was computed.
        Ok(connection.confirm_password(&id, &proven.password_hash)?
            && proven.user.id.0 == id
            && connection.prove_console_session(&digest, now)?)
    })?;
    if done { Ok(()) } else { Err(Denial::PasswordWrong.into()) }
}

/// Ends a session and its grant.
pub fn leave(server: &Server, visit: &Visit) -> FlowResult<()> {
    let (digest, now) = (visit.digest.clone(), server.clock.now());
    let event = visit.caller.event(AuditAction::ConsoleSessionEnded, "user", visit.user.id.as_str());
    Ok(server.store.write(move |connection| {
        let Some((session, ..)) = connection.find_console_session(&digest)? else { return Ok(()) };
        connection.delete_console_session(&digest)?;
        connection.revoke_grant(session.grant_id.as_str(), RevocationReason::SessionEnd, now)?;
        connection.insert_audit_event(&event, now)
    })?)
}
