//! `/account/usage`: how much somebody's own access keys and personal tokens were used.

use actix_web::web;

use crate::domain::usage_summary::UsageSummary;
use crate::flows::account::Person;
use crate::flows::account::usage::{self, OwnUsage};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::chart::{Chart, Step};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::page::{Block, Page, Tile};
use crate::http::kit::table::{Column, Table};
use crate::http::kit::texts::Texts;

const HOME: &str = "/account/usage";
/// The spans that are offered.
const SPANS: [i64; 2] = [7, 30];

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(show)));
}

async fn show(desk: Desk) -> Shown {
    let texts = desk.texts;
    let asked = desk.query().optional("days").ok().flatten().and_then(|text| text.parse().ok());
    let days: i64 = asked.filter(|days| SPANS.contains(days)).unwrap_or(SPANS[0]);
    let (guest, own) = desk.read(move |server, visit| usage::of_own(server, &Person::of(visit), days)).await?;
    let mut page = Page::new(HOME, texts.say("nav-own-usage")).lead(texts.say_with("account-usage-lead", "days", days));
    for other in SPANS.into_iter().filter(|span| *span != days) {
        page = page.link(format!("{HOME}?days={other}"), texts.say_with("account-usage-days", "days", other));
    }
    if !own.has_any {
        return desk.page(&guest, page.block(Block::Text(texts.say("account-usage-empty"))));
    }
    let page = page.block(Block::Tiles(tiles(texts, &own.total))).chart(chart(texts, &own.total));
    let further = own.further;
    let page = page.table(table(texts, own));
    if further == 0 {
        return desk.page(&guest, page);
    }
    desk.page(&guest, page.block(Block::Text(texts.say_with("account-usage-further", "count", further))))
}

/// A share as people write it; a dash where nothing was asked.
fn percent(texts: Texts, rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| texts.percent(rate))
}

fn tiles(texts: Texts, total: &UsageSummary) -> Vec<Tile> {
    let tile = |label: &str, figure: String| Tile {
        label: texts.say(label),
        figure,
        note: String::new(),
        href: None,
        tone: Tone::Plain,
    };
    vec![
        tile("account-usage-requests", total.total_requests.to_string()),
        tile("account-usage-average", texts.decimal(total.average_per_day, 1)),
        tile("account-usage-success", percent(texts, total.success_rate)),
    ]
}

fn chart(texts: Texts, total: &UsageSummary) -> Chart {
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let steps = total.days.iter().map(|day| {
        let well = day.requests.saturating_sub(day.refused);
        (Step::Day(day.day), vec![count(well), count(day.refused)])
    });
    Chart {
        caption: texts.say("account-usage-chart"),
        step: texts.say("account-usage-day"),
        series: vec![texts.say("account-usage-passed"), texts.say("account-usage-refused")],
        steps: steps.collect(),
    }
}

fn table(texts: Texts, own: OwnUsage) -> Table {
    let rows = own.credentials.into_iter().map(|one| {
        vec![
            Cell::text(one.name),
            Cell::code(one.credential_id),
            Cell::number(one.total_requests),
            Cell::Number(percent(texts, one.success_rate)),
            Cell::time(one.last_used_at),
        ]
    });
    let columns = [
        Column::text(texts.say("column-name")),
        Column::text(texts.say("column-id")),
        Column::number(texts.say("account-usage-requests")),
        Column::number(texts.say("account-usage-success")),
        Column::text(texts.say("column-last-used")),
    ];
    let table = Table::new(texts.say("account-usage-by-credential"), []);
    Table { columns: columns.into(), ..table }.rows(rows)
}
