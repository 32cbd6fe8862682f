//! Rotating, disabling, revoking and deleting access keys of one's own.

use actix_web::web;
use chrono::{DateTime, Utc};

use crate::domain::access_key::AccessKey;
use crate::domain::client::Status;
use crate::flows::Server;
use crate::flows::access_keys::rotating_until;
use crate::flows::account::{Person, access_keys};
use crate::flows::console::{Visit, require_proof};
use crate::flows::error::{FlowError, FlowResult};
use crate::http::account::access_keys::{HOME, below, path_of, secret_page};
use crate::http::kit::cell::{self, Tone};
use crate::http::kit::confirm::{Confirm, check_typed, chosen_grace};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field, Form};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// The times that are offered for the old secret to work on, in seconds, and how they are called.
const GRACES: [(u32, &str); 4] = [
    (0, "account-keys-grace-none"),
    (3600, "account-keys-grace-hour"),
    (86_400, "account-keys-grace-day"),
    (7 * 86_400, "account-keys-grace-week"),
];

/// The key that a page is about.
async fn find(desk: &Desk, id: String) -> actix_web::Result<(Guest, AccessKey)> {
    desk.read(move |server, visit| access_keys::show(server, &Person::of(visit), &id)).await
}

/// A change of a key, with the key as it was: what the page of a refused form needs.
fn with_key<T>(
    server: &Server,
    visit: &Visit,
    id: &str,
    change: impl FnOnce(&Person, &AccessKey) -> FlowResult<T>,
) -> FlowResult<(AccessKey, Result<T, FlowError>)> {
    let person = Person::of(visit);
    let key = access_keys::show(server, &person, id)?;
    let changed = change(&person, &key);
    Ok((key, changed))
}

fn password(form: &Params) -> Option<&str> {
    form.optional("password").ok().flatten()
}

fn rotate_page(
    desk: &Desk,
    guest: &Guest,
    (key, until): (&AccessKey, Option<DateTime<Utc>>),
    typed: Option<&Params>,
) -> Page {
    let texts = desk.texts;
    // A secret that was to work for longer ends: at most two work at a time.
    let again = until.map(|until| texts.say_with("access-keys-rotate-again", "time", cell::in_utc(&until)));
    let most = desk.server.config.access_keys.max_grace.as_secs();
    let within = GRACES.into_iter().filter(|(seconds, _)| u64::from(*seconds) <= most);
    let choices: Vec<_> = within
        .map(|(seconds, label)| Choice::new(seconds.to_string(), texts.say(label)).chosen(seconds == 86_400))
        .collect();
    let grace = Field::select("grace", texts.say("account-keys-grace"), choices).keep(typed);
    let form = Form::new(format!("{}/rotate", path_of(key)), "key-rotate", texts.say("action-rotate")).once();
    let page = below(texts, "account-keys-rotate", key);
    let page = again.into_iter().fold(page, |page, text| page.block(Block::Notice(Tone::Warn, text)));
    page.block(Block::Text(texts.say("account-keys-rotate-text")))
        .form(form.fields([grace]).fields(guest.proof(texts)).cancel(path_of(key)))
}

/// The key, and until when a replaced secret of it works.
fn find_rotating(server: &Server, visit: &Visit, id: &str) -> FlowResult<(AccessKey, Option<DateTime<Utc>>)> {
    let key = access_keys::show(server, &Person::of(visit), id)?;
    let until = rotating_until(server, &key)?;
    Ok((key, until))
}

/// `GET /account/access-keys/{id}/rotate`
pub(super) async fn ask_rotate(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, (key, until)) = desk.read(move |server, visit| find_rotating(server, visit, &id)).await?;
    desk.page(&guest, rotate_page(&desk, &guest, (&key, until), None))
}

/// `POST /account/access-keys/{id}/rotate`
pub(super) async fn rotate(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let Sent { guest, form, result } = desk
        .submit(payload, move |server, visit, form| {
            let (_, until) = find_rotating(server, visit, &id)?;
            let done = with_key(server, visit, &id, |person, key| {
                require_proof(server, visit, password(form))?;
                access_keys::rotate(server, person, key.id.as_str(), chosen_grace(form)?)
            })?;
            Ok((done, until))
        })
        .await?;
    match result {
        Ok(((_, Ok(made)), _)) => desk.page(&guest, secret_page(&desk, "account-keys-rotated", &made.key, made.secret)),
        Ok(((key, Err(error)), until)) => {
            desk.again(&guest, rotate_page(&desk, &guest, (&key, until), Some(&form)), &error).await
        }
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

/// `POST /account/access-keys/{id}/finish-rotation`
pub(super) async fn finish_rotation(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let sent = desk
        .submit(payload, move |server, visit, _| access_keys::finish_rotation(server, &Person::of(visit), &id))
        .await?;
    match sent.result {
        Ok(key) => desk.done(&path_of(&key), "account-rotation-finished"),
        Err(error) => Ok(desk.error(Some(&sent.guest), &error)),
    }
}

async fn switch(desk: Desk, payload: web::Payload, id: String, to: Status, done: &str) -> Shown {
    let sent = desk
        .submit(payload, move |server, visit, _| access_keys::set_status(server, &Person::of(visit), &id, to))
        .await?;
    match sent.result {
        Ok(key) => desk.done(&path_of(&key), done),
        Err(error) => Ok(desk.error(Some(&sent.guest), &error)),
    }
}

/// `POST /account/access-keys/{id}/disable`
pub(super) async fn disable(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    switch(desk, payload, id.into_inner(), Status::Inactive, "disabled").await
}

/// `POST /account/access-keys/{id}/enable`
pub(super) async fn enable(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    switch(desk, payload, id.into_inner(), Status::Active, "enabled").await
}

fn revoke_page(texts: Texts, key: &AccessKey) -> Page {
    // Without the password: whoever finds a browser open may close what it opens.
    let form = Form::new(format!("{}/revoke", path_of(key)), "key-revoke", texts.say("action-revoke"));
    below(texts, "account-keys-revoke", key)
        .block(Block::Text(texts.say("account-keys-revoke-text")))
        .form(form.cancel(path_of(key)).danger())
}

/// `GET /account/access-keys/{id}/revoke`
pub(super) async fn ask_revoke(desk: Desk, id: web::Path<String>) -> Shown {
    let (guest, key) = find(&desk, id.into_inner()).await?;
    desk.page(&guest, revoke_page(desk.texts, &key))
}

/// `POST /account/access-keys/{id}/revoke`
pub(super) async fn revoke(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    switch(desk, payload, id.into_inner(), Status::Revoked, "revoked").await
}

fn delete_page(texts: Texts, guest: &Guest, key: &AccessKey, typed: Option<&Params>) -> Page {
    let confirm = Confirm {
        action: format!("{}/delete", path_of(key)),
        text: texts.say("account-keys-delete-text"),
        submit: texts.say("action-delete"),
        id: "key-delete".to_owned(),
        typed: Some(key.name.clone()),
        fields: Vec::new(),
        cancel: path_of(key),
    };
    below(texts, "account-keys-delete", key).confirm(texts, guest, confirm, typed)
}

/// `GET /account/access-keys/{id}/delete`
pub(super) async fn ask_delete(desk: Desk, id: web::Path<String>) -> Shown {
    let (guest, key) = find(&desk, id.into_inner()).await?;
    desk.page(&guest, delete_page(desk.texts, &guest, &key, None))
}

/// `POST /account/access-keys/{id}/delete`
pub(super) async fn delete(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let Sent { guest, form, result } = desk
        .submit(payload, move |server, visit, form| {
            with_key(server, visit, &id, |person, key| {
                check_typed(form, &key.name)?;
                require_proof(server, visit, password(form))?;
                access_keys::delete(server, person, key.id.as_str(), &key.name)
            })
        })
        .await?;
    match result {
        Ok((_, Ok(()))) => desk.done(HOME, "deleted"),
        Ok((key, Err(error))) => desk.again(&guest, delete_page(desk.texts, &guest, &key, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
