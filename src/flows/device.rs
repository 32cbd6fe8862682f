//! The device authorization grant (RFC 8628) up to the user's answer: a device asks for codes, a person types one in
//! another browser, signs in and decides.

use crate::counters::login_throttle::Attempt;
use crate::crypto::random;
use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::{Client, Status};
use crate::domain::denial::Denial;
use crate::domain::device_authorization::{DeviceAuthorization, DeviceDecision, INTERVAL};
use crate::domain::grant::Grant;
use crate::domain::ids::GrantId;
use crate::flows::error::{Failure, FlowError, FlowResult};
use crate::flows::login::{self, LiveSession};
use crate::flows::token::{self, Authority, Wanted};
use crate::flows::{Server, client_auth};
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::device_authorization::{DeviceAuthorizationResponse, UserCode};
use crate::protocol::error_code::ErrorCode;
use crate::protocol::grant_type::GrantType;
use crate::protocol::params::{ParamError, Params};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;
use crate::store::StoreError;

/// How often a user code is drawn anew because it is taken: with 2^34 of them, once is already rare.
const MAX_DRAWS: usize = 5;

/// Gives a device its codes (RFC 8628 §3.1, §3.2).
pub fn authorize(
    server: &Server,
    params: &Params,
    presented: Result<PresentedCredentials, CredentialsError>,
    source: &Source,
) -> FlowResult<DeviceAuthorizationResponse> {
    let client = client_auth::authenticate(server, presented, source)?;
    client.check_grant(GrantType::DeviceCode)?;
    let (scope, resources) = read(params)?;
    // Refuse what no user could change before anybody types a code.
    client.check_resources(&resources)?;
    scope.as_ref().map_or(Ok(()), |scope| client.check_scope(scope))?;
    let now = server.clock.now();
    let lifetime = server.config.authorization.device_code_lifetime;
    let asked = DeviceAuthorization {
        client_id: client.client_id,
        scope,
        resources,
        decision: DeviceDecision::Pending,
        interval: INTERVAL,
        polled_at: None,
        created_at: now,
        expires_at: now + lifetime,
        consumed_at: None,
    };
    let device_code = SecretKind::DeviceCode.generate()?;
    let device_digest = server.keys.digest(SecretKind::DeviceCode, &device_code);
    let user_code = insert(server, &device_digest, &asked)?.shown();
    let verification_uri = format!("{}/device", server.config.server.issuer);
    Ok(DeviceAuthorizationResponse {
        device_code: device_code.to_string(),
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        user_code,
        verification_uri,
        expires_in: i64::try_from(lifetime.as_secs()).unwrap_or_default(),
        interval: INTERVAL.into(),
    })
}

fn read(params: &Params) -> Result<(Option<Scope>, Vec<Resource>), Denial> {
    let malformed = |error: ParamError| Denial::MalformedRequest(error.to_string());
    let scope = params.optional("scope").map_err(malformed)?.map(Scope::parse).transpose();
    let scope = scope.map_err(|error| Denial::Unreadable(ErrorCode::InvalidScope, error.to_string()))?;
    let resources: Result<Vec<_>, _> = params.all("resource").into_iter().map(Resource::parse).collect();
    let resources = resources.map_err(|error| Denial::Unreadable(ErrorCode::InvalidTarget, error.to_string()))?;
    Ok((scope.filter(|scope| !scope.is_empty()), resources))
}

fn insert(server: &Server, device_digest: &[u8], asked: &DeviceAuthorization) -> FlowResult<UserCode> {
    for _ in 0..MAX_DRAWS {
        let Some(code) = UserCode::from_octets(&random::octets::<32>()?) else { continue };
        let (device_digest, user_digest) = (device_digest.to_vec(), server.keys.digest_user_code(&code));
        let stored = asked.clone();
        let written = server
            .store
            .write(move |connection| connection.insert_device_authorization((&device_digest, &user_digest), &stored));
        match written {
            Ok(()) => return Ok(code),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Internal("no free user code was found".to_owned()).into())
}

/// Somebody who typed a code: guesses are counted by address and by who they are, as far as that is known.
pub struct Typed<'a> {
    /// What they typed.
    pub text: &'a str,
    /// The cookie of their session.
    pub session: Option<&'a str>,
    /// The value of their browser.
    pub browser: Option<&'a str>,
    /// Where they come from.
    pub source: Source,
}

/// What a person is asked about a device.
pub struct DeviceQuestion {
    /// The client on the device.
    pub client: Client,
    /// The code as the device shows it.
    pub user_code: String,
    /// Who is asked.
    pub username: String,
    /// The scopes it wants, with their descriptions.
    pub scopes: Vec<(String, String)>,
}

/// A typed code that somebody can decide on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceStep {
    /// The person has to sign in first; the code as it is shown.
    Login(String),
    /// The person can be asked; the code as it is shown.
    Ask(String),
}

/// A code that somebody can decide on.
struct Open {
    code: UserCode,
    asked: DeviceAuthorization,
    client: Client,
}

/// Looks at a typed code: a person who is not signed in has to do that next.
pub fn look(server: &Server, typed: &Typed<'_>) -> FlowResult<DeviceStep> {
    let live = login::current(server, typed.session)?;
    let shown = find(server, typed, live.as_ref())?.code.shown();
    Ok(if live.is_some() { DeviceStep::Ask(shown) } else { DeviceStep::Login(shown) })
}

/// What the person who typed this is asked. None where nobody is signed in: then the code is not even looked at.
pub fn question(server: &Server, typed: &Typed<'_>) -> FlowResult<Option<DeviceQuestion>> {
    let Some(live) = login::current(server, typed.session)? else { return Ok(None) };
    let open = find(server, typed, Some(&live))?;
    let authority = authority(server, &open, &live)?;
    Ok(Some(DeviceQuestion {
        scopes: token::describe(server, &authority.scope),
        user_code: open.code.shown(),
        username: live.user.username,
        client: open.client,
    }))
}

/// Finds the authorization of a typed code. RFC 8628 §5.1: so few letters can be tried out, so wrong ones are counted, and
/// after too many none is looked at.
fn find(server: &Server, typed: &Typed<'_>, live: Option<&LiveSession>) -> FlowResult<Open> {
    let who = live.map(|live| live.user.id.as_str()).or(typed.browser).unwrap_or_default();
    let now = server.clock.now();
    let attempt = Attempt { account: who.to_owned(), address: typed.source.counted_address(), now };
    let look = || -> FlowResult<Option<Open>> {
        let Some(code) = UserCode::parse(typed.text) else { return Ok(None) };
        let digest = server.keys.digest_user_code(&code);
        let found = server.store.read(|connection| {
            let Some(asked) = connection.find_device_authorization_by_user_code(&digest)? else { return Ok(None) };
            let client = connection.find_client(asked.client_id.as_str())?;
            Ok(client.map(|client| (asked, client)))
        })?;
        let open = found.filter(|(asked, client)| asked.is_open(now) && client.status == Status::Active);
        Ok(open.map(|(asked, client)| Open { code, asked, client }))
    };
    match server.user_code_throttle.attempt(&attempt, look, |found| matches!(found, Ok(None))) {
        Ok(found) => found?.ok_or(FlowError::Denied(Denial::UserCodeUnknown)),
        Err(throttled) => {
            server.metrics.login_throttled();
            if throttled.first {
                let actor = live.map_or(Actor::Anonymous, |live| Actor::User(live.user.id.0.clone()));
                let event = NewAuditEvent::failure(AuditAction::UserCodeThrottled, actor, typed.source.clone());
                server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
            }
            Err(Denial::LoginThrottled(throttled.retry_after).into())
        }
    }
}

/// What this user can give this device.
fn authority(server: &Server, open: &Open, live: &LiveSession) -> FlowResult<Authority> {
    let wanted = Wanted {
        client: &open.client,
        scope: open.asked.scope.as_ref(),
        resources: &open.asked.resources,
        roles: &live.user.roles,
        of_user: true,
        grant: None,
    };
    Ok(token::decide(server, &wanted)?)
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// It is recorded: the device will hear of it.
    Recorded,
    /// The session ended while the page was open; the code as it is shown.
    Login(String),
}

/// Records the answer. It is not remembered for the next time: whoever is tricked into typing a code once must not have
/// allowed all that follow (RFC 8628 §5.4).
pub fn decide(server: &Server, typed: &Typed<'_>, allow: bool) -> FlowResult<DeviceAnswer> {
    let live = login::current(server, typed.session)?;
    let open = find(server, typed, live.as_ref())?;
    let shown = open.code.shown();
    let Some(live) = live else { return Ok(DeviceAnswer::Login(shown)) };
    let now = server.clock.now();
    let digest = server.keys.digest_user_code(&open.code);
    let grant = if allow { Some(grant(server, &open, &live)?) } else { None };
    let action = if allow { AuditAction::ConsentDeviceGranted } else { AuditAction::ConsentDeviceDenied };
    let event = NewAuditEvent::success(action, Actor::User(live.user.id.0.clone()), typed.source.clone())
        .on("client", open.client.client_id.as_str())
        .through(open.client.client_id.as_str());
    let event = match &grant {
        Some(grant) => event.detail(grant.scope.to_string()),
        None => event,
    };
    let (session, session_end) = (live.digest.clone(), login::session_expiry(server, live.session.auth_time, now));
    let recorded = server.store.write(move |connection| {
        // The session may have been ended since it was read: by signing out, or with its user.
        if !connection.extend_login_session(&session, session_end, now)? {
            return Ok(DeviceAnswer::Login(shown));
        }
        let done = match &grant {
            Some(grant) => {
                connection.insert_grant(grant)?;
                connection.allow_device_authorization(&digest, &grant.id, now)?
            }
            None => connection.deny_device_authorization(&digest, now)?,
        };
        // The same form, sent twice at the same moment: the other one decided.
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(DeviceAnswer::Recorded)
    });
    Ok(recorded?)
}

fn grant(server: &Server, open: &Open, live: &LiveSession) -> FlowResult<Grant> {
    let authority = authority(server, open, live)?;
    let now = server.clock.now();
    Ok(Grant {
        id: GrantId(random::id(now)?),
        client_id: open.client.client_id.clone(),
        user_id: live.user.id.clone(),
        scope: authority.scope,
        resources: authority.resources,
        auth_time: live.session.auth_time,
        // The device goes on when the browser in which it was allowed is signed out.
        sid: None,
        claims: None,
        created_at: now,
        expires_at: token::grant_expiry(server, &open.client, now),
        revoked_at: None,
    })
}
