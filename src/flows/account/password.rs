//! A new password, by whoever knows the old one.

use zeroize::Zeroizing;

use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::grant::RevocationReason;
use crate::flows::account::Person;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::password_check::{self, LoginAttempt};
use crate::flows::{Server, session_end};

/// Both passwords. No `Debug`.
pub struct PasswordChange {
    /// The one that holds.
    pub old: Zeroizing<String>,
    /// The one that is to hold.
    pub new: Zeroizing<String>,
}

/// Changes the password. A wrong old one counts as a failed log-in. What the old one opened is closed, but for the session in
/// which this is asked: all other sessions, every grant with its refresh tokens, and every personal token.
pub fn change(server: &Server, person: &Person, change: PasswordChange) -> FlowResult<()> {
    let user = &person.user;
    // Before the old one is tried: what cannot be set costs no attempt.
    let (name, email) = (user.name.as_deref(), user.email.as_deref());
    password_check::check_choice(server, &change.new, &user.username, (name, email))?;
    if change.new.as_bytes() == change.old.as_bytes() {
        return Err(Denial::InvalidMember("password must be another one than the old one".to_owned()).into());
    }
    let attempt = LoginAttempt {
        username: user.username.clone(),
        password: change.old,
        client_id: person.client_id.clone(),
        source: person.source.clone(),
    };
    let proven = match password_check::check(server, &attempt) {
        Ok(proven) if proven.user.id == user.id => proven,
        Ok(_) | Err(FlowError::Denied(Denial::LoginFailed)) => return Err(Denial::PasswordWrong.into()),
        Err(error) => return Err(error),
    };
    let hash = password_check::hash_new(server, &change.new)?;
    let now = server.clock.now();
    let event = person.event(AuditAction::UserPasswordChanged, "user", user.id.as_str());
    let (user_id, sid) = (person.id(), person.sid.clone());
    let done = server.store.write(move |connection| {
        // Of two changes at the same moment one knew the password that held.
        if !connection.confirm_password(&user_id, &proven.password_hash)? {
            return Ok(false);
        }
        connection.update_user_password(&user_id, &hash, now)?;
        session_end::end_others(connection, &user_id, sid.as_deref(), now)?;
        connection.revoke_grants_of_user(&user_id, RevocationReason::UserChange, now)?;
        connection.revoke_personal_tokens_of_user(&user_id, now)?;
        connection.insert_audit_event(&event, now)?;
        Ok(true)
    })?;
    if done { Ok(()) } else { Err(Denial::PasswordWrong.into()) }
}
