//! `/account/access-keys`: the access keys that are somebody's own.

mod change;
mod make;

use actix_web::web;
use chrono::{DateTime, Utc};

use crate::domain::access_key::AccessKey;
use crate::domain::client::Status;
use crate::domain::ids::AccessKeyId;
use crate::flows::access_keys::SecretInUse;
use crate::flows::account::{Person, access_keys};
use crate::http::kit::cell::{Button, Cell, Tone};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::page::{Action, Block, Page, Secret};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;

const HOME: &str = "/account/access-keys";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let to = |path: &str| web::resource(format!("{HOME}{path}"));
    config
        .service(to("").route(web::get().to(list)))
        .service(to("/new").route(web::get().to(make::new)).route(web::post().to(make::create)))
        .service(to("/{id}").route(web::get().to(show)))
        .service(to("/{id}/edit").route(web::get().to(make::edit)).route(web::post().to(make::update)))
        .service(to("/{id}/rotate").route(web::get().to(change::ask_rotate)).route(web::post().to(change::rotate)))
        .service(to("/{id}/finish-rotation").route(web::post().to(change::finish_rotation)))
        .service(to("/{id}/disable").route(web::post().to(change::disable)))
        .service(to("/{id}/enable").route(web::post().to(change::enable)))
        .service(to("/{id}/revoke").route(web::get().to(change::ask_revoke)).route(web::post().to(change::revoke)))
        .service(to("/{id}/delete").route(web::get().to(change::ask_delete)).route(web::post().to(change::delete)));
}

fn path_of(key: &AccessKey) -> String {
    format!("{HOME}/{}", key.id)
}

/// A page about one key.
fn below(texts: Texts, title: &str, key: &AccessKey) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-own-access-keys")).below(path_of(key), &*key.name)
}

fn status(texts: Texts, key: &AccessKey, now: DateTime<Utc>) -> Cell {
    let (tone, word) = match key.status {
        Status::Revoked => (Tone::Bad, "status-revoked"),
        _ if key.expires_at.is_some_and(|end| end <= now) => (Tone::Bad, "status-expired"),
        Status::Inactive => (Tone::Warn, "status-disabled"),
        Status::Active => (Tone::Good, "status-active"),
    };
    Cell::Badge(tone, texts.say(word))
}

fn codes(all: Vec<String>) -> Cell {
    if all.is_empty() { Cell::Nothing } else { Cell::Codes(all) }
}

/// When it ends; in words where it does not.
fn end(texts: Texts, key: &AccessKey) -> Cell {
    key.expires_at.map_or_else(|| Cell::text(texts.say("account-keys-never")), Cell::Time)
}

/// A secret of a key, shown this once, with the line of a file for it.
fn secret_page(desk: &Desk, title: &str, key: &AccessKey, secret: String) -> Page {
    let texts = desk.texts;
    let env = format!("{}={secret}", desk.server.config.access_keys.env_variable);
    below(texts, title, key)
        .link(path_of(key), texts.say("account-keys-to-key"))
        .link(HOME, texts.say("account-back-to-list"))
        .block(Block::Secret(Secret { label: key.name.clone(), text: secret, env }))
}

async fn list(desk: Desk) -> Shown {
    let (texts, query, now) = (desk.texts, desk.query(), desk.server.clock.now());
    let page = desk.page_request(AccessKeyId::is_valid);
    let (guest, found) = desk
        .read(move |server, visit| {
            let person = Person::of(visit);
            if access_keys::are_allowed(server, &person) {
                access_keys::list(server, &person, &page).map(Some)
            } else {
                Ok(None)
            }
        })
        .await?;
    let page = Page::new(HOME, texts.say("nav-own-access-keys")).lead(texts.say("account-keys-lead"));
    let Some(found) = found else {
        return desk.page(&guest, page.block(Block::Text(texts.say("account-keys-none-here"))));
    };
    let rows = found.items.iter().map(|key| {
        vec![
            Cell::link(path_of(key), &*key.name),
            Cell::code(&*key.masked),
            Cell::text(&*key.environment),
            status(texts, key, now),
            end(texts, key),
            Cell::time(key.last_used_at),
        ]
    });
    let columns = [
        "column-name",
        "account-keys-secret",
        "column-environment",
        "column-status",
        "column-expires",
        "column-last-used",
    ];
    let table = Table::new(texts.say("nav-own-access-keys"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(texts.say("account-keys-empty"))
        .pages(HOME, &query, found.next_cursor.as_deref());
    desk.page(&guest, page.link(format!("{HOME}/new"), texts.say("account-keys-new")).table(table))
}

fn facts(texts: Texts, key: &AccessKey, now: DateTime<Utc>) -> Vec<(String, Cell)> {
    vec![
        (texts.say("column-status"), status(texts, key, now)),
        (texts.say("account-keys-secret"), Cell::code(&*key.masked)),
        (texts.say("column-id"), Cell::code(&key.id.0)),
        (texts.say("column-description"), Cell::text(&*key.description)),
        (texts.say("column-environment"), Cell::text(&*key.environment)),
        (texts.say("column-scope"), codes(key.scope.iter().map(str::to_owned).collect())),
        (texts.say("account-keys-addresses"), codes(key.allowed_addresses.iter().map(ToString::to_string).collect())),
        (texts.say("column-created"), Cell::Time(key.created_at)),
        (texts.say("column-expires"), end(texts, key)),
        (texts.say("column-last-used"), Cell::time(key.last_used_at)),
        (texts.say("account-keys-last-address"), Cell::maybe(key.last_used_address.map(|from| from.to_string()))),
    ]
}

/// Who still uses the old secret, while a rotation is under way.
fn progress(texts: Texts, page: Page, key: &AccessKey, secrets: &[SecretInUse]) -> Page {
    if !secrets.iter().any(|secret| secret.expires_at.is_some()) {
        return page;
    }
    let rows = secrets.iter().map(|secret| {
        let last = secret.used_from.first();
        let from = secret.used_from.iter().map(|used| &used.address).filter(|address| !address.is_empty());
        vec![
            Cell::code(&*secret.masked),
            secret.expires_at.map_or_else(|| Cell::text(texts.say("account-keys-current")), Cell::Time),
            Cell::time(last.map(|used| used.last_used_at)),
            codes(from.take(5).cloned().collect()),
        ]
    });
    let columns = ["account-keys-secret", "account-keys-works-until", "column-last-used", "account-keys-used-from"];
    let table = Table::new(texts.say("account-keys-progress"), columns.map(|key| texts.say(key))).rows(rows);
    let finish = Button {
        action: format!("{}/finish-rotation", path_of(key)),
        label: texts.say("account-keys-finish"),
        fields: Vec::new(),
        id: Some("finish-rotation".to_owned()),
    };
    page.block(Block::Heading(texts.say("account-keys-progress")))
        .table(table)
        .block(Block::Actions(vec![Action::Do(finish)]))
}

fn actions(texts: Texts, key: &AccessKey) -> Vec<Action> {
    let path = path_of(key);
    let delete = Action::danger(format!("{path}/delete"), texts.say("action-delete"));
    if key.status == Status::Revoked {
        return vec![delete];
    }
    let (to, word) =
        if key.status == Status::Active { ("disable", "action-disable") } else { ("enable", "action-enable") };
    let switch = Button {
        action: format!("{path}/{to}"),
        label: texts.say(word),
        fields: Vec::new(),
        id: Some(format!("key-{to}")),
    };
    vec![
        Action::go(format!("{path}/edit"), texts.say("action-edit")),
        Action::go(format!("{path}/rotate"), texts.say("action-rotate")),
        Action::Do(switch),
        Action::danger(format!("{path}/revoke"), texts.say("action-revoke")),
        delete,
    ]
}

async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let (texts, id, now) = (desk.texts, id.into_inner(), desk.server.clock.now());
    let (guest, (key, secrets)) = desk
        .read(move |server, visit| {
            let person = Person::of(visit);
            let key = access_keys::show(server, &person, &id)?;
            // That somebody looks at secrets is an event: only where there may be two of them.
            let grace = server.config.access_keys.max_grace;
            let is_rotating = key.rotated_at.is_some_and(|rotated| server.clock.now() < rotated + grace);
            let secrets = if is_rotating { access_keys::secrets(server, &person, &id)? } else { Vec::new() };
            Ok((key, secrets))
        })
        .await?;
    let page = Page::new(HOME, &*key.name)
        .below(HOME, texts.say("nav-own-access-keys"))
        .facts(facts(texts, &key, now))
        .block(Block::Actions(actions(texts, &key)));
    desk.page(&guest, progress(texts, page, &key, &secrets))
}
