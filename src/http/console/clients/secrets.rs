//! Rotating the secret of a client: the question, the new secret, who still uses the old one, and the end of it.

use actix_web::web;

use crate::domain::client::Client;
use crate::flows::clients::{self, ClientSecretInUse};
use crate::flows::console::require_proof;
use crate::http::console::clients::{below, path, snippet};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::confirm::{Confirm, chosen_grace};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::{Action, Block, Page, Secret};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// How long the old secret may go on, in seconds, with the text of each.
const GRACES: [(&str, &str); 5] = [
    ("0", "grace-none"),
    ("3600", "grace-hour"),
    ("86400", "grace-day"),
    ("604800", "grace-week"),
    ("2592000", "grace-month"),
];

type Found = (Client, Vec<ClientSecretInUse>, u64);

fn page(texts: Texts, guest: &Guest, (client, secrets, most): &Found, typed: Option<&Params>) -> Page {
    let graces = GRACES.iter().filter(|(seconds, _)| seconds.parse::<u64>().is_ok_and(|seconds| seconds <= *most));
    let choices = graces.map(|(seconds, key)| Choice::new(*seconds, texts.say(key)).chosen(*seconds == "86400"));
    let grace = Field::radio("grace", texts.say("clients-grace"), choices.collect());
    let confirm = Confirm {
        action: format!("{}/rotate", path(client)),
        text: texts.say("clients-rotate-text"),
        submit: texts.say("clients-rotate"),
        id: "rotate-submit".to_owned(),
        typed: None,
        fields: vec![grace.hint(texts.say("clients-grace-hint"))],
        cancel: path(client),
    };
    below(texts, client, "clients-rotate").table(progress(texts, secrets)).confirm(texts, guest, confirm, typed)
}

/// Who uses which secret, from where.
fn progress(texts: Texts, secrets: &[ClientSecretInUse]) -> Table {
    let rows = secrets.iter().flat_map(|secret| {
        let state = match secret.expires_at {
            None => Cell::Badge(Tone::Good, texts.say("secret-current")),
            Some(_) => Cell::Badge(Tone::Warn, texts.say("secret-replaced")),
        };
        let mut used: Vec<_> = secret
            .used_from
            .iter()
            .take(20)
            .map(|used| (Cell::code(used.address.as_str()), Cell::Time(used.last_used_at)))
            .collect();
        if used.is_empty() {
            used.push((Cell::text(texts.say("secret-unused")), Cell::Nothing));
        }
        let masked = Cell::code(format!("...{}", secret.last_four));
        let ends = Cell::time(secret.expires_at);
        used.into_iter().map(move |(from, last)| vec![masked.clone(), state.clone(), ends.clone(), from, last])
    });
    let columns = ["clients-secret", "column-status", "column-expires", "column-used-from", "column-last-used"];
    Table::new(texts.say("clients-progress"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(texts.say("clients-no-secret"))
}

/// `GET /console/clients/{id}/rotate`
pub async fn ask(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, found) = desk
        .read(move |server, visit| {
            let client = clients::show_to_change(server, &visit.caller, &id)?;
            let secrets = clients::list_secrets(server, &visit.caller, &id)?;
            Ok((client, secrets, server.config.access_keys.max_grace.as_secs()))
        })
        .await?;
    desk.page(&guest, page(desk.texts, &guest, &found, None))
}

/// `POST /console/clients/{id}/rotate`
pub async fn rotate(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let texts = desk.texts;
    let sent = desk.submit(payload, move |server, visit, form| {
        let client = clients::show_to_change(server, &visit.caller, &id)?;
        let secrets = clients::list_secrets(server, &visit.caller, &id)?;
        let change = || {
            require_proof(server, visit, form.optional("password").ok().flatten())?;
            clients::rotate_secret(server, &visit.caller, &id, chosen_grace(form)?)
        };
        let changed = change();
        Ok(((client, secrets, server.config.access_keys.max_grace.as_secs()), changed))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((found, Ok(made))) => {
            let text = made.client_secret.unwrap_or_default();
            let issuer = &desk.server.config.server.issuer;
            let env = snippet::env(issuer, &made.client, Some(&text));
            let secret = Secret { label: texts.say("clients-new-secret"), text, env };
            let page = below(texts, &found.0, "clients-rotated")
                .block(Block::Secret(secret))
                .block(Block::Text(texts.say("clients-rotated-next")))
                .block(Block::Actions(vec![Action::go(path(&found.0), texts.say("clients-to-client"))]));
            desk.page(&guest, page)
        }
        Ok((found, Err(error))) => desk.again(&guest, page(texts, &guest, &found, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

/// `POST /console/clients/{id}/finish`
pub async fn finish(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let Sent { guest, result, .. } =
        desk.submit(payload, move |server, visit, _| clients::finish_rotation(server, &visit.caller, &id)).await?;
    match result {
        Ok(client) => desk.done(&path(&client), "rotation-finished"),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
