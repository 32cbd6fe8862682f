//! User accounts, as operators manage them.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::domain::audit_event::{Actor, AuditAction};
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::grant::RevocationReason;
use crate::domain::ids::UserId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::profile::Profile;
use crate::domain::profile_rules;
use crate::domain::search::ListFilter;
use crate::domain::user::{InvalidUser, User, check_profile, check_username};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::member::{not_null, present};
use crate::flows::password_check;
use crate::flows::session_end;
use crate::protocol::strict_json;
use crate::store::{StoreError, UserWithPassword};

/// A password on its way in. No `Debug`.
#[derive(Clone, utoipa::ToSchema)]
#[schema(value_type = String, min_length = 8)]
pub struct NewPassword(pub Zeroizing<String>);

impl<'de> Deserialize<'de> for NewPassword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// A user to create.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What they type to sign in; unique without regard to case.
    pub username: String,
    /// At least 8 characters.
    pub password: NewPassword,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// Address.
    #[serde(default)]
    pub email: Option<String>,
    /// What else is known of the person.
    #[serde(default)]
    pub profile: Profile,
    /// Roles, as configured.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// What may be edited of a user; a member that is left out stays as it is, an explicit null empties it.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserEdit {
    /// Another name to sign in with.
    #[serde(deserialize_with = "not_null")]
    pub username: Option<String>,
    /// Display name.
    #[serde(deserialize_with = "present")]
    pub name: Option<Option<String>>,
    /// Address.
    #[serde(deserialize_with = "present")]
    pub email: Option<Option<String>>,
    /// Members of the profile, merged into it (RFC 7396).
    #[schema(value_type = Option<Profile>)]
    #[serde(deserialize_with = "members_or_empty")]
    pub profile: Option<Value>,
    /// Roles.
    #[serde(deserialize_with = "not_null")]
    pub roles: Option<Vec<String>>,
}

/// For members of an object: a null empties all of it.
fn members_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// RFC 7396 §2 for an object of at most two levels: members that are named replace, null removes, null itself empties.
fn merged(profile: &Profile, edit: Value) -> Result<Profile, Denial> {
    let refuse = |text: String| Denial::InvalidMember(format!("profile: {text}"));
    let mut target = serde_json::to_value(profile).map_err(|error| refuse(error.to_string()))?;
    if edit.is_null() {
        return Ok(Profile::default());
    }
    if !edit.is_object() {
        return Err(refuse("must be an object".to_owned()));
    }
    merge(&mut target, edit);
    strict_json::read(target).map_err(|error| refuse(error.to_string()))
}

fn merge(target: &mut Value, edit: Value) {
    match (target, edit) {
        (Value::Object(target), Value::Object(edit)) => {
            for (name, value) in edit {
                if value.is_null() {
                    target.remove(&name);
                } else {
                    merge(target.entry(name).or_insert_with(|| Value::Object(Map::new())), value);
                }
            }
        }
        (target, edit) => *target = edit,
    }
}

/// Another address or number was not proven to be theirs, unless the same edit says so.
pub(in crate::flows) fn forget_proofs(before: &User, edited: &mut User, named: &Value) {
    if edited.email != before.email && named.get("email_verified").is_none() {
        edited.profile.email_verified = None;
    }
    if edited.profile.phone_number != before.profile.phone_number && named.get("phone_number_verified").is_none() {
        edited.profile.phone_number_verified = None;
    }
}

impl From<InvalidUser> for Denial {
    fn from(error: InvalidUser) -> Self {
        Self::InvalidMember(error.to_string())
    }
}

/// Roles must be configured, and the caller must hold all that they hold.
pub(in crate::flows) fn check_roles(server: &Server, caller: &Caller, roles: &[String]) -> Result<(), Denial> {
    if let Some(unknown) = roles.iter().find(|role| !server.roles.contains(role)) {
        let known = server.roles.names().collect::<Vec<_>>().join(", ");
        return Err(Denial::InvalidMember(format!("there is no role '{unknown}'; the configured ones are: {known}")));
    }
    caller.may_hand_out(server.roles.scope_of(roles).iter())
}

/// Whoever can change an account can become it: only for accounts that hold no more than the caller.
pub(in crate::flows) fn check_over(server: &Server, caller: &Caller, user: &User) -> Result<(), Denial> {
    caller.may_hand_out(server.roles.scope_of(&user.roles).iter())
}

/// Whoever shuts themselves out may be the last who could let anybody in again.
fn check_other(caller: &Caller, user: &User, shuts_out: bool, what: &str) -> Result<(), Denial> {
    let own = matches!(&caller.actor, Actor::User(id) if *id == user.id.0);
    if own && shuts_out {
        return Err(Denial::Conflict(format!("you cannot {what}: somebody else has to")));
    }
    Ok(())
}

/// Two edits at the same moment: the later one has not seen the earlier.
pub(in crate::flows) const CHANGED: &str = "the user was changed meanwhile: read it again";

fn taken(error: StoreError) -> FlowError {
    match error {
        StoreError::Conflict(_) => Denial::Conflict("a user of this name exists already".to_owned()).into(),
        other => other.into(),
    }
}

/// Creates a user.
pub fn create(server: &Server, caller: &Caller, new: NewUser) -> FlowResult<User> {
    caller.require("users:write")?;
    check_username(&new.username).map_err(Denial::from)?;
    check_profile(new.name.as_deref(), new.email.as_deref()).map_err(Denial::from)?;
    profile_rules::check(&new.profile).map_err(Denial::from)?;
    let known = (new.name.as_deref(), new.email.as_deref());
    password_check::check_choice(server, &new.password.0, &new.username, known)?;
    check_roles(server, caller, &new.roles)?;
    let now = server.clock.now();
    let user = User {
        id: UserId(random::id(now)?),
        username: new.username,
        name: new.name,
        email: new.email,
        profile: new.profile,
        roles: new.roles,
        status: Status::Active,
        created_at: now,
        updated_at: now,
        password_changed_at: now,
    };
    let password_hash = password_check::hash_new(server, &new.password.0)?;
    let event = caller.event(AuditAction::UserCreated, "user", user.id.as_str());
    let account = UserWithPassword { user: user.clone(), password_hash };
    let written = server.store.write(move |connection| {
        connection.insert_user(&account)?;
        connection.insert_audit_event(&event, now)
    });
    written.map(|()| user).map_err(taken)
}

/// One user, by id or by name.
pub fn show(server: &Server, caller: &Caller, id_or_name: &str) -> FlowResult<User> {
    caller.require("users:read")?;
    find(server, id_or_name)
}

/// A user by id or by name.
pub(in crate::flows) fn find(server: &Server, id_or_name: &str) -> FlowResult<User> {
    let found = server.store.read(|connection| match connection.find_user(id_or_name)? {
        Some(user) => Ok(Some(user)),
        None => Ok(connection.find_user_by_username(id_or_name)?.map(|account| account.user)),
    })?;
    found.ok_or(FlowError::Denied(Denial::NotFound("user")))
}

/// An account that the caller may change, or end a part of.
pub(in crate::flows) fn find_to_change(server: &Server, caller: &Caller, id_or_name: &str) -> FlowResult<User> {
    caller.require("users:write")?;
    let user = find(server, id_or_name)?;
    check_over(server, caller, &user)?;
    Ok(user)
}

/// A page of users.
pub fn list(server: &Server, caller: &Caller, filter: &ListFilter, page: &PageRequest) -> FlowResult<Page<User>> {
    caller.require("users:read")?;
    Ok(server.store.read(|connection| connection.list_users(filter, page))?)
}

/// Edits a user.
pub fn update(server: &Server, caller: &Caller, id: &str, edit: UserEdit) -> FlowResult<User> {
    let before = find_to_change(server, caller, id)?;
    let mut user = before.clone();
    if let Some(username) = edit.username {
        check_username(&username).map_err(Denial::from)?;
        user.username = username;
    }
    if let Some(name) = edit.name {
        user.name = name;
    }
    if let Some(email) = edit.email {
        user.email = email;
    }
    let named = edit.profile.clone().unwrap_or_default();
    if let Some(profile) = edit.profile {
        user.profile = merged(&user.profile, profile)?;
    }
    forget_proofs(&before, &mut user, &named);
    if let Some(roles) = edit.roles {
        check_roles(server, caller, &roles)?;
        let lost = user.roles.iter().any(|role| !roles.contains(role));
        check_other(caller, &user, lost, "take a role from yourself")?;
        user.roles = roles;
    }
    check_profile(user.name.as_deref(), user.email.as_deref()).map_err(Denial::from)?;
    profile_rules::check(&user.profile).map_err(Denial::from)?;
    let (now, read_at) = (server.clock.now(), user.updated_at);
    user.updated_at = now;
    let event = caller.event(AuditAction::UserUpdated, "user", user.id.as_str());
    let row = user.clone();
    let done = server.store.write(move |connection| {
        let done = connection.update_user(&row, read_at)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    });
    if done.map_err(taken)? { Ok(user) } else { Err(Denial::Conflict(CHANGED.to_owned()).into()) }
}

/// Sets a new password. Everything that the old one opened is closed: sessions, grants and personal tokens.
pub fn set_password(server: &Server, caller: &Caller, id: &str, password: &NewPassword) -> FlowResult<User> {
    let user = find_to_change(server, caller, id)?;
    let known = (user.name.as_deref(), user.email.as_deref());
    password_check::check_choice(server, &password.0, &user.username, known)?;
    let hash = password_check::hash_new(server, &password.0)?;
    let now = server.clock.now();
    let event = caller.event(AuditAction::UserPasswordSet, "user", user.id.as_str());
    let user_id = user.id.0.clone();
    let done = server.store.write(move |connection| {
        let done = connection.update_user_password(&user_id, &hash, now)?;
        session_end::end_all(connection, &user_id, now)?;
        connection.revoke_grants_of_user(&user_id, RevocationReason::UserChange, now)?;
        connection.revoke_personal_tokens_of_user(&user_id, now)?;
        connection.insert_audit_event(&event, now)?;
        Ok(done)
    })?;
    if done { Ok(User { password_changed_at: now, ..user }) } else { Err(Denial::NotFound("user").into()) }
}

/// Disables or enables an account. A disabled one loses its sessions, grants and personal tokens, for good.
pub fn set_active(server: &Server, caller: &Caller, id: &str, active: bool) -> FlowResult<User> {
    let to = if active { Status::Active } else { Status::Inactive };
    caller.require_to_set(to, "users:write")?;
    let mut user = find(server, id)?;
    check_over(server, caller, &user)?;
    check_other(caller, &user, !active, "disable yourself")?;
    let now = server.clock.now();
    user.status = to;
    user.updated_at = now;
    let action = if active { AuditAction::UserEnabled } else { AuditAction::UserDisabled };
    let event = caller.event(action, "user", user.id.as_str());
    let row = user.clone();
    server.store.write(move |connection| {
        connection.update_user_status(row.id.as_str(), row.status, now)?;
        if !active {
            session_end::end_all(connection, row.id.as_str(), now)?;
            connection.revoke_grants_of_user(row.id.as_str(), RevocationReason::UserChange, now)?;
            connection.revoke_personal_tokens_of_user(row.id.as_str(), now)?;
        }
        connection.insert_audit_event(&event, now)
    })?;
    Ok(user)
}
