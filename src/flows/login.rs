//! Signing in to this server in a browser.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent};
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::login_session::LoginSession;
use crate::domain::user::User;
use crate::flows::error::FlowResult;
use crate::flows::password_check::{self, LoginAttempt};
use crate::flows::{Server, session_end};
use crate::store::{StoreConnection, StoreError, UserWithPassword};

/// A session that is good now.
pub struct LiveSession {
    /// The session.
    pub session: LoginSession,
    /// Who signed in.
    pub user: User,
    /// The key of its row.
    pub digest: Vec<u8>,
}

/// The session of this cookie; None when there is none, it has ended, or its user may not sign in any more.
pub fn current(server: &Server, cookie: Option<&str>) -> FlowResult<Option<LiveSession>> {
    let Some(cookie) = cookie.filter(|cookie| SecretKind::LoginSession.is_well_formed(cookie)) else { return Ok(None) };
    let digest = server.keys.digest(SecretKind::LoginSession, cookie);
    let found = server.store.read(|connection| connection.find_login_session(&digest))?;
    let now = server.clock.now();
    Ok(found
        .filter(|(session, user)| now < session.expires_at && user.status == Status::Active)
        .map(|(session, user)| LiveSession { session, user, digest }))
}

/// Until when a session that is used now lasts: without use for the idle time, and never longer than its lifetime.
pub fn session_expiry(server: &Server, auth_time: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let login = &server.config.login;
    (now + login.session_idle_timeout).min(auth_time + login.session_lifetime)
}

/// Checks the password and begins a new session; the result is its cookie. A session that the browser had before ends, so
/// that none can be fixed upon a victim (ASVS 5.0 V7.2.4).
pub fn sign_in(server: &Server, attempt: &LoginAttempt, previous: Option<&str>) -> FlowResult<Zeroizing<String>> {
    let UserWithPassword { user, password_hash } = password_check::check(server, attempt)?;
    let cookie = SecretKind::LoginSession.generate()?;
    let digest = server.keys.digest(SecretKind::LoginSession, &cookie);
    let previous = previous.map(|cookie| server.keys.digest(SecretKind::LoginSession, cookie));
    let now = server.clock.now();
    let mut session = LoginSession {
        sid: random::opaque_id()?,
        user_id: user.id.clone(),
        created_at: now,
        auth_time: now,
        last_used_at: now,
        expires_at: session_expiry(server, now, now),
        address: attempt.source.address.map(|address| address.to_canonical().to_string()),
        user_agent: attempt.source.user_agent.clone(),
    };
    let event =
        NewAuditEvent::success(AuditAction::LoginSucceeded, Actor::User(user.id.0.clone()), attempt.source.clone())
            .on("user", user.id.as_str());
    let event = match &attempt.client_id {
        Some(client_id) => event.through(client_id),
        None => event,
    };
    let signed_in = server.store.write(move |connection| {
        if !connection.confirm_password(session.user_id.as_str(), &password_hash)? {
            return Ok(false);
        }
        if let Some(previous) = &previous {
            replace(connection, previous, &mut session)?;
        }
        connection.insert_login_session(&digest, &session)?;
        connection.insert_audit_event(&event, now)?;
        Ok(true)
    })?;
    if signed_in { Ok(cookie) } else { Err(Denial::LoginFailed.into()) }
}

/// Makes room for a new session in a browser that has one. The same user who signs in once more goes on in the same session
/// as far as clients know: they keep its `sid`. Somebody else's session ends, and its clients are told.
fn replace(connection: &mut StoreConnection, previous: &[u8], session: &mut LoginSession) -> Result<(), StoreError> {
    let now = session.auth_time;
    let before = connection.find_login_session(previous)?.map(|(before, _)| before);
    let Some(before) = before.filter(|before| now < before.expires_at) else {
        return connection.delete_login_session(previous).map(drop);
    };
    if before.user_id != session.user_id {
        session_end::end(connection, &before, now)?;
    } else if connection.delete_login_session(previous)? {
        // Of two at the same moment one goes on in it.
        session.sid = before.sid;
        session.created_at = before.created_at;
    }
    Ok(())
}
