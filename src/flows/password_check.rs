//! Checking a user's password, for the login page and the password grant alike (RFC 6749 §4.3, §10.7).

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::counters::login_throttle::{Attempt, Throttled};
use crate::crypto::password::{PasswordError, Verified};
use crate::domain::alert::AlertSubject;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::password_choice::{KnownNames, MAX_PASSWORD_BYTES, check_new_password};
use crate::domain::user::username_key;
use crate::flows::error::FlowResult;
use crate::flows::{Server, alerts};
use crate::store::{StoreError, UserWithPassword};

/// What a log-in attempt presents. No `Debug`: it holds a password.
pub struct LoginAttempt {
    /// As typed.
    pub username: String,
    /// As typed.
    pub password: Zeroizing<String>,
    /// The client through which the user signs in.
    pub client_id: Option<String>,
    /// From where.
    pub source: Source,
}

/// Refuses a new password that may not be chosen by a user of this name, display name and address. Every way to set one asks
/// here.
pub fn check_choice(
    server: &Server,
    password: &str,
    username: &str,
    known: (Option<&str>, Option<&str>),
) -> Result<(), Denial> {
    let names = KnownNames::of(username, known, &server.config.brand.name);
    check_new_password(password, &names).map_err(Denial::from)
}

/// Checks a password. What follows from it must be written with `confirm_password`, for the account may change while this
/// waits for its hash. Unknown user, wrong password and disabled account get the same answer after the same work.
pub fn check(server: &Server, attempt: &LoginAttempt) -> FlowResult<UserWithPassword> {
    if attempt.password.len() > MAX_PASSWORD_BYTES || attempt.username.len() > MAX_PASSWORD_BYTES {
        // No such password or name can be stored; refused without work, and without a row that an attacker fills.
        return Err(Denial::LoginFailed.into());
    }
    let account = server.store.read(|connection| connection.find_user_by_username(&attempt.username))?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let subject = account.as_ref().map(|account| AlertSubject::new("user", account.user.id.as_str()));
    let verified = match hash_on_the_pool(server, attempt, stored.clone())? {
        Ok(verified) => verified?,
        Err(throttled) => {
            if throttled.first {
                alerts::login_throttled(server, subject, &attempt.source);
            }
            return Err(refuse_throttled(server, attempt, throttled)?.into());
        }
    };
    let counted = counted(server, attempt);
    match account.filter(|_| verified.matches) {
        Some(account) if account.user.status == Status::Active => {
            server.throttle.succeeded(&counted);
            if verified.needs_rehash { rehash(server, account, attempt) } else { Ok(account) }
        }
        disabled => {
            // A wrong password was counted with the attempt.
            if disabled.is_some() {
                server.throttle.failed(&counted);
            }
            alerts::authentication_failed(server, subject, Some(&attempt.source));
            record_failure(server, attempt)?;
            Err(Denial::LoginFailed.into())
        }
    }
}

fn counted(server: &Server, attempt: &LoginAttempt) -> Attempt {
    let (account, address) = (username_key(&attempt.username), attempt.source.counted_address());
    Attempt { account, address, now: server.clock.now() }
}

type PoolAnswer = Result<Result<Verified, PasswordError>, Throttled>;

/// The throttle is asked on the pool thread right before the work: what waits in the queue is not yet an attempt.
fn hash_on_the_pool(server: &Server, attempt: &LoginAttempt, stored: Option<String>) -> FlowResult<PoolAnswer> {
    let (hashing, throttle) = (Arc::clone(&server.passwords), Arc::clone(&server.throttle));
    let (password, counted) = (attempt.password.clone(), counted(server, attempt));
    Ok(server.password_pool.run(move |memory| {
        let check = || hashing.verify(&password, stored.as_deref(), memory);
        throttle.attempt(&counted, check, |verified| verified.as_ref().is_ok_and(|verified| !verified.matches))
    })?)
}

fn event(attempt: &LoginAttempt, action: AuditAction) -> NewAuditEvent {
    // The name as typed may be a password typed into the wrong field: only its start is kept.
    let shown: String = attempt.username.chars().filter(|c| !c.is_control()).take(64).collect();
    let event = NewAuditEvent::failure(action, Actor::Anonymous, attempt.source.clone()).on("username", &shown);
    match &attempt.client_id {
        Some(client_id) => event.through(client_id),
        None => event,
    }
}

fn record_failure(server: &Server, attempt: &LoginAttempt) -> Result<(), StoreError> {
    let (event, now) = (event(attempt, AuditAction::LoginFailed), server.clock.now());
    server.store.write(move |connection| connection.insert_audit_event(&event, now))
}

/// A refused attempt is counted; only the first of a window is audited, so that a flood does not fill the log.
fn refuse_throttled(server: &Server, attempt: &LoginAttempt, throttled: Throttled) -> Result<Denial, StoreError> {
    server.metrics.login_throttled();
    if throttled.first {
        let (event, now) = (event(attempt, AuditAction::LoginThrottled), server.clock.now());
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    }
    Ok(Denial::LoginThrottled(throttled.retry_after))
}

/// The cost has been raised since this password was hashed: hash it again while it is known.
fn rehash(server: &Server, account: UserWithPassword, attempt: &LoginAttempt) -> FlowResult<UserWithPassword> {
    let (hashing, password) = (Arc::clone(&server.passwords), attempt.password.clone());
    let new = server.password_pool.run(move |memory| hashing.hash(&password, memory))??;
    let (id, old, wanted) = (account.user.id.0.clone(), account.password_hash.clone(), new.clone());
    let done = server.store.write(move |connection| connection.update_user_rehash(&id, &old, &wanted))?;
    Ok(if done { UserWithPassword { password_hash: new, ..account } } else { account })
}

/// Hashes a new password on the pool.
pub fn hash_new(server: &Server, password: &Zeroizing<String>) -> FlowResult<String> {
    let (hashing, password) = (Arc::clone(&server.passwords), password.clone());
    Ok(server.password_pool.run(move |memory| hashing.hash(&password, memory))??)
}

/// Is this the text that was hashed? Answered on the pool.
pub fn is_password(server: &Server, text: &Zeroizing<String>, hash: &str) -> FlowResult<bool> {
    let (hashing, text, hash) = (Arc::clone(&server.passwords), text.clone(), hash.to_owned());
    Ok(server.password_pool.run(move |memory| hashing.verify(&text, Some(&hash), memory))??.matches)
}
