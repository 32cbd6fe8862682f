//! `/console/audit`: who did what, is the log whole, and the log to take away.

use actix_web::{HttpResponse, web};
use chrono::DateTime;
use fluent_bundle::FluentArgs;
use url::form_urlencoded::Serializer;

use crate::domain::audit_event::AuditEvent;
use crate::domain::audit_filter::AuditFilter;
use crate::domain::audit_verification::{AuditVerification, ChainState, VerificationState};
use crate::domain::denial::Denial;
use crate::domain::page::Page as Listed;
use crate::flows::audit_export::{self, ExportFormat};
use crate::flows::audit_verifications::{self, Beginning};
use crate::flows::error::FlowError;
use crate::flows::{Server, audit};
use crate::http::api;
use crate::http::kit::cell::{self, Button, Cell, Tone};
use crate::http::kit::day;
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::{Table, with};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

const HOME: &str = "/console/audit";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(web::resource("/console/audit/export").route(web::get().to(export)))
        .service(web::resource("/console/audit/verify").route(web::post().to(verify)))
        .service(web::resource("/console/audit/{id}").route(web::get().to(show)));
}

/// Which events are wanted: with days of the form, or times as the API takes them. `until` is the last day that is wanted.
fn wanted(query: &Params) -> Result<AuditFilter, Denial> {
    api::audit_filter(query, |name, text| match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Ok(time.to_utc()),
        Err(_) => day::moment(query, name, text, name == "until"),
    })
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(|cursor| cursor.parse::<i64>().is_ok());
    let filter = wanted(&query);
    let (guest, (found, chain)) = desk
        .read(move |server, visit| {
            let chain = audit_verifications::state(server, &visit.caller)?;
            // What cannot be read is told above the form that holds it.
            let found = filter.map(|filter| audit::list(server, &visit.caller, &filter, &page));
            Ok((found.map_err(FlowError::from).flatten(), chain))
        })
        .await?;
    let (found, refused) = match found {
        Ok(found) => (found, None),
        Err(error @ FlowError::Denied(_)) => (Listed { items: Vec::new(), next_cursor: None }, Some(error)),
        Err(error) => return Ok(desk.error(Some(&guest), &error)),
    };
    let columns =
        ["audit-when", "audit-action", "audit-outcome", "audit-actor", "audit-target", "audit-address", "audit-detail"];
    let is_continued = found.items.is_empty() && found.next_cursor.is_some();
    let empty = if is_continued { "audit-empty-so-far" } else { "audit-empty" };
    let table = Table::new(texts.say("nav-audit"), columns.map(|key| texts.say(key)))
        .rows(found.items.into_iter().map(|event| row(texts, event)))
        .empty(texts.say(empty))
        .filters(filters(texts, &query))
        .pages(HOME, &query, found.next_cursor.as_deref());
    let export = |format: &str| with("/console/audit/export", &without_cursor(&query), "format", Some(format));
    let page = Page::new(HOME, texts.say("nav-audit"))
        .lead(texts.say("audit-lead"))
        .link(export("csv"), texts.say("audit-export-csv"))
        .link(export("jsonl"), texts.say("audit-export-jsonl"));
    let is_said = query.all("done").contains(&"chain-verified");
    let page = chain_blocks(page, texts, &chain, is_said).table(table);
    match refused {
        None => desk.page(&guest, page),
        Some(error) => desk.again(&guest, page, &error).await,
    }
}

fn without_cursor(query: &Params) -> Params {
    let kept =
        query.iter().filter(|(name, value)| !["cursor", "done", "ui_locales"].contains(name) && !value.is_empty());
    let kept = Serializer::new(String::new()).extend_pairs(kept).finish();
    Params::parse(kept.as_bytes()).unwrap_or_default()
}

fn search(name: &str, value: &str) -> String {
    format!("{HOME}?{}", Serializer::new(String::new()).append_pair(name, value).finish())
}

fn row(texts: Texts, event: AuditEvent) -> Vec<Cell> {
    let id = |name: &str, kind: Option<String>, id: Option<String>| match (kind, id) {
        (Some(kind), Some(id)) => Cell::Several(vec![Cell::Text(kind), Cell::link(search(name, &id), id)]),
        (kind, _) => Cell::maybe(kind),
    };
    vec![
        Cell::Several(vec![Cell::Time(event.occurred_at)]),
        Cell::link(format!("{HOME}/{}", event.id), event.action),
        outcome(texts, &event.outcome),
        id("actor_id", Some(event.actor_kind), event.actor_id),
        id("target_id", event.target_kind, event.target_id),
        event.address.map_or(Cell::Nothing, |address| Cell::link(search("address", &address), address)),
        Cell::maybe(event.detail),
    ]
}

fn outcome(texts: Texts, outcome: &str) -> Cell {
    match outcome {
        "success" => Cell::Badge(Tone::Good, texts.say("audit-success")),
        "failure" => Cell::Badge(Tone::Bad, texts.say("audit-failure")),
        other => Cell::text(other),
    }
}

fn filters(texts: Texts, query: &Params) -> Vec<Field> {
    let any = || Choice::new("", texts.say("audit-any")).chosen(true);
    let choices = |all: &[(&str, &str)]| -> Vec<Choice> {
        std::iter::once(any()).chain(all.iter().map(|(value, key)| Choice::new(*value, texts.say(key)))).collect()
    };
    let classes = [
        ("security", "audit-class-security"),
        ("administration", "audit-class-administration"),
        ("access", "audit-class-access"),
    ];
    let outcomes = [("success", "audit-success"), ("failure", "audit-failure")];
    let orders = vec![
        Choice::new("newest", texts.say("audit-newest-first")).chosen(true),
        Choice::new("oldest", texts.say("audit-oldest-first")),
    ];
    let fields = vec![
        Field::text("q", texts.say("audit-search"), "").hint(texts.say("audit-search-hint")),
        Field::text("action", texts.say("audit-action"), ""),
        Field::select("class", texts.say("audit-class"), choices(&classes)),
        Field::select("outcome", texts.say("audit-outcome"), choices(&outcomes)),
        Field::text("actor_id", texts.say("audit-actor"), ""),
        Field::text("target_id", texts.say("audit-target"), ""),
        Field::text("client_id", texts.say("audit-client"), ""),
        Field::text("address", texts.say("audit-address"), ""),
        Field::text("request_id", texts.say("audit-request"), ""),
        Field::date("since", texts.say("audit-since")),
        Field::last_day("until", texts.say("audit-until-day")),
        Field::select("order", texts.say("audit-order"), orders),
    ];
    fields
        .into_iter()
        .map(|field| {
            let is_given = !query.all(&field.name).is_empty();
            field.keep(is_given.then_some(query))
        })
        .collect()
}

fn chain_blocks(page: Page, texts: Texts, chain: &ChainState, is_said: bool) -> Page {
    // In the place of what was done: that the latest events are whole must not stand beside a log that is not.
    let page = match &chain.broken {
        Some(broken) => page.notice(Tone::Bad, broken_text(texts, broken)),
        None if !chain.is_sealed => page.notice(Tone::Bad, texts.say("audit-not-sealed")),
        None if chain.last.is_none() && is_said => page.notice(Tone::Warn, texts.say("audit-not-verified")),
        None => page,
    };
    let said = |verification: &Option<AuditVerification>| match verification {
        None => Cell::Badge(Tone::Warn, texts.say("audit-never-verified")),
        Some(last) => {
            let (tone, key) = match last.state {
                VerificationState::Whole => (Tone::Good, "audit-whole"),
                VerificationState::Broken => (Tone::Bad, "audit-broken"),
                VerificationState::Forged => (Tone::Bad, "audit-forged"),
                VerificationState::Running => (Tone::Plain, "audit-running"),
            };
            let until = texts.say_with("audit-until", "sequence", last.sequence);
            Cell::Several(vec![Cell::Badge(tone, texts.say(key)), Cell::Text(until), Cell::Time(last.checked_at)])
        }
    };
    let mut facts = vec![
        (texts.say("audit-chain-end"), Cell::number(chain.sequence)),
        (texts.say("audit-last-whole"), said(&chain.last_whole)),
    ];
    if let Some(broken) = &chain.broken {
        facts.push((texts.say("audit-break-found"), said(&Some(broken.clone()))));
    }
    if chain.last.as_ref().map(|last| last.number) != chain.last_whole.as_ref().map(|last| last.number) {
        facts.push((texts.say("audit-last"), said(&chain.last)));
    }
    if let Some(running) = &chain.running {
        facts.push((texts.say("audit-under-way"), said(&Some(running.clone()))));
    }
    let button = |id: &str, key: &str, whole: &str| {
        Action::Do(Button {
            action: "/console/audit/verify".to_owned(),
            label: texts.say(key),
            fields: vec![("whole", whole.to_owned())],
            id: Some(id.to_owned()),
        })
    };
    page.block(Block::Heading(texts.say("audit-chain"))).facts(facts).block(Block::Actions(vec![
        button("verify-recent", "audit-verify-recent", "false"),
        button("verify-whole", "audit-verify-whole", "true"),
    ]))
}

/// What a verification found, and when.
pub(super) fn broken_text(texts: Texts, broken: &AuditVerification) -> String {
    match &broken.broken {
        Some(reason) if broken.state == VerificationState::Broken => {
            let mut values = FluentArgs::new();
            values.set("reason", texts.of_domain(reason));
            values.set("time", cell::in_utc(&broken.checked_at));
            texts.say_all("audit-broken-because", &values)
        }
        _ => texts.say("audit-forged-text"),
    }
}

async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let texts = desk.texts;
    let (guest, event) = desk
        .read(move |server, visit| {
            let id = id.parse().map_err(|_| Denial::NotFound("audit event"))?;
            audit::show(server, &visit.caller, id)
        })
        .await?;
    let link = |name: &str, value: Option<&String>| {
        value.map_or(Cell::Nothing, |value| Cell::link(search(name, value), value.as_str()))
    };
    let of_kind = |kind: &str, id: Cell| Cell::Several(vec![Cell::text(kind), id]);
    let target = event.target_kind.as_deref().map(|kind| of_kind(kind, link("target_id", event.target_id.as_ref())));
    let facts = vec![
        (texts.say("audit-when"), Cell::Time(event.occurred_at)),
        (texts.say("audit-outcome"), outcome(texts, &event.outcome)),
        (texts.say("audit-actor"), of_kind(&event.actor_kind, link("actor_id", event.actor_id.as_ref()))),
        (texts.say("audit-target"), target.unwrap_or(Cell::Nothing)),
        (texts.say("audit-client"), link("client_id", event.client_id.as_ref())),
        (texts.say("audit-address"), link("address", event.address.as_ref())),
        (texts.say("audit-user-agent"), Cell::maybe(event.user_agent)),
        (texts.say("audit-request"), link("request_id", event.request_id.as_ref())),
        (texts.say("audit-detail"), Cell::maybe(event.detail)),
        (texts.say("audit-class"), Cell::maybe(event.class)),
        (texts.say("audit-place"), event.sequence.map_or(Cell::Nothing, Cell::number)),
        (texts.say("audit-hash"), event.hash.map_or(Cell::Nothing, |hash| Cell::code(hash.to_string()))),
    ];
    desk.page(&guest, Page::new(HOME, event.action).below(HOME, texts.say("nav-audit")).facts(facts))
}

async fn verify(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, result, .. } = desk
        .submit(payload, |server, visit, form| {
            let is_whole = form.optional("whole").ok().flatten() == Some("true");
            let beginning = if is_whole { Beginning::First } else { Beginning::LastCheckpoint };
            audit_verifications::verify(server, &visit.caller, beginning)
        })
        .await?;
    match result.map(|verification| verification.state) {
        Ok(VerificationState::Whole) => desk.done(HOME, "chain-verified"),
        // What is wrong stands on the page itself.
        Ok(_) => Ok(desk.go(HOME)),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

async fn export(desk: Desk) -> actix_web::Result<HttpResponse> {
    let query = desk.query();
    let format = query.optional("format").ok().flatten().and_then(ExportFormat::parse).unwrap_or(ExportFormat::Csv);
    let filter = wanted(&query);
    let begin = move |server: &Server, visit: &crate::flows::console::Visit| {
        audit_export::begin(server, &visit.caller, filter?, format)
    };
    let (guest, export) = desk.read(begin).await?;
    Ok(api::stream_audit_export(&desk.server, export, guest.visit.caller, format))
}
