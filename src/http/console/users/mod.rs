//! `/console/users`: accounts of people.

mod forms;
mod grants;

use actix_web::web;

use crate::domain::access_key::AccessKey;
use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder};
use crate::domain::client::Status;
use crate::domain::ids::UserId;
use crate::domain::page::PageRequest;
use crate::domain::user::User;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::{Server, access_keys, users};
use crate::http::console::listing;
use crate::http::console::standing::{self, Kind, Standing};
use crate::http::kit::cell::Cell;
use crate::http::kit::desk::{Desk, Guest, Shown};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::{Table, with};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

const HOME: &str = "/console/users";
/// The scope that changes them.
const WRITE: &str = "users:write";
/// Most access keys of a user that are listed beside them.
const MOST_KEYS: i64 = 20;

/// Users, as they are disabled.
struct Users;

impl Kind for Users {
    const HOME: &'static str = HOME;
    const HEADING: &'static str = "nav-users";
    const WRITE: &'static str = WRITE;
    const DISABLE: &'static str = "users-disable-text";
    const REVOKE: Option<&'static str> = None;

    fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<Standing> {
        let user = users::show(server, caller, id)?;
        Ok(Standing { id: user.id.0, name: user.username })
    }

    fn set(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<()> {
        users::set_active(server, caller, id, to == Status::Active).map(drop)
    }
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |action: &str| web::resource(format!("{HOME}/{{id}}{action}"));
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(
            web::resource("/console/users/new").route(web::get().to(forms::new)).route(web::post().to(forms::create)),
        )
        .service(at("").route(web::get().to(show)))
        .service(at("/edit").route(web::get().to(forms::edit)).route(web::post().to(forms::update)))
        .service(at("/password").route(web::get().to(forms::password)).route(web::post().to(forms::set_password)))
        .configure(grants::routes)
        .configure(standing::routes::<Users>);
}

/// A page below the list.
fn home(texts: Texts, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-users"))
}

fn path(user: &User) -> String {
    format!("{HOME}/{}", user.id)
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let (page, filter) = (desk.page_request(UserId::is_valid), listing::filter(&query));
    let (guest, found) = desk.read(move |server, visit| users::list(server, &visit.caller, &filter, &page)).await?;
    let rows = found.items.iter().map(|user| {
        vec![
            Cell::link(path(user), user.username.as_str()),
            Cell::maybe(user.name.as_deref()),
            Cell::maybe(user.email.as_deref()),
            Cell::text(user.roles.join(", ")),
            listing::status(texts, user.status),
            Cell::Time(user.created_at),
        ]
    });
    let columns = ["column-username", "column-name", "column-email", "column-roles", "column-status", "column-created"];
    let table = Table::new(texts.say("nav-users"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(listing::empty(texts, &query, "users-empty"))
        .filters(listing::fields(texts, &query))
        .pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-users")).lead(texts.say("users-lead")).table(table);
    desk.page(&guest, if guest.may(WRITE) { page.link(format!("{HOME}/new"), texts.say("users-new")) } else { page })
}

async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, texts) = (id.into_inner(), desk.texts);
    let (guest, (user, keys)) = desk
        .read(move |server, visit| {
            let user = users::show(server, &visit.caller, &id)?;
            let keys = keys(server, &visit.caller, &user)?;
            Ok((user, keys))
        })
        .await?;
    let page = Page::new(HOME, user.username.as_str())
        .below(HOME, texts.say("nav-users"))
        .block(Block::Actions(actions(texts, &guest, &user)))
        .facts(account(texts, &user))
        .block(Block::Heading(texts.say("users-profile")))
        .facts(profile(texts, &user));
    let page = match keys {
        Some(keys) => {
            let all = with("/console/access-keys", &Params::default(), "owner", Some(user.id.as_str()));
            page.block(Block::Heading(texts.say("nav-access-keys")))
                .table(key_table(texts, &keys))
                .block(Block::Actions(vec![Action::go(all, texts.say("users-all-keys"))]))
        }
        None => page,
    };
    desk.page(&guest, page)
}

/// The user's own access keys, for whoever may see those.
fn keys(server: &Server, caller: &Caller, user: &User) -> FlowResult<Option<Vec<AccessKey>>> {
    if caller.require("access-keys:read").is_err() {
        return Ok(None);
    }
    let filter = AccessKeyFilter { owner_id: Some(user.id.0.clone()), ..AccessKeyFilter::default() };
    let first = PageRequest::new(None, Some(MOST_KEYS));
    access_keys::list(server, caller, &filter, AccessKeyOrder::default(), &first).map(|page| Some(page.items))
}

fn actions(texts: Texts, guest: &Guest, user: &User) -> Vec<Action> {
    let path = path(user);
    let mut actions = Vec::new();
    if guest.may(WRITE) {
        actions.push(Action::go(format!("{path}/edit"), texts.say("action-edit")));
        actions.push(Action::go(format!("{path}/password"), texts.say("users-set-password")));
    }
    let sessions = with("/console/sessions", &Params::default(), "user", Some(&user.username));
    actions.push(Action::go(sessions, texts.say("nav-sessions")));
    actions.push(Action::go(format!("{path}/apps"), texts.say("nav-apps")));
    actions.push(Action::go(format!("{path}/tokens"), texts.say("nav-tokens")));
    actions.extend(standing::actions::<Users>(texts, guest, user.id.as_str(), user.status));
    actions
}

fn account(texts: Texts, user: &User) -> Vec<(String, Cell)> {
    let roles = if user.roles.is_empty() { Cell::Nothing } else { Cell::Codes(user.roles.clone()) };
    vec![
        (texts.say("column-status"), listing::status(texts, user.status)),
        (texts.say("column-id"), Cell::code(user.id.as_str())),
        (texts.say("column-name"), Cell::maybe(user.name.as_deref())),
        (texts.say("column-email"), Cell::maybe(user.email.as_deref())),
        (texts.say("column-roles"), roles),
        (texts.say("column-created"), Cell::Time(user.created_at)),
        (texts.say("column-updated"), Cell::Time(user.updated_at)),
        (texts.say("users-password-changed"), Cell::Time(user.password_changed_at)),
    ]
}

/// What else is known: the standard claims by their names (OpenID Connect Core §5.1), but for an address by its parts.
fn profile(texts: Texts, user: &User) -> Vec<(String, Cell)> {
    let mut all: Vec<(String, Cell)> = forms::PROFILE
        .iter()
        .map(|(_, key, value)| (texts.say(key), Cell::maybe(value(&user.profile).as_deref())))
        .collect();
    let said = |verified: Option<bool>| texts.say(if verified == Some(true) { "yes" } else { "no" });
    all.push((texts.say("profile-email-verified"), Cell::text(said(user.profile.email_verified))));
    all.push((texts.say("profile-phone-verified"), Cell::text(said(user.profile.phone_number_verified))));
    all
}

fn key_table(texts: Texts, keys: &[AccessKey]) -> Table {
    let rows = keys.iter().map(|key| {
        vec![
            Cell::link(format!("/console/access-keys/{}", key.id), key.name.as_str()),
            Cell::code(key.masked.as_str()),
            listing::status(texts, key.status),
            Cell::time(key.expires_at),
            Cell::time(key.last_used_at),
        ]
    });
    let columns = ["column-name", "column-key", "column-status", "column-expires", "column-last-used"];
    let columns = columns.map(|key| texts.say(key));
    Table::new(texts.say("nav-access-keys"), columns).rows(rows).empty(texts.say("users-no-keys"))
}
