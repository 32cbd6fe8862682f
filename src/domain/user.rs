//! A user: the resource owner (RFC 6749 §1.1).

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::client::Status;
use crate::domain::ids::UserId;
use crate::domain::profile::Profile;
use crate::domain::text::is_deceptive;

/// A user account. The password hash is kept apart and never leaves the store and login flows.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct User {
    /// The `sub` of this user's tokens.
    pub id: UserId,
    /// What they type to sign in, as written; compared without case.
    pub username: String,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What else is known of the person.
    #[serde(skip_serializing_if = "Profile::is_empty")]
    pub profile: Profile,
    /// The roles held.
    pub roles: Vec<String>,
    /// `active` or `inactive`.
    pub status: Status,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
    /// When the password was last set.
    pub password_changed_at: DateTime<Utc>,
}

/// A rule that a user's data breaks, as a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUser(pub &'static str);

/// The form in which usernames are compared: lower case, so that `Ada` and `ada` are one account.
pub fn username_key(username: &str) -> String {
    username.trim().to_lowercase()
}

/// Checks a username: 1 to 100 characters, no control or direction characters, no space at either end.
pub fn check_username(username: &str) -> Result<(), InvalidUser> {
    let length = username.chars().count();
    if length == 0 || length > 100 || username.chars().any(is_deceptive) || username.trim() != username {
        return Err(InvalidUser(
            "username must have 1 to 100 characters, no control or direction characters, no space at its ends",
        ));
    }
    Ok(())
}

/// Checks the free texts of a profile.
pub fn check_profile(name: Option<&str>, email: Option<&str>) -> Result<(), InvalidUser> {
    if name.is_some_and(|name| name.len() > 200 || name.chars().any(is_deceptive)) {
        return Err(InvalidUser("name must have at most 200 bytes and no control or direction characters"));
    }
    let is_address = |email: &str| {
        let (local, domain) = email.rsplit_once('@').unwrap_or_default();
        email.len() <= 254
            && !local.is_empty()
            && !domain.is_empty()
            && !email.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    if email.is_some_and(|email| !is_address(email)) {
        return Err(InvalidUser("email must be an address of at most 254 bytes"));
    }
    Ok(())
}
