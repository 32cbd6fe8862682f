//! How an access key or a client is used, at `.../usage`: the last days as a chart, and what they were spent on.

use actix_web::web;

use crate::domain::usage_summary::UsageSummary;
use crate::flows::usage_summaries;
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::chart::{Chart, Step};
use crate::http::kit::desk::{Desk, Guest, Shown};
use crate::http::kit::page::{Block, Page, Tile};
use crate::http::kit::table::{Column, Table};
use crate::http::kit::texts::Texts;

/// Days that can be looked at; the first is shown where nobody says.
const DAYS: [i64; 2] = [30, 7];

/// Most names that a table shows, each in a row of its own.
const MOST_ROWS: usize = 50;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/console/access-keys/{id}/usage").route(web::get().to(of_access_key)))
        .service(web::resource("/console/clients/{client_id}/usage").route(web::get().to(of_client)));
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn chart(texts: Texts, summary: &UsageSummary) -> Chart {
    let steps = summary
        .days
        .iter()
        .map(|day| (Step::Day(day.day), vec![count(day.requests - day.refused), count(day.refused)]));
    Chart {
        caption: texts.say("usage-by-day"),
        step: texts.say("usage-day"),
        series: vec![texts.say("usage-accepted"), texts.say("usage-refused")],
        steps: steps.collect(),
    }
}

fn tiles(texts: Texts, summary: &UsageSummary) -> Vec<Tile> {
    let tile = |label: &str, figure: String, note: String| Tile {
        label: texts.say(label),
        figure,
        note,
        href: None,
        tone: Tone::Plain,
    };
    let none = || texts.say("usage-unknown");
    let days = i64::try_from(summary.days.len()).unwrap_or_default();
    let refused: i64 = summary.days.iter().map(|day| day.refused).sum();
    vec![
        tile("usage-total", summary.total_requests.to_string(), texts.say_with("usage-in-days", "days", days)),
        tile("usage-average", texts.decimal(summary.average_per_day, 1), texts.say("usage-per-day")),
        tile(
            "usage-success",
            summary.success_rate.map_or_else(none, |rate| texts.percent(rate)),
            texts.say_with("usage-refusals", "number", refused),
        ),
        tile(
            "usage-time",
            summary.average_response_time_ms.map_or_else(none, |time| format!("{} ms", texts.decimal(time, 2))),
            texts.say("usage-time-note"),
        ),
    ]
}

/// A table of names with their requests and shares: the largest, and all others in one row.
fn shares(texts: Texts, (caption, column): (&str, &str), mut rows: Vec<(String, i64, Option<f64>)>) -> Block {
    let further = rows.split_off(rows.len().min(MOST_ROWS));
    let cells = |name: Cell, requests: i64, share: Option<f64>| {
        let share = share.map(|share| Cell::number(texts.percent(share)));
        std::iter::once(name).chain([Cell::number(requests)]).chain(share).collect::<Vec<_>>()
    };
    let row = |(name, requests, share): (String, i64, Option<f64>)| {
        let name = if name.is_empty() { Cell::text(texts.say("usage-unnamed")) } else { Cell::text(name) };
        cells(name, requests, share)
    };
    let rest = further.first().map(|(.., share)| {
        let name = texts.say_with("usage-further", "number", further.len());
        let requests = further.iter().fold(0_i64, |sum, (_, requests, _)| sum.saturating_add(*requests));
        cells(Cell::text(name), requests, share.map(|_| further.iter().filter_map(|(.., share)| *share).sum()))
    });
    let rows: Vec<_> = rows.into_iter().map(row).chain(rest).collect();
    let mut columns = vec![Column::text(texts.say(column)), Column::number(texts.say("usage-requests"))];
    if rows.first().is_none_or(|row| row.len() > 2) {
        columns.push(Column::number(texts.say("usage-share")));
    }
    let table = Table { caption: texts.say(caption), columns, ..Table::default() };
    Block::Table(Box::new(table.rows(rows).empty(texts.say("usage-nothing"))))
}

/// What a page says of the use of a credential.
fn blocks(texts: Texts, summary: &UsageSummary, empty: &str) -> Vec<Block> {
    if summary.total_requests == 0 {
        return vec![Block::Notice(Tone::Plain, texts.say(empty))];
    }
    let operations = summary.by_operation.iter().map(|row| (row.operation.clone(), row.requests, Some(row.share)));
    let projects = summary.by_project.iter().map(|row| (row.project.clone(), row.requests, Some(row.share)));
    let errors = summary.errors.iter().map(|row| (row.kind.clone(), row.requests, None));
    let mut blocks = vec![
        Block::Tiles(tiles(texts, summary)),
        Block::Chart(Box::new(chart(texts, summary))),
        shares(texts, ("usage-by-operation", "usage-operation"), operations.collect()),
        shares(texts, ("usage-by-project", "usage-project"), projects.collect()),
    ];
    blocks.push(match summary.errors.is_empty() {
        true => Block::Notice(Tone::Good, texts.say("usage-no-errors")),
        false => shares(texts, ("usage-errors", "usage-kind"), errors.collect()),
    });
    blocks
}

/// How many days a page is asked for.
pub fn days(desk: &Desk) -> i64 {
    let query = desk.query();
    let asked = query.optional("days").ok().flatten().and_then(|days| days.parse().ok());
    let [usual, _] = DAYS;
    asked.filter(|days| DAYS.contains(days)).unwrap_or(usual)
}

/// The page of one credential, below `above` in the section `section`.
fn page(
    desk: &Desk,
    guest: &Guest,
    (section, nav): (&'static str, &str),
    (path, summary, days): (String, UsageSummary, i64),
) -> Shown {
    let texts = desk.texts;
    let mut page = Page::new(section, texts.say("usage-title"))
        .below(section, texts.say(nav))
        .below(path.clone(), summary.name.as_str())
        .lead(texts.say("usage-lead"));
    for other in DAYS.into_iter().filter(|other| *other != days) {
        page = page.link(format!("{path}/usage?days={other}"), texts.say_with("usage-show-days", "days", other));
    }
    // What a client asks at the token endpoint is not counted here: not to have been used is not what it means.
    let empty = if section == "/console/clients" { "usage-empty-client" } else { "usage-empty" };
    for block in blocks(texts, &summary, empty) {
        page = page.block(block);
    }
    desk.page(guest, page)
}

async fn of_access_key(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, days) = (id.into_inner(), days(&desk));
    let path = format!("/console/access-keys/{id}");
    let found = desk.read(move |server, visit| usage_summaries::of_access_key(server, &visit.caller, &id, days));
    let (guest, summary) = found.await?;
    page(&desk, &guest, ("/console/access-keys", "nav-access-keys"), (path, summary, days))
}

async fn of_client(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, days) = (id.into_inner(), days(&desk));
    let found = desk.read(move |server, visit| usage_summaries::of_client(server, &visit.caller, &id, days));
    let (guest, summary) = found.await?;
    let name = url::form_urlencoded::byte_serialize(summary.credential_id.as_bytes()).collect::<String>();
    let path = format!("/console/clients/{}", name.replace('+', "%20"));
    page(&desk, &guest, ("/console/clients", "nav-clients"), (path, summary, days))
}
