//! `/console/access-keys/{id}`: one key, and what ends it or replaces its secret.

use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, Utc};

use crate::domain::access_key::AccessKey;
use crate::domain::client::Status;
use crate::domain::role::DISABLE_SCOPE;
use crate::flows::Server;
use crate::flows::access_keys::{self, OwnerNames};
use crate::flows::console::{Visit, require_proof};
use crate::flows::error::{FlowError, FlowResult};
use crate::http::console::access_keys::{HOME, WRITE, home, limits, owner, projects_of, standing};
use crate::http::console::access_keys_edit::secret_page;
use crate::http::kit::cell::{self, Button, Cell, Tone};
use crate::http::kit::confirm::{Confirm, check_typed, chosen_grace};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// Grace periods that are offered, in seconds, with their texts.
const GRACES: [(u32, &str); 5] = [
    (0, "access-keys-grace-none"),
    (3_600, "access-keys-grace-hour"),
    (86_400, "access-keys-grace-day"),
    (7 * 86_400, "access-keys-grace-week"),
    (30 * 86_400, "access-keys-grace-month"),
];

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/console/access-keys/{id}").route(web::get().to(show)))
        .service(web::resource("/console/access-keys/{id}/disable").route(web::post().to(disable)))
        .service(web::resource("/console/access-keys/{id}/enable").route(web::post().to(enable)));
    for (name, what) in
        [("rotate", What::Rotate), ("finish", What::Finish), ("revoke", What::Revoke), ("delete", What::Delete)]
    {
        let resource = web::resource(format!("/console/access-keys/{{id}}/{name}"))
            .route(web::get().to(move |desk, id| ask(desk, id, what)))
            .route(web::post().to(move |desk, id, payload| act(desk, id, payload, what)));
        config.service(resource);
    }
}

/// What is asked about before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Rotate,
    Finish,
    Revoke,
    Delete,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Finish => "finish",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
        }
    }
}

fn never(texts: Texts, time: Option<DateTime<Utc>>) -> Cell {
    time.map_or_else(|| Cell::text(texts.say("access-keys-never")), Cell::Time)
}

fn facts(desk: &Desk, key: &AccessKey, names: &OwnerNames) -> Vec<(String, Cell)> {
    let texts = desk.texts;
    let codes = |items: Vec<String>, none: &str| {
        if items.is_empty() { Cell::text(texts.say(none)) } else { Cell::Codes(items) }
    };
    let scopes = key.scope.iter().map(str::to_owned).collect();
    let networks = key.allowed_addresses.iter().map(ToString::to_string).collect();
    let resources = key.resources.iter().map(|resource| resource.as_str().to_owned()).collect();
    let last = match key.last_used_address {
        Some(address) => Cell::Several(vec![never(texts, key.last_used_at), Cell::code(address.to_string())]),
        None => never(texts, key.last_used_at),
    };
    let in_force = desk.server.limits(&key.environment, key.limits, key.plan.as_deref());
    vec![
        (texts.say("column-status"), standing(texts, key, desk.server.clock.now())),
        (texts.say("column-id"), Cell::code(key.id.as_str())),
        (texts.say("access-keys-secret"), Cell::code(&key.masked)),
        (texts.say("column-description"), Cell::text(&key.description)),
        (texts.say("column-owner"), owner(texts, key.owner.as_ref(), names)),
        (texts.say("column-environment"), Cell::text(&key.environment)),
        (texts.say("nav-projects"), projects_of(texts, key, usize::MAX)),
        (texts.say("access-keys-scopes"), codes(scopes, "access-keys-no-scopes")),
        (texts.say("access-keys-audiences"), codes(resources, "none")),
        (texts.say("access-keys-plan"), Cell::maybe(key.plan.as_deref())),
        (texts.say("access-keys-limit"), limits(texts, in_force)),
        (texts.say("access-keys-addresses"), codes(networks, "access-keys-any-address")),
        (texts.say("column-created"), Cell::Several(vec![Cell::Time(key.created_at), Cell::code(&key.created_by)])),
        (texts.say("column-expires"), never(texts, key.expires_at)),
        (texts.say("access-keys-rotated"), never(texts, key.rotated_at)),
        (texts.say("column-last-used"), last),
    ]
}

fn actions(texts: Texts, guest: &Guest, key: &AccessKey) -> Vec<Action> {
    let path = format!("{HOME}/{}", key.id);
    if key.status == Status::Revoked {
        let delete = Action::danger(format!("{path}/delete"), texts.say("action-delete"));
        return if guest.may(WRITE) { vec![delete] } else { Vec::new() };
    }
    let at_once = |word: &str| {
        let (action, id) = (format!("{path}/{word}"), Some(format!("access-key-{word}")));
        Action::Do(Button { action, label: texts.say(&format!("action-{word}")), fields: Vec::new(), id })
    };
    let mut actions = Vec::new();
    if guest.may(WRITE) {
        actions.push(Action::go(format!("{path}/edit"), texts.say("action-edit")));
        actions.push(Action::go(format!("{path}/rotate"), texts.say("action-rotate")));
    }
    match key.status {
        Status::Active if guest.may(WRITE) || guest.may(DISABLE_SCOPE) => actions.push(at_once("disable")),
        Status::Inactive if guest.may(WRITE) => actions.push(at_once("enable")),
        _ => {}
    }
    if guest.may(WRITE) {
        actions.push(Action::danger(format!("{path}/revoke"), texts.say("action-revoke")));
        actions.push(Action::danger(format!("{path}/delete"), texts.say("action-delete")));
    }
    actions
}

async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let (texts, id) = (desk.texts, id.into_inner());
    let found = desk.read(move |server, visit| {
        let key = access_keys::show(server, &visit.caller, &id)?;
        let names = access_keys::owner_names(server, &visit.caller, std::slice::from_ref(&key))?;
        let until = access_keys::rotating_until(server, &key)?;
        Ok((key, names, until))
    });
    let (guest, (key, names, until)) = found.await?;
    let path = format!("{HOME}/{}", key.id);
    let mut page = home(texts, key.name.as_str());
    if guest.may("usage:read") {
        page = page.link(format!("{path}/usage"), texts.say("access-keys-usage"));
    }
    page = page.link(format!("{path}/secrets"), texts.say("access-keys-secrets"));
    if until.is_some() {
        page = page.block(Block::Notice(Tone::Warn, texts.say("access-keys-rotating")));
    }
    let page = page.facts(facts(&desk, &key, &names)).block(Block::Actions(actions(texts, &guest, &key)));
    desk.page(&guest, page)
}

async fn set_status(desk: Desk, id: String, payload: web::Payload, to: (Status, &'static str)) -> Shown {
    let path = format!("{HOME}/{id}");
    let sent = desk.submit(payload, move |server, visit, _| access_keys::set_status(server, &visit.caller, &id, to.0));
    let Sent { guest, result, .. } = sent.await?;
    match result {
        Ok(_) => desk.done(&path, to.1),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

async fn disable(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    set_status(desk, id.into_inner(), payload, (Status::Inactive, "disabled")).await
}

async fn enable(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    set_status(desk, id.into_inner(), payload, (Status::Active, "enabled")).await
}

/// The grace periods that the settings allow; a day is proposed.
fn grace_field(texts: Texts, most: Duration) -> Field {
    let allowed = GRACES.into_iter().filter(|(seconds, _)| u64::from(*seconds) <= most.as_secs());
    let choices =
        allowed.map(|(seconds, label)| Choice::new(seconds.to_string(), texts.say(label)).chosen(seconds == 86_400));
    Field::select("grace", texts.say("access-keys-grace"), choices.collect()).hint(texts.say("access-keys-grace-hint"))
}

/// That a secret which was to work for longer ends: at most two work at a time.
pub(super) fn rotation_notice(texts: Texts, until: Option<DateTime<Utc>>) -> Option<Block> {
    let until = cell::in_utc(&until?);
    Some(Block::Notice(Tone::Warn, texts.say_with("access-keys-rotate-again", "time", until)))
}

type Rotating = (AccessKey, Option<DateTime<Utc>>);

/// The key that a page is about, and until when a replaced secret of it works.
fn find(server: &Server, visit: &Visit, id: &str) -> FlowResult<Rotating> {
    visit.caller.require(WRITE)?;
    let key = access_keys::show(server, &visit.caller, id)?;
    let until = access_keys::rotating_until(server, &key)?;
    Ok((key, until))
}

fn confirm_page(desk: &Desk, guest: &Guest, (key, until): &Rotating, what: What, typed: Option<&Params>) -> Page {
    let (texts, path) = (desk.texts, format!("{HOME}/{}", key.id));
    let (title, text, submit) = match what {
        What::Rotate => ("access-keys-rotate", "access-keys-rotate-text", "action-rotate"),
        What::Finish => ("access-keys-finish", "access-keys-finish-text", "access-keys-finish"),
        What::Revoke => ("access-keys-revoke", "access-keys-revoke-text", "action-revoke"),
        What::Delete => ("access-keys-delete", "access-keys-delete-text", "action-delete"),
    };
    let is_rotation = what == What::Rotate;
    let confirm = Confirm {
        action: format!("{path}/{}", what.word()),
        text: texts.say_with(text, "name", key.name.as_str()),
        submit: texts.say(submit),
        id: format!("access-key-{}", what.word()),
        typed: (what == What::Delete).then(|| key.name.clone()),
        fields: is_rotation.then(|| grace_field(texts, desk.server.config.access_keys.max_grace)).into_iter().collect(),
        cancel: path.clone(),
    };
    let page = home(texts, texts.say(title)).below(path, key.name.as_str());
    let notice = rotation_notice(texts, *until).filter(|_| is_rotation);
    notice.into_iter().fold(page, Page::block).confirm(texts, guest, confirm, typed)
}

async fn ask(desk: Desk, id: web::Path<String>, what: What) -> Shown {
    let id = id.into_inner();
    let (guest, found) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, confirm_page(&desk, &guest, &found, what, None))
}

/// What came of it: where to go and what to say there, or the page of the new secret.
enum Outcome {
    Done(&'static str),
    Made(Box<access_keys::AccessKeyWithSecret>),
}

fn carry_out(
    server: &Server,
    visit: &Visit,
    form: &Params,
    (key, what): (&AccessKey, What),
) -> Result<Outcome, FlowError> {
    let text = |name| form.optional(name).ok().flatten();
    if what == What::Delete {
        check_typed(form, &key.name)?;
    }
    require_proof(server, visit, text("password"))?;
    let (caller, id) = (&visit.caller, key.id.as_str());
    match what {
        What::Rotate => {
            let grace = chosen_grace(form)?;
            access_keys::rotate(server, caller, id, grace).map(|made| Outcome::Made(Box::new(made)))
        }
        What::Finish => access_keys::finish_rotation(server, caller, id).map(|_| Outcome::Done("finished")),
        What::Revoke => access_keys::set_status(server, caller, id, Status::Revoked).map(|_| Outcome::Done("revoked")),
        What::Delete => access_keys::delete(server, caller, id, &key.name).map(|()| Outcome::Done("deleted")),
    }
}

async fn act(desk: Desk, id: web::Path<String>, payload: web::Payload, what: What) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| -> FlowResult<(Rotating, Result<Outcome, FlowError>)> {
        let found = find(server, visit, &id)?;
        let outcome = carry_out(server, visit, form, (&found.0, what));
        Ok((found, outcome))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok(((key, _), Ok(Outcome::Done(word)))) => {
            let path = if what == What::Delete { HOME.to_owned() } else { format!("{HOME}/{}", key.id) };
            desk.done(&path, word)
        }
        Ok((_, Ok(Outcome::Made(made)))) => desk.page(&guest, secret_page(&desk, "access-keys-rotated-title", *made)),
        Ok((found, Err(error))) => {
            desk.again(&guest, confirm_page(&desk, &guest, &found, what, Some(&form)), &error).await
        }
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
