//! `/console/access-keys/{id}/secrets`: who uses the secrets of a key, and whether anybody still uses an old one.

use actix_web::web;
use chrono::{DateTime, Utc};

use crate::domain::access_key::AccessKey;
use crate::domain::client::Status;
use crate::flows::access_keys::{self, SecretInUse};
use crate::http::console::access_keys::{HOME, WRITE, home};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::page::{Action, Block};
use crate::http::kit::table::{Column, Table};
use crate::http::kit::texts::Texts;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/console/access-keys/{id}/secrets").route(web::get().to(secrets)));
}

/// The part of the page about one secret: who uses it, and whether anybody still uses an old one.
fn secret_blocks(texts: Texts, key: &AccessKey, secret: SecretInUse) -> Vec<Block> {
    let mut facts = vec![
        (texts.say("access-keys-secret"), Cell::code(&secret.masked)),
        (texts.say("column-created"), Cell::Time(secret.created_at)),
    ];
    let is_old = secret.expires_at.is_some();
    facts.extend(secret.expires_at.map(|end| (texts.say("access-keys-works-until"), Cell::Time(end))));
    let heading = if is_old { "access-keys-secret-old" } else { "access-keys-secret-current" };
    let mut blocks = vec![Block::Heading(texts.say(heading)), Block::Facts(facts)];
    if is_old {
        let since = |at: DateTime<Utc>| key.rotated_at.is_none_or(|rotated| at > rotated);
        let still = || secret.used_from.iter().filter(|used| since(used.last_used_at));
        let is_elsewhere = still().any(|used| used.address.is_empty());
        blocks.push(match still().count() {
            _ if is_elsewhere => Block::Notice(Tone::Warn, texts.say("access-keys-old-used-elsewhere")),
            0 => Block::Notice(Tone::Good, texts.say("access-keys-old-unused")),
            places => Block::Notice(Tone::Warn, texts.say_with("access-keys-old-used", "places", places)),
        });
    }
    let rows = secret.used_from.into_iter().map(|used| {
        let address = if used.address.is_empty() {
            Cell::text(texts.say("access-keys-elsewhere"))
        } else {
            Cell::code(used.address)
        };
        vec![address, Cell::number(used.uses), Cell::Time(used.first_used_at), Cell::Time(used.last_used_at)]
    });
    let columns = vec![
        Column::text(texts.say("access-keys-from")),
        Column::number(texts.say("access-keys-uses")),
        Column::text(texts.say("access-keys-first-used")),
        Column::text(texts.say("column-last-used")),
    ];
    let table = Table { caption: texts.say("access-keys-used-from"), columns, ..Table::default() };
    blocks.push(Block::Table(Box::new(table.rows(rows).empty(texts.say("access-keys-never-used")))));
    blocks
}

async fn secrets(desk: Desk, id: web::Path<String>) -> Shown {
    let (texts, id) = (desk.texts, id.into_inner());
    let found = desk.read(move |server, visit| {
        let key = access_keys::show(server, &visit.caller, &id)?;
        Ok((access_keys::secrets(server, &visit.caller, &id)?, key))
    });
    let (guest, (found, key)) = found.await?;
    let path = format!("{HOME}/{}", key.id);
    let is_rotating = found.iter().any(|secret| secret.expires_at.is_some());
    let mut page = home(texts, texts.say("access-keys-secrets"))
        .below(path.clone(), key.name.as_str())
        .lead(texts.say("access-keys-secrets-lead"));
    // The old one first: it is what the question is about.
    for secret in found {
        for block in secret_blocks(texts, &key, secret) {
            page = page.block(block);
        }
    }
    if guest.may(WRITE) && key.status != Status::Revoked {
        let (word, label) = if is_rotating { ("finish", "access-keys-finish") } else { ("rotate", "action-rotate") };
        page = page.block(Block::Actions(vec![Action::go(format!("{path}/{word}"), texts.say(label))]));
    }
    desk.page(&guest, page)
}
