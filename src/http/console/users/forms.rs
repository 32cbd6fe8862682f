//! Creating and editing accounts, and setting a password.

use actix_web::web;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::domain::denial::Denial;
use crate::domain::profile::Profile;
use crate::domain::user::User;
use crate::flows::Server;
use crate::flows::console::{Visit, require_proof};
use crate::flows::error::FlowResult;
use crate::flows::users::{self, NewPassword, NewUser, UserEdit};
use crate::http::console::fields::{self, or_null, text};
use crate::http::console::users::{HOME, WRITE, home, path};
use crate::http::kit::confirm::Confirm;
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field, Form};
use crate::http::kit::page::Page;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// A line of the profile: the claim, its text, its value.
type ProfileLine = (&'static str, &'static str, fn(&Profile) -> Option<String>);

/// The parts of a postal address (OpenID Connect Core §5.1.1).
const ADDRESS: [&str; 5] = ["street_address", "locality", "region", "postal_code", "country"];

macro_rules! address {
    ($part:ident) => {
        |profile| profile.address.as_ref().and_then(|address| address.$part.clone())
    };
}

/// The lines of the profile that are shown and edited.
pub(super) const PROFILE: [ProfileLine; 18] = [
    ("given_name", "profile-given-name", |profile| profile.given_name.clone()),
    ("middle_name", "profile-middle-name", |profile| profile.middle_name.clone()),
    ("family_name", "profile-family-name", |profile| profile.family_name.clone()),
    ("nickname", "profile-nickname", |profile| profile.nickname.clone()),
    ("preferred_username", "profile-preferred-username", |profile| profile.preferred_username.clone()),
    ("phone_number", "profile-phone", |profile| profile.phone_number.clone()),
    ("profile", "profile-page", |profile| profile.profile.clone()),
    ("picture", "profile-picture", |profile| profile.picture.clone()),
    ("website", "profile-website", |profile| profile.website.clone()),
    ("gender", "profile-gender", |profile| profile.gender.clone()),
    ("birthdate", "profile-birthdate", |profile| profile.birthdate.clone()),
    ("zoneinfo", "profile-zone", |profile| profile.zoneinfo.clone()),
    ("locale", "profile-locale", |profile| profile.locale.clone()),
    ("street_address", "profile-street", address!(street_address)),
    ("locality", "profile-locality", address!(locality)),
    ("region", "profile-region", address!(region)),
    ("postal_code", "profile-postal-code", address!(postal_code)),
    ("country", "profile-country", address!(country)),
];

/// The roles that this operator may give, and those that the user has.
fn offered(server: &Server, visit: &Visit, own: &[String]) -> Vec<String> {
    let may = |role: &&str| {
        let held = server.roles.scope_of(&[(*role).to_owned()]);
        visit.caller.may_hand_out(held.iter()).is_ok() || own.iter().any(|own| own == role)
    };
    server.roles.names().filter(may).map(str::to_owned).collect()
}

fn role_field(texts: Texts, roles: &[String], own: &[String]) -> Field {
    let choices = roles.iter().map(|role| Choice::new(role, role).chosen(own.contains(role))).collect();
    Field::checkboxes("roles", texts.say("column-roles"), choices).hint(texts.say("users-roles-hint"))
}

fn new_page(texts: Texts, roles: &[String], typed: Option<&Params>) -> Page {
    let fields = [
        Field::text("username", texts.say("column-username"), "").hint(texts.say("users-username-hint")).required(),
        Field::password("new_password", texts.say("users-password"), "new-password")
            .hint(texts.say("users-password-hint")),
        Field::text("name", texts.say("column-name"), ""),
        Field::text("email", texts.say("column-email"), "").longest(254),
        role_field(texts, roles, &[]),
    ];
    let form = Form::new(format!("{HOME}/new"), "user-create", texts.say("action-create")).once();
    home(texts, "users-new").form(form.fields(fields).keep(typed).cancel(HOME))
}

/// `GET /console/users/new`
pub async fn new(desk: Desk) -> Shown {
    let (guest, roles) = desk
        .read(|server, visit| {
            visit.caller.require(WRITE)?;
            Ok(offered(server, visit, &[]))
        })
        .await?;
    desk.page(&guest, new_page(desk.texts, &roles, None))
}

fn password_of(form: &Params) -> NewPassword {
    // Not trimmed: spaces are part of a password.
    let text = form.optional("new_password").ok().flatten().unwrap_or_default();
    NewPassword(Zeroizing::new(text.to_owned()))
}

/// `POST /console/users/new`
pub async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |server, visit, form| {
        let maybe = |name| Some(text(form, name)).filter(|text| !text.is_empty());
        let new = NewUser {
            username: text(form, "username"),
            password: password_of(form),
            name: maybe("name"),
            email: maybe("email"),
            profile: Profile::default(),
            roles: fields::ticked(form, "roles"),
        };
        visit.caller.require(WRITE)?;
        Ok((offered(server, visit, &[]), users::create(server, &visit.caller, new)))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(user))) => desk.done(&path(&user), "created"),
        Ok((roles, Err(error))) => desk.again(&guest, new_page(desk.texts, &roles, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn edit_page(texts: Texts, (user, roles): &(User, Vec<String>), typed: Option<&Params>) -> Page {
    let line = |name, label: &str, value: Option<String>| {
        Field::text(name, texts.say(label), value.unwrap_or_default()).longest(2000)
    };
    let verified = |name, label: &str, is: Option<bool>| {
        Field::checkboxes(name, texts.say(label), vec![Choice::new("yes", texts.say("yes")).chosen(is == Some(true))])
    };
    let mut fields = vec![
        Field::text("username", texts.say("column-username"), &user.username).required(),
        line("name", "column-name", user.name.clone()),
        line("email", "column-email", user.email.clone()),
        verified("email_verified", "profile-email-verified", user.profile.email_verified),
        role_field(texts, roles, &user.roles),
    ];
    fields.extend(PROFILE.iter().map(|(name, key, value)| line(name, key, value(&user.profile))));
    fields.push(verified("phone_number_verified", "profile-phone-verified", user.profile.phone_number_verified));
    let path = path(user);
    let form = Form::new(format!("{path}/edit"), "user-save", texts.say("action-save"));
    below(texts, user, "users-edit").form(form.fields(fields).keep(typed).cancel(path))
}

fn below(texts: Texts, user: &User, title: &str) -> Page {
    home(texts, title).below(path(user), user.username.clone())
}

fn find(server: &Server, visit: &Visit, id: &str) -> FlowResult<(User, Vec<String>)> {
    visit.caller.require(WRITE)?;
    let user = users::show(server, &visit.caller, id)?;
    let roles = offered(server, visit, &user.roles);
    Ok((user, roles))
}

/// `GET /console/users/{id}/edit`
pub async fn edit(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, found) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, edit_page(desk.texts, &found, None))
}

/// What was sent. A part of the profile that was emptied is removed (RFC 7396 §2).
fn edit_of(user: &User, form: &Params) -> Result<UserEdit, Denial> {
    let mut profile = Map::new();
    let mut address = Map::new();
    for (name, ..) in PROFILE {
        let part = if ADDRESS.contains(&name) { &mut address } else { &mut profile };
        part.insert(name.to_owned(), or_null(form, name));
    }
    let is_empty = address.values().all(Value::is_null);
    let formatted = user.profile.address.as_ref().and_then(|address| address.formatted.as_ref());
    let address = if is_empty && formatted.is_none() { Value::Null } else { Value::Object(address) };
    profile.insert("address".to_owned(), address);
    for name in ["email_verified", "phone_number_verified"] {
        let ticked = fields::is_ticked(form, name, "yes");
        profile.insert(name.to_owned(), if ticked { Value::Bool(true) } else { Value::Null });
    }
    // A proof that stood there goes with what it was a proof of, unless it was ticked anew.
    let changed = [
        ("email_verified", text(form, "email") != user.email.clone().unwrap_or_default()),
        ("phone_number_verified", text(form, "phone_number") != user.profile.phone_number.clone().unwrap_or_default()),
    ];
    let stood = [user.profile.email_verified, user.profile.phone_number_verified];
    for ((name, is_changed), stood) in changed.into_iter().zip(stood) {
        if is_changed && stood == Some(true) {
            profile.remove(name);
        }
    }
    fields::members(json!({
        "username": text(form, "username"),
        "name": or_null(form, "name"),
        "email": or_null(form, "email"),
        "roles": fields::ticked(form, "roles"),
        "profile": profile,
    }))
}

/// `POST /console/users/{id}/edit`
pub async fn update(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let found = find(server, visit, &id)?;
        let edit = edit_of(&found.0, form).map_err(Into::into);
        let edited = edit.and_then(|edit| users::update(server, &visit.caller, found.0.id.as_str(), edit));
        Ok((found, edited))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(user))) => desk.done(&path(&user), "saved"),
        Ok((found, Err(error))) => desk.again(&guest, edit_page(desk.texts, &found, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn password_page(texts: Texts, guest: &Guest, user: &User) -> Page {
    let path = path(user);
    let new = Field::password("new_password", texts.say("users-password"), "new-password");
    let confirm = Confirm {
        action: format!("{path}/password"),
        text: texts.say_with("users-password-text", "name", user.username.as_str()),
        submit: texts.say("users-set-password"),
        id: "password-set".to_owned(),
        typed: None,
        fields: vec![new.hint(texts.say("users-password-hint"))],
        cancel: path,
    };
    below(texts, user, "users-set-password").confirm(texts, guest, confirm, None)
}

/// `GET /console/users/{id}/password`
pub async fn password(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, (user, _)) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, password_page(desk.texts, &guest, &user))
}

/// `POST /console/users/{id}/password`
pub async fn set_password(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let (user, _) = find(server, visit, &id)?;
        let proven = require_proof(server, visit, form.optional("password").ok().flatten());
        let set =
            proven.and_then(|()| users::set_password(server, &visit.caller, user.id.as_str(), &password_of(form)));
        Ok((user, set))
    });
    let Sent { guest, result, .. } = sent.await?;
    match result {
        Ok((user, Ok(_))) => desk.done(&path(&user), "password-set"),
        Ok((user, Err(error))) => desk.again(&guest, password_page(desk.texts, &guest, &user), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
