//! The authorization endpoint (RFC 6749 §3.1, §4.1.1): trust the client and its redirect URI first, then check the request,
//! then find out what is still missing: a session, a consent, or nothing.

use crate::crypto::random;
use crate::crypto::secret::SecretKind;
use crate::domain::authorization_code::AuthorizationCode;
use crate::domain::client::{Client, Status};
use crate::domain::consent;
use crate::domain::denial::Denial;
use crate::domain::grant::Grant;
use crate::domain::ids::GrantId;
use crate::domain::role::is_admin_api_scope;
use crate::domain::standard_claims;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::login::{self, LiveSession};
use crate::flows::token::{self, Authority, Wanted};
use crate::flows::{Server, pushed_requests, reauthentication, trial};
use crate::protocol::authorization_response::{AuthorizationOutcome, AuthorizationResponse};
use crate::protocol::authorize_request::{AuthorizeRequest, AuthorizeTarget, ResponseChannel};
use crate::protocol::error_code::ErrorCode;
use crate::protocol::error_code::error_description;
use crate::protocol::grant_type::GrantType;
use crate::protocol::id_token::ACR_PASSWORD;
use crate::protocol::openid_request::Prompt;
use crate::protocol::params::Params;
use crate::protocol::scope::{OPENID, Scope};

/// A client and a redirect URI that have been checked: from here on, errors may be redirected.
pub struct Trusted {
    /// The client.
    pub client: Client,
    /// Where it wants the answer.
    pub redirect_uri: String,
    redirect_uri_sent: bool,
    channel: ResponseChannel,
}

/// What comes next.
pub enum Step {
    /// The answer, code or error, goes to the client.
    Respond(AuthorizationResponse),
    /// The user has to sign in.
    Login,
    /// The user has to be asked.
    Consent(Box<ConsentQuestion>),
}

/// What the consent page asks.
pub struct ConsentQuestion {
    /// The client that wants access.
    pub client: Client,
    /// Where the answer will go.
    pub redirect_uri: String,
    /// Who is asked.
    pub username: String,
    /// The scopes it wants, with their descriptions.
    pub scopes: Vec<(String, String)>,
}

impl Trusted {
    /// An answer to this client.
    pub fn respond(&self, server: &Server, outcome: AuthorizationOutcome) -> AuthorizationResponse {
        AuthorizationResponse {
            redirect_uri: self.redirect_uri.clone(),
            channel: self.channel.clone(),
            issuer: server.config.server.issuer.clone(),
            outcome,
        }
    }

    /// The answer for a refusal (RFC 6749 §4.1.2.1).
    pub fn refuse(&self, server: &Server, denial: &Denial) -> AuthorizationResponse {
        self.respond(server, AuthorizationOutcome::Error(denial.code(), error_description(&denial.public_text())))
    }
}

/// RFC 6749 §4.1.2.1: as long as client and redirect URI are not trusted, the server must not redirect.
pub fn trust(server: &Server, params: &Params) -> FlowResult<Trusted> {
    let target = AuthorizeTarget::read(params).map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    let client = server.store.read(|connection| connection.find_client(&target.client_id))?;
    let client = client.ok_or(Denial::ClientUnknown)?;
    if client.status != Status::Active {
        return Err(Denial::ClientInactive.into());
    }
    // OpenID Connect Core §3.1.2.1: REQUIRED, also where only one is registered.
    if target.redirect_uri.is_none() && names_openid(params) {
        return Err(Denial::RedirectUriMissing.into());
    }
    let requested = target.redirect_uri.as_deref();
    let redirect_uri = match requested {
        Some(own) if trial::is_redirect(server, params, client.client_id.as_str(), requested) => own.to_owned(),
        _ => client.resolve_redirect_uri(requested)?,
    };
    let channel = ResponseChannel::read(params);
    Ok(Trusted { client, redirect_uri, redirect_uri_sent: target.redirect_uri.is_some(), channel })
}

/// Is it a request of OpenID Connect, as far as can be told before the request is read?
fn names_openid(params: &Params) -> bool {
    params.optional("scope").ok().flatten().is_some_and(|scope| scope.split(' ').any(|name| name == OPENID))
}

/// What the client asks for, checked against its registration. The inner refusal may be redirected.
fn check(server: &Server, trusted: &Trusted, params: &Params) -> Result<AuthorizeRequest, Denial> {
    let mut request =
        AuthorizeRequest::read(params).map_err(|error| Denial::Unreadable(error.error_code, error.description))?;
    request.scope = request.scope.map(|scope| understood(server, &trusted.client, scope));
    trusted.client.check_grant(GrantType::AuthorizationCode)?;
    // RFC 9700 §2.1.1: public clients must use PKCE; RFC 7636 §4.4.1 names the error.
    if trusted.client.require_pkce && request.code_challenge.is_none() {
        return Err(Denial::CodeChallengeMissing);
    }
    // OpenID Connect Core §5.5.1.1: a failed authentication attempt.
    if !request.openid.claims.allows_acr(ACR_PASSWORD) {
        return Err(Denial::AcrNotMet);
    }
    Ok(request)
}

/// OpenID Connect Core §3.1.2.1: scope values that are not understood are ignored. Other requests are refused for them (RFC
/// 6749 §3.3), and every request for a scope that there is and that the client is not registered for.
fn understood(server: &Server, client: &Client, scope: Scope) -> Scope {
    if !scope.contains(OPENID) {
        return scope;
    }
    let definitions = server.scopes();
    let is_known =
        |name: &str| client.scope.contains(name) || is_admin_api_scope(name) || definitions.find(name).is_some();
    scope.filtered(is_known)
}

/// Checks a request before any user has come with it (RFC 9126 §2.1): everything that no user could change.
pub fn check_ahead(server: &Server, params: &Params) -> FlowResult<()> {
    let trusted = trust(server, params)?;
    let request = check(server, &trusted, params)?;
    trusted.client.check_resources(&request.resources)?;
    request.scope.as_ref().map_or(Ok(()), |scope| trusted.client.check_scope(scope))?;
    Ok(())
}

/// Goes as far as it can: to a code, an error for the client, or a page for the user.
pub fn advance(server: &Server, params: &Params, session_cookie: Option<&str>) -> FlowResult<Step> {
    go_as_far(server, params, Visit { session_cookie, just_consented: false })
}

/// The same right after the user has consented, also where `prompt=consent` asks for the page.
pub fn advance_consented(server: &Server, params: &Params, session_cookie: Option<&str>) -> FlowResult<Step> {
    go_as_far(server, params, Visit { session_cookie, just_consented: true })
}

/// The browser that came.
#[derive(Clone, Copy)]
struct Visit<'a> {
    session_cookie: Option<&'a str>,
    just_consented: bool,
}

fn go_as_far(server: &Server, params: &Params, visit: Visit<'_>) -> FlowResult<Step> {
    let trusted = trust(server, params)?;
    match try_advance(server, params, visit, &trusted) {
        Err(FlowError::Denied(denial)) => {
            server.metrics.denied(denial.code().as_str());
            Ok(Step::Respond(trusted.refuse(server, &denial)))
        }
        // RFC 6749 §4.1.2.1: a 503 cannot be told by redirect, so this code says it.
        Err(FlowError::Failed(failure)) => {
            server.metrics.failed();
            log::error!("an authorization request failed: {failure}");
            let text = "the server could not finish this request: try again shortly".to_owned();
            let outcome = AuthorizationOutcome::Error(ErrorCode::TemporarilyUnavailable, text);
            Ok(Step::Respond(trusted.respond(server, outcome)))
        }
        other => other,
    }
}

fn try_advance(server: &Server, params: &Params, visit: Visit<'_>, trusted: &Trusted) -> FlowResult<Step> {
    let request = check(server, trusted, params)?;
    let client = &trusted.client;
    pushed_requests::check_required(server, client, params)?;
    reauthentication::check_hint(server, client, &request.openid)?;
    let prompt = request.openid.prompt;
    let Some(live) = login::current(server, visit.session_cookie)? else {
        // Refuse what no user could change before sending one through the login page.
        client.check_resources(&request.resources)?;
        request.scope.as_ref().map_or(Ok(()), |scope| client.check_scope(scope))?;
        return sign_in_first(prompt);
    };
    if reauthentication::is_needed(server, params, client, &request.openid, &live)? {
        return sign_in_first(prompt);
    }
    if trial::is_of_another(params, live.user.id.as_str()) {
        return Err(Denial::OtherUser.into());
    }
    let authority = authority(server, trusted, &request, &live)?;
    let scope = to_consent(client, &request, &authority);
    let remembered = match visit.just_consented || consent::is_remembered(client, &trusted.redirect_uri) {
        true => {
            let (user_id, client_id) = (live.user.id.as_str(), client.client_id.as_str());
            server.store.read(|connection| connection.find_consent(user_id, client_id))?
        }
        false => None,
    };
    let wanted = prompt.consent && !visit.just_consented;
    // What is consented to in a trial is not remembered, so it counts as it was given.
    let just_tried = visit.just_consented && trial::is_one(params);
    if !just_tried && (wanted || consent::is_needed(client.first_party, remembered.as_ref(), &scope)) {
        if prompt.none {
            return Err(Denial::ConsentRequired.into());
        }
        let question = ConsentQuestion {
            client: client.clone(),
            redirect_uri: trusted.redirect_uri.clone(),
            username: live.user.username.clone(),
            scopes: token::describe(server, &scope),
        };
        return Ok(Step::Consent(Box::new(question)));
    }
    match issue_code(server, trusted, request, &live, authority)? {
        Some(code) => Ok(Step::Respond(trusted.respond(server, AuthorizationOutcome::Code(code)))),
        None => sign_in_first(prompt),
    }
}

/// OpenID Connect Core §3.1.2.6: where no page may be shown, the client is told which one it would have been.
fn sign_in_first(prompt: Prompt) -> FlowResult<Step> {
    if prompt.none { Err(Denial::LoginRequired.into()) } else { Ok(Step::Login) }
}

/// Has the user who is signed in to sign in again for this request? What is wrong with it is told by [`advance`].
pub fn needs_login(server: &Server, params: &Params, trusted: &Trusted, live: &LiveSession) -> bool {
    let needed = |request: AuthorizeRequest| {
        reauthentication::is_needed(server, params, &trusted.client, &request.openid, live).ok()
    };
    check(server, trusted, params).ok().and_then(needed).unwrap_or(false)
}

/// What the user is asked for: the scope, and those of claims that are asked for by name (OpenID Connect Core §5.5).
fn to_consent(client: &Client, request: &AuthorizeRequest, authority: &Authority) -> Scope {
    if !authority.scope.contains(OPENID) {
        return authority.scope.clone();
    }
    let claims = &request.openid.claims;
    let named = claims.for_userinfo().chain(claims.for_id_token());
    authority.scope.union(&standard_claims::scopes_of(named, &client.scope))
}

/// The authority that this user can give this client for this request.
fn authority(
    server: &Server,
    trusted: &Trusted,
    request: &AuthorizeRequest,
    live: &LiveSession,
) -> FlowResult<Authority> {
    let wanted = Wanted {
        client: &trusted.client,
        scope: request.scope.as_ref(),
        resources: &request.resources,
        roles: &live.user.roles,
        of_user: true,
        grant: None,
    };
    Ok(token::decide(server, &wanted)?)
}

/// The checked request of a consent form, for a session: what the user is deciding on.
pub fn question(server: &Server, params: &Params, trusted: &Trusted, live: &LiveSession) -> FlowResult<Scope> {
    let request = check(server, trusted, params)?;
    let authority = authority(server, trusted, &request, live)?;
    Ok(to_consent(&trusted.client, &request, &authority))
}

fn issue_code(
    server: &Server,
    trusted: &Trusted,
    request: AuthorizeRequest,
    live: &LiveSession,
    authority: Authority,
) -> FlowResult<Option<String>> {
    let now = server.clock.now();
    let grant = Grant {
        id: GrantId(random::id(now)?),
        client_id: trusted.client.client_id.clone(),
        user_id: live.user.id.clone(),
        scope: authority.scope,
        resources: authority.resources,
        auth_time: live.session.auth_time,
        sid: Some(live.session.sid.clone()),
        claims: request.openid.claims.to_stored(),
        created_at: now,
        expires_at: token::grant_expiry(server, &trusted.client, now),
        revoked_at: None,
    };
    let code = AuthorizationCode {
        grant_id: grant.id.clone(),
        client_id: trusted.client.client_id.clone(),
        redirect_uri: trusted.redirect_uri.clone(),
        redirect_uri_sent: trusted.redirect_uri_sent,
        code_challenge: request.code_challenge,
        nonce: request.openid.nonce,
        created_at: now,
        expires_at: now + server.config.tokens.authorization_code_lifetime,
        consumed_at: None,
    };
    let text = SecretKind::AuthorizationCode.generate()?;
    let digest = server.keys.digest(SecretKind::AuthorizationCode, &text);
    let session = live.digest.clone();
    let session_end = login::session_expiry(server, live.session.auth_time, now);
    let issued = server.store.write(move |connection| {
        // The session may have been ended since it was read: by signing out, or with its user.
        if !connection.extend_login_session(&session, session_end, now)? {
            return Ok(false);
        }
        connection.insert_grant(&grant)?;
        connection.insert_authorization_code(&digest, &code)?;
        Ok(true)
    })?;
    Ok(issued.then(|| text.to_string()))
}
