//! One user of another system, as a JSON object says it: the members of an account and the standard claims beside them.

use serde_json::{Map, Value};

use crate::crypto::imported_password::check_importable;
use crate::domain::client::Status;
use crate::domain::ids::{ClientId, UserId};
use crate::domain::profile::Profile;
use crate::domain::profile_rules;
use crate::domain::user::{User, check_profile, check_username};
use crate::protocol::strict_json;

/// A user to take over. What is not said takes its default, or stays as it is. No `Debug`: it holds a hash.
#[derive(Clone, Default)]
pub struct UserRecord {
    /// The identifier there, to become `sub`; generated where absent.
    pub id: Option<String>,
    /// What they type to sign in.
    pub username: String,
    /// Display name.
    pub name: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Roles.
    pub roles: Option<Vec<String>>,
    /// Active or not.
    pub status: Option<Status>,
    /// The hash there; an account without one has no password.
    pub password_hash: Option<String>,
    /// The standard claims that were said.
    profile: Map<String, Value>,
}

/// A member as text.
pub(in crate::flows) fn text(said: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match said.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        // Identifiers of other systems are often numbers.
        Some(Value::Number(number)) if name == "id" => Ok(Some(number.to_string())),
        Some(_) => Err(format!("{name} must be a text")),
    }
}

fn texts(said: &mut Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, String> {
    match said.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value).map(Some).map_err(|_| format!("{name} must be a list of texts")),
    }
}

impl UserRecord {
    /// Reads one, and checks what can be checked of it alone.
    pub fn read(mut said: Map<String, Value>) -> Result<Self, String> {
        let status = match text(&mut said, "status")?.as_deref() {
            None => None,
            Some("active") => Some(Status::Active),
            Some("inactive") => Some(Status::Inactive),
            Some(_) => return Err("status must be active or inactive".to_owned()),
        };
        let record = Self {
            id: text(&mut said, "id")?,
            username: text(&mut said, "username")?.ok_or("username is missing")?,
            name: text(&mut said, "name")?,
            email: text(&mut said, "email")?,
            roles: texts(&mut said, "roles")?,
            status,
            password_hash: text(&mut said, "password_hash")?.filter(|hash| !hash.is_empty()),
            profile: said.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        };
        if record.id.as_deref().is_some_and(|id| !UserId::is_valid(id) || ClientId::is_reserved(id)) {
            return Err("id must have 1 to 128 of the characters A-Z a-z 0-9 - . _ ~ | : @".to_owned());
        }
        check_username(&record.username).map_err(|error| error.to_string())?;
        check_profile(record.name.as_deref(), record.email.as_deref()).map_err(|error| error.to_string())?;
        if let Some(hash) = &record.password_hash {
            check_importable(hash).map_err(|error| error.to_string())?;
        }
        profile_rules::check(&record.profile_over(&Profile::default())?).map_err(|error| error.to_string())?;
        Ok(record)
    }

    /// The claims that were said, over those that are known.
    fn profile_over(&self, known: &Profile) -> Result<Profile, String> {
        let mut all = match serde_json::to_value(known) {
            Ok(Value::Object(all)) => all,
            _ => Map::new(),
        };
        all.extend(self.profile.clone());
        strict_json::read(Value::Object(all)).map_err(|error| format!("the profile is not usable: {error}"))
    }

    /// What the account becomes by what was said.
    pub fn over(&self, known: &User) -> Result<User, String> {
        Ok(User {
            username: self.username.clone(),
            name: self.name.clone().or_else(|| known.name.clone()),
            email: self.email.clone().or_else(|| known.email.clone()),
            roles: self.roles.clone().unwrap_or_else(|| known.roles.clone()),
            status: self.status.unwrap_or(known.status),
            profile: self.profile_over(&known.profile)?,
            ..known.clone()
        })
    }
}

/// Is it the same account, whatever the time of its last edit?
pub fn is_same(one: &User, other: &User) -> bool {
    one.username == other.username
        && one.name == other.name
        && one.email == other.email
        && one.roles == other.roles
        && one.status == other.status
        && one.profile == other.profile
}
