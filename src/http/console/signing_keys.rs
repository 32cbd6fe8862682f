//! `/console/signing-keys`: what signs tokens, until when, and what comes after it.

use actix_web::web;
use chrono::{DateTime, Utc};

use crate::domain::denial::Denial;
use crate::domain::signing_key::{SigningKey, SigningKeyState};
use crate::flows::console::require_proof;
use crate::flows::signing_keys::{self, RotationMode};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::confirm::{Confirm, check_typed};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::signing_alg::SigningAlg;

const HOME: &str = "/console/signing-keys";
/// The scope that rotates.
const WRITE: &str = "signing-keys:write";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(list))).service(
        web::resource("/console/signing-keys/{alg}/rotate").route(web::get().to(ask)).route(web::post().to(rotate)),
    );
}

async fn list(desk: Desk) -> Shown {
    let texts = desk.texts;
    let (guest, (keys, now)) =
        desk.read(|server, visit| Ok((signing_keys::list(server, &visit.caller)?, server.clock.now()))).await?;
    let settings = &desk.server.config.signing_keys;
    // The one without a successor: it takes over where it does not sign yet, else its end is that of the interval.
    let current = |key: &SigningKey| key.retired_at.is_none();
    let next = |key: &SigningKey| (key.next_change(now, settings.rotation_interval), key.alg);
    let mut rotations: Vec<(DateTime<Utc>, SigningAlg)> =
        keys.iter().map(|(key, _)| key).filter(|key| current(key)).map(next).collect();
    rotations.sort_unstable_by_key(|(time, _)| *time);
    let columns = [
        "signing-key",
        "signing-key-alg",
        "column-status",
        "signing-key-age",
        "column-created",
        "signing-key-from",
        "signing-key-until",
        "signing-key-gone",
    ];
    let rows = keys.iter().map(|(key, state)| {
        vec![
            Cell::code(&key.kid),
            Cell::text(format!("{} ({})", key.alg.as_str(), key.bits)),
            badge(texts, *state),
            Cell::text(texts.say_with("signing-key-days", "days", (now - key.created_at).num_days().max(0))),
            Cell::Time(key.created_at),
            Cell::Time(key.active_from),
            Cell::time(key.retired_at),
            Cell::time(key.expires_at),
        ]
    });
    let table = Table::new(texts.say("nav-signing-keys"), columns.map(|key| texts.say(key))).rows(rows);
    let facts = rotations
        .iter()
        .map(|(time, alg)| (texts.say_with("signing-key-next", "alg", alg.as_str()), Cell::Time(*time)));
    let page = Page::new(HOME, texts.say("nav-signing-keys"))
        .lead(texts.say("signing-keys-lead"))
        .facts(facts.collect())
        .table(table.empty(texts.say("signing-keys-empty")));
    let page = if guest.may(WRITE) {
        let actions = rotations.iter().map(|(_, alg)| {
            let label = texts.say_with("signing-key-rotate", "alg", alg.as_str());
            Action::danger(format!("{HOME}/{}/rotate", alg.as_str()), label)
        });
        page.block(Block::Actions(actions.collect()))
    } else {
        page
    };
    desk.page(&guest, page)
}

fn badge(texts: Texts, state: SigningKeyState) -> Cell {
    let (tone, key) = match state {
        SigningKeyState::Pending => (Tone::Warn, "signing-key-pending"),
        SigningKeyState::Active => (Tone::Good, "signing-key-active"),
        SigningKeyState::Retired => (Tone::Plain, "signing-key-retired"),
        SigningKeyState::Expired => (Tone::Bad, "signing-key-expired"),
    };
    Cell::Badge(tone, texts.say(key))
}

fn alg_of(text: &str) -> Result<SigningAlg, Denial> {
    SigningAlg::ALL.into_iter().find(|alg| alg.as_str() == text).ok_or(Denial::NotFound("signing algorithm"))
}

fn page(texts: Texts, guest: &Guest, alg: SigningAlg, typed: Option<&Params>) -> Page {
    let mode = |value: &str, key: &str, hint: &str| Choice::new(value, texts.say(key)).hint(texts.say(hint));
    let modes = vec![
        mode("scheduled", "signing-rotate-scheduled", "signing-rotate-scheduled-hint").chosen(true),
        mode("at_once", "signing-rotate-at-once", "signing-rotate-at-once-hint"),
        mode("compromised", "signing-rotate-compromised", "signing-rotate-compromised-hint"),
    ];
    let confirm = Confirm {
        action: format!("{HOME}/{}/rotate", alg.as_str()),
        text: texts.say_with("signing-key-rotate-text", "alg", alg.as_str()),
        submit: texts.say("action-rotate"),
        id: "signing-key-rotate".to_owned(),
        typed: Some(alg.as_str().to_owned()),
        fields: vec![Field::radio("mode", texts.say("signing-rotate-mode"), modes)],
        cancel: HOME.to_owned(),
    };
    Page::new(HOME, texts.say_with("signing-key-rotate", "alg", alg.as_str()))
        .below(HOME, texts.say("nav-signing-keys"))
        .confirm(texts, guest, confirm, typed)
}

async fn ask(desk: Desk, alg: web::Path<String>) -> Shown {
    let (guest, alg) = desk
        .read(move |_, visit| {
            visit.caller.require(WRITE)?;
            Ok(alg_of(&alg)?)
        })
        .await?;
    desk.page(&guest, page(desk.texts, &guest, alg, None))
}

async fn rotate(desk: Desk, alg: web::Path<String>, payload: web::Payload) -> Shown {
    let alg = alg_of(&alg);
    let wanted = alg.clone();
    let Sent { guest, form, result } = desk
        .submit(payload, move |server, visit, form| {
            let alg = wanted?;
            visit.caller.require(WRITE)?;
            let mode = match form.optional("mode").ok().flatten() {
                Some("scheduled") => RotationMode::Scheduled,
                Some("at_once") => RotationMode::AtOnce,
                Some("compromised") => RotationMode::Compromised,
                _ => return Err(Denial::InvalidMember("there is no such mode".to_owned()).into()),
            };
            check_typed(form, alg.as_str())?;
            require_proof(server, visit, form.optional("password").ok().flatten())?;
            signing_keys::rotate(server, &visit.caller, mode, alg)
        })
        .await?;
    match (result, alg) {
        (Ok(_), _) => desk.done(HOME, "signing-rotated"),
        (Err(error), Ok(alg)) => desk.again(&guest, page(desk.texts, &guest, alg, Some(&form)), &error).await,
        (Err(error), Err(_)) => Ok(desk.error(Some(&guest), &error)),
    }
}
