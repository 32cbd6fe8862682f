//! The standard claims about a user (OpenID Connect Core §5.1) and the scopes that they come with (§5.4). What is not known is
//! left out: no claim is null or empty (§5.3.2).

use serde_json::{Map, Value};

use crate::domain::user::User;
use crate::protocol::scope::{OFFLINE_ACCESS, OPENID, Scope};

/// The scopes of OpenID Connect with what they allow, for the person asked to consent. They belong to no resource.
pub const OPENID_SCOPES: [(&str, &str); 6] = [
    (OPENID, "Sign you in and recognise you when you come back"),
    ("profile", "See your profile: name, username, picture, birthday, language and the like"),
    ("email", "See your email address"),
    ("address", "See your postal address"),
    ("phone", "See your phone number"),
    (OFFLINE_ACCESS, "Keep this access while you are away"),
];

/// Every standard claim but `sub`, with its scope.
pub const STANDARD_CLAIMS: [(&str, &str); 19] = [
    ("name", "profile"),
    ("family_name", "profile"),
    ("given_name", "profile"),
    ("middle_name", "profile"),
    ("nickname", "profile"),
    ("preferred_username", "profile"),
    ("profile", "profile"),
    ("picture", "profile"),
    ("website", "profile"),
    ("gender", "profile"),
    ("birthdate", "profile"),
    ("zoneinfo", "profile"),
    ("locale", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("address", "address"),
    ("phone_number", "phone"),
    ("phone_number_verified", "phone"),
];

/// Is this a scope of OpenID Connect? They speak of a user: who acts for itself cannot hold them.
pub fn is_openid_scope(token: &str) -> bool {
    OPENID_SCOPES.iter().any(|(name, _)| *name == token)
}

/// The scope that a claim comes with; None where it is no standard claim.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    STANDARD_CLAIMS.iter().find(|(name, _)| *name == claim).map(|(_, scope)| *scope)
}

/// The scopes of the claims asked for by name, as far as the client is registered for them: nobody gets by `claims` what
/// they could not ask for by `scope`.
pub fn scopes_of<'a>(claims: impl Iterator<Item = &'a str>, registered: &Scope) -> Scope {
    Scope::from_tokens(claims.filter_map(scope_of).filter(|scope| registered.contains(scope)))
}

/// The claims about this user that a granted scope gives, and those asked for by name, bounded by the registration.
pub fn select<'a>(
    user: &User,
    granted: Option<&Scope>,
    named: impl Iterator<Item = &'a str>,
    registered: &Scope,
) -> Map<String, Value> {
    let named: Vec<&str> = named.collect();
    let wanted = |claim: &str, scope: &str| {
        granted.is_some_and(|granted| granted.contains(scope)) || (named.contains(&claim) && registered.contains(scope))
    };
    STANDARD_CLAIMS
        .iter()
        .filter(|(claim, scope)| wanted(claim, scope))
        .filter_map(|(claim, _)| Some(((*claim).to_owned(), value_of(user, claim)?)))
        .collect()
}

/// What is known: texts as they are, flags as booleans, the time of the last edit as a number (§5.1).
fn value_of(user: &User, claim: &str) -> Option<Value> {
    let profile = &user.profile;
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty()).map(Value::from);
    match claim {
        "name" => text(&user.name),
        "family_name" => text(&profile.family_name),
        "given_name" => text(&profile.given_name),
        "middle_name" => text(&profile.middle_name),
        "nickname" => text(&profile.nickname),
        "preferred_username" => text(&profile.preferred_username).or_else(|| Some(user.username.clone().into())),
        "profile" => text(&profile.profile),
        "picture" => text(&profile.picture),
        "website" => text(&profile.website),
        "gender" => text(&profile.gender),
        "birthdate" => text(&profile.birthdate),
        "zoneinfo" => text(&profile.zoneinfo),
        "locale" => text(&profile.locale),
        "updated_at" => Some(user.updated_at.timestamp().into()),
        "email" => text(&user.email),
        "email_verified" => text(&user.email).map(|_| profile.email_verified.unwrap_or(false).into()),
        "address" => {
            let address = serde_json::to_value(profile.address.as_ref()?).ok()?;
            address.as_object().is_some_and(|members| !members.is_empty()).then_some(address)
        }
        "phone_number" => text(&profile.phone_number),
        "phone_number_verified" => {
            text(&profile.phone_number).map(|_| profile.phone_number_verified.unwrap_or(false).into())
        }
        _ => None,
    }
}
