//! What people say of themselves. The name to sign in with, what was proven of an address, and what clients may take for a
//! name to sign in with are the operator's affair.

use chrono::TimeDelta;
use serde_json::Value;

use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::profile::Profile;
use crate::domain::profile_rules;
use crate::domain::user::{User, check_profile};
use crate::flows::Server;
use crate::flows::account::Person;
use crate::flows::error::FlowResult;
use crate::flows::users::{CHANGED, forget_proofs};

/// A profile as it is to be, whole. Members of `profile` that people cannot edit themselves are passed over:
/// `preferred_username`, by which clients know accounts, and what was verified.
#[derive(Debug, Clone, Default)]
pub struct OwnProfile {
    /// Display name.
    pub name: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// The rest.
    pub profile: Profile,
}

/// Replaces the profile. Another address or number is not verified any more.
pub fn update(server: &Server, person: &Person, own: OwnProfile) -> FlowResult<User> {
    let before = &person.user;
    let mut user = before.clone();
    user.name = own.name;
    user.email = own.email;
    user.profile = Profile {
        preferred_username: before.profile.preferred_username.clone(),
        email_verified: before.profile.email_verified,
        phone_number_verified: before.profile.phone_number_verified,
        ..own.profile
    };
    forget_proofs(before, &mut user, &Value::Null);
    check_profile(user.name.as_deref(), user.email.as_deref()).map_err(Denial::from)?;
    profile_rules::check(&user.profile).map_err(Denial::from)?;
    let now = server.clock.now();
    // Later than what was read, so that two edits of one moment do not pass for one.
    user.updated_at = now.max(before.updated_at + TimeDelta::microseconds(1));
    let event = person.event(AuditAction::UserUpdated, "user", before.id.as_str());
    let (row, read_at) = (user.clone(), before.updated_at);
    let done = server.store.write(move |connection| {
        let done = connection.update_user(&row, read_at)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if done { Ok(user) } else { Err(Denial::Conflict(CHANGED.to_owned()).into()) }
}
