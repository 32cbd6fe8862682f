//! Disabling, enabling and revoking: the same pages for clients, users, service accounts and workflows.

use actix_web::web;

use crate::domain::client::Status;
use crate::domain::role::DISABLE_SCOPE;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::console::require_proof;
use crate::flows::error::FlowResult;
use crate::http::kit::cell::Button;
use crate::http::kit::confirm::{Confirm, check_typed};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::page::{Action, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// A thing that can be disabled.
#[derive(Clone)]
pub struct Standing {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A kind of thing that can be disabled.
pub trait Kind: 'static {
    /// The address of its list.
    const HOME: &'static str;
    /// The heading of its list.
    const HEADING: &'static str;
    /// The scope that changes it.
    const WRITE: &'static str;
    /// What disabling one does.
    const DISABLE: &'static str;
    /// What revoking one does; None where nothing is revoked.
    const REVOKE: Option<&'static str>;

    /// One of them.
    fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<Standing>;

    /// Changes its status.
    fn set(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<()>;
}

/// The routes of a kind.
pub fn routes<K: Kind>(config: &mut web::ServiceConfig) {
    let at = |action: &str| web::resource(format!("{}/{{id}}/{action}", K::HOME));
    config
        .service(at("disable").route(web::get().to(ask_disable::<K>)).route(web::post().to(disable::<K>)))
        .service(at("enable").route(web::post().to(enable::<K>)));
    if K::REVOKE.is_some() {
        config.service(at("revoke").route(web::get().to(ask_revoke::<K>)).route(web::post().to(revoke::<K>)));
    }
}

/// What this guest can do about the status of something.
pub fn actions<K: Kind>(texts: Texts, guest: &Guest, id: &str, status: Status) -> Vec<Action> {
    let (writes, disables) = (guest.may(K::WRITE), guest.may(DISABLE_SCOPE));
    let path = format!("{}/{id}", K::HOME);
    let mut actions = Vec::new();
    if status == Status::Active && (writes || disables) {
        actions.push(Action::danger(format!("{path}/disable"), texts.say("action-disable")));
    }
    if status == Status::Inactive && writes {
        let id = Some("enable".to_owned());
        let label = texts.say("action-enable");
        actions.push(Action::Do(Button { action: format!("{path}/enable"), label, fields: Vec::new(), id }));
    }
    if status != Status::Revoked && writes && K::REVOKE.is_some() {
        actions.push(Action::danger(format!("{path}/revoke"), texts.say("action-revoke")));
    }
    actions
}

fn question<K: Kind>(texts: Texts, guest: &Guest, it: &Standing, to: Status, typed: Option<&Params>) -> Page {
    let path = format!("{}/{}", K::HOME, it.id);
    let (action, text, typed_name) = match to {
        Status::Revoked => ("revoke", K::REVOKE.unwrap_or_default(), Some(it.name.clone())),
        Status::Active | Status::Inactive => ("disable", K::DISABLE, None),
    };
    let label = texts.say(if to == Status::Revoked { "action-revoke" } else { "action-disable" });
    let confirm = Confirm {
        action: format!("{path}/{action}"),
        text: texts.say_with(text, "name", it.name.as_str()),
        submit: label.clone(),
        id: format!("{action}-submit"),
        typed: typed_name,
        fields: Vec::new(),
        cancel: path.clone(),
    };
    Page::new(K::HOME, label)
        .below(K::HOME, texts.say(K::HEADING))
        .below(path, it.name.clone())
        .confirm(texts, guest, confirm, typed)
}

async fn ask<K: Kind>(desk: Desk, id: web::Path<String>, to: Status) -> Shown {
    let id = id.into_inner();
    let (guest, it) = desk
        .read(move |server, visit| {
            visit.caller.require_to_set(to, K::WRITE)?;
            K::show(server, &visit.caller, &id)
        })
        .await?;
    desk.page(&guest, question::<K>(desk.texts, &guest, &it, to, None))
}

async fn ask_disable<K: Kind>(desk: Desk, id: web::Path<String>) -> Shown {
    ask::<K>(desk, id, Status::Inactive).await
}

async fn ask_revoke<K: Kind>(desk: Desk, id: web::Path<String>) -> Shown {
    ask::<K>(desk, id, Status::Revoked).await
}

async fn set<K: Kind>(desk: Desk, id: web::Path<String>, payload: web::Payload, to: Status) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        visit.caller.require_to_set(to, K::WRITE)?;
        let it = K::show(server, &visit.caller, &id)?;
        let change = || {
            if to == Status::Revoked {
                check_typed(form, &it.name)?;
            }
            if to != Status::Active {
                require_proof(server, visit, form.optional("password").ok().flatten())?;
            }
            K::set(server, &visit.caller, &it.id, to)
        };
        let changed = change();
        Ok((it, changed))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((it, Ok(()))) => {
            let path = format!("{}/{}", K::HOME, it.id);
            match to {
                Status::Active => desk.done(&path, "enabled"),
                Status::Inactive => desk.done(&path, "disabled"),
                Status::Revoked => desk.done(&path, "revoked"),
            }
        }
        Ok((it, Err(error))) if to != Status::Active => {
            desk.again(&guest, question::<K>(desk.texts, &guest, &it, to, Some(&form)), &error).await
        }
        Ok((_, Err(error))) | Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

async fn disable<K: Kind>(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    set::<K>(desk, id, payload, Status::Inactive).await
}

async fn enable<K: Kind>(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    set::<K>(desk, id, payload, Status::Active).await
}

async fn revoke<K: Kind>(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    set::<K>(desk, id, payload, Status::Revoked).await
}
