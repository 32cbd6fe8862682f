//! `/console`: how things stand.

use std::collections::BTreeSet;

use crate::domain::alert::Alert;
use crate::domain::role;
use crate::flows::overview::{
    self, Activity, Credentials, Health, JobHealth, NamedNearLimit, Overview, TimedCredential,
};
use crate::http::console::alerts::rule;
use crate::http::console::audit::broken_text;
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::chart::{Chart, Step};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::nav;
use crate::http::kit::page::{Block, Page, Tile};
use crate::http::kit::table::{Column, Table};
use crate::http::kit::texts::Texts;

/// `GET /console`; whoever may not see it begins elsewhere.
pub async fn show(desk: Desk) -> Shown {
    let found = desk.read(|server, visit| {
        let may = role::holds(&visit.caller.held, "usage:read");
        may.then(|| overview::show(server, &visit.caller)).transpose()
    });
    let (guest, overview) = found.await?;
    let texts = desk.texts;
    let Some(overview) = overview else {
        return Ok(desk.go(nav::start(&desk.server.config, &guest.visit.caller.held)));
    };
    let mut page = Page::new("/console", texts.say("nav-overview"));
    if let Some(broken) = &overview.audit_broken {
        page = page.notice(Tone::Bad, broken_text(texts, broken)).link("/console/audit", texts.say("nav-audit"));
    }
    let mut page = page.block(Block::Tiles(tiles(texts, &overview)));
    let Overview { activity, credentials, alerts, health, audit_broken, .. } = overview;
    let is_whole = audit_broken.is_none();
    let blocks = activity.map(|activity| activity_blocks(texts, activity)).into_iter().flatten();
    let blocks = blocks
        .chain(credentials.map(|credentials| credential_blocks(texts, credentials)).into_iter().flatten())
        .chain(alerts.map(|alerts| alert_block(texts, alerts)))
        .chain(health.map(|health| health_blocks(texts, health, is_whole)).into_iter().flatten());
    for block in blocks {
        page = page.block(block);
    }
    desk.page(&guest, page)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn tiles(texts: Texts, overview: &Overview) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut tile = |label: &str, number: i64, note: String, tone: Tone, href: Option<&str>| {
        let (label, figure, href) = (texts.say(label), number.to_string(), href.map(str::to_owned));
        tiles.push(Tile { label, figure, note, href, tone });
    };
    let last_day = || texts.say("overview-last-day");
    if let Some(activity) = &overview.activity {
        let sum = |of: fn(&overview::OverviewHour) -> i64| activity.hours.iter().map(of).sum::<i64>();
        tile("overview-requests", sum(|hour| hour.requests), last_day(), Tone::Plain, None);
        let failed = sum(|hour| hour.failed);
        let tone = if failed > 0 { Tone::Bad } else { Tone::Plain };
        let note = texts.say_with("overview-failed-note", "number", failed);
        tile("overview-errors", sum(|hour| hour.refused) + failed, note, tone, None);
        tile("overview-tokens", sum(|hour| hour.tokens), last_day(), Tone::Plain, None);
    }
    if let Some(number) = overview.alerts_total {
        let tone = if number == 0 { Tone::Good } else { Tone::Warn };
        tile("nav-alerts", number, texts.say("overview-last-week"), tone, Some("/console/alerts"));
    }
    tiles
}

/// A figure of an hour.
type Figure = fn(&overview::OverviewHour) -> i64;

fn chart(texts: Texts, activity: &Activity, caption: &str, series: &[(&str, Figure)]) -> Block {
    let steps = activity
        .hours
        .iter()
        .map(|hour| (Step::Hour(hour.hour), series.iter().map(|(_, of)| count(of(hour))).collect()));
    Block::Chart(Box::new(Chart {
        caption: texts.say(caption),
        step: texts.say("overview-hour"),
        series: series.iter().map(|(name, _)| texts.say(name)).collect(),
        steps: steps.collect(),
    }))
}

fn table(texts: Texts, (caption, empty): (&str, &str), columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Block {
    let table = Table { caption: texts.say(caption), columns, ..Table::default() };
    Block::Table(Box::new(table.rows(rows).empty(texts.say(empty))))
}

/// A credential by its name, leading to its page.
fn credential(id: &str, name: Option<&str>) -> Cell {
    let shown = name.filter(|name| !name.is_empty()).unwrap_or(id);
    match name {
        Some(_) if id.starts_with("ak_") => Cell::link(format!("/console/access-keys/{id}"), shown),
        // People see to those themselves.
        Some(_) if id.starts_with("pt_") => Cell::text(shown),
        Some(_) => {
            let path: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
            Cell::link(format!("/console/clients/{}", path.replace('+', "%20")), shown)
        }
        None => Cell::code(shown),
    }
}

fn activity_blocks(texts: Texts, activity: Activity) -> Vec<Block> {
    let requests = chart(
        texts,
        &activity,
        "overview-requests-by-hour",
        &[
            ("overview-answered", |hour| hour.requests - hour.refused - hour.failed),
            ("overview-errors", |hour| hour.refused + hour.failed),
        ],
    );
    let tokens = chart(texts, &activity, "overview-tokens-by-hour", &[("overview-tokens", |hour| hour.tokens)]);
    let busiest = activity.busiest.iter().map(|row| {
        let name = credential(&row.credential_id, row.name.as_deref());
        vec![name, Cell::number(row.requests), Cell::number(row.refused)]
    });
    let columns = vec![
        Column::text(texts.say("overview-credential")),
        Column::number(texts.say("overview-requests")),
        Column::number(texts.say("overview-refused")),
    ];
    let busiest = table(texts, ("overview-busiest", "overview-busiest-none"), columns, busiest.collect());
    let near = activity.near_limits.iter().map(|NamedNearLimit { name, near }| {
        let state = if near.exceeded { (Tone::Bad, "overview-exceeded") } else { (Tone::Warn, "overview-near") };
        let window = if near.seconds == 60 { "access-keys-per-minute" } else { "access-keys-per-hour" };
        vec![
            credential(&near.credential_id, name.as_deref()),
            Cell::text(texts.say_with(window, "number", near.limit)),
            Cell::number(near.used),
            Cell::Badge(state.0, texts.say(state.1)),
            Cell::Time(near.at),
        ]
    });
    let columns = vec![
        Column::text(texts.say("overview-credential")),
        Column::text(texts.say("access-keys-limit")),
        Column::number(texts.say("overview-used")),
        Column::text(texts.say("column-status")),
        Column::text(texts.say("overview-seen")),
    ];
    let near = table(texts, ("overview-near-limits", "overview-near-limits-none"), columns, near.collect());
    vec![
        requests,
        tokens,
        Block::Heading(texts.say("overview-busiest")),
        busiest,
        Block::Heading(texts.say("overview-near-limits")),
        near,
        Block::Text(texts.say("overview-near-limits-note")),
    ]
}

fn timed(texts: Texts, rows: &[TimedCredential]) -> Vec<Vec<Cell>> {
    let row = |timed: &TimedCredential| {
        let kind = match timed.kind {
            "access_key" => "overview-kind-access-key",
            "access_key_secret" => "overview-kind-old-secret",
            "client_secret" => "overview-kind-client-secret",
            _ => "overview-kind-client",
        };
        vec![credential(&timed.id, Some(&timed.name)), Cell::text(texts.say(kind)), Cell::Time(timed.at)]
    };
    rows.iter().map(row).collect()
}

fn credential_blocks(texts: Texts, credentials: Credentials) -> Vec<Block> {
    let columns = |last: &str| {
        ["overview-credential", "overview-kind", last].map(|key| Column::text(texts.say(key))).into_iter().collect()
    };
    let more = |more: bool| more.then(|| Block::Text(texts.say("overview-more")));
    let ending = table(
        texts,
        ("overview-ending", "overview-ending-none"),
        columns("overview-ends"),
        timed(texts, &credentials.ending),
    );
    let overdue = table(
        texts,
        ("overview-overdue", "overview-overdue-none"),
        columns("overview-made"),
        timed(texts, &credentials.overdue),
    );
    let mut blocks = vec![Block::Heading(texts.say("overview-ending")), ending];
    blocks.extend(more(credentials.more_ending));
    blocks.extend([Block::Heading(texts.say("overview-overdue")), overdue]);
    blocks.extend(more(credentials.more_overdue));
    blocks
}

fn alert_block(texts: Texts, alerts: Vec<Alert>) -> Block {
    let rows = alerts.into_iter().map(|alert| {
        vec![Cell::text(rule(texts, alert.rule)), Cell::code(alert.subject_id), Cell::Time(alert.occurred_at)]
    });
    let columns = ["overview-what", "overview-about", "overview-when"].map(|key| Column::text(texts.say(key)));
    table(texts, ("overview-alerts", "overview-alerts-none"), columns.into_iter().collect(), rows.collect())
}

fn job_state(texts: Texts, job: &JobHealth, is_whole: bool) -> Cell {
    match (&job.failing_since, &job.last_run) {
        // It runs, and what it found is not well.
        (None, Some(_)) if job.name == "audit-verify" && !is_whole => {
            Cell::Badge(Tone::Bad, texts.say("overview-log-broken"))
        }
        (Some(since), _) => {
            let failing = Cell::Badge(Tone::Bad, texts.say("overview-failing"));
            Cell::Several(vec![failing, Cell::Time(*since), Cell::maybe(job.error.as_deref())])
        }
        (None, Some(_)) => Cell::Badge(Tone::Good, texts.say("overview-well")),
        (None, None) => Cell::Badge(Tone::Plain, texts.say("overview-not-yet")),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a size for people")]
fn size(texts: Texts, octets: i64) -> String {
    format!("{} MB", texts.decimal(octets as f64 / 1_000_000.0, 1))
}

fn health_blocks(texts: Texts, health: Health, is_whole: bool) -> Vec<Block> {
    let database = health.database;
    let mut facts = vec![
        (texts.say("overview-database"), Cell::text(if database.kind == "sqlite" { "SQLite" } else { "PostgreSQL" })),
        (texts.say("overview-latency"), Cell::number(format!("{} ms", texts.decimal(database.latency_ms, 2)))),
    ];
    facts.extend(database.size.map(|octets| (texts.say("overview-size"), Cell::number(size(texts, octets)))));
    let failing: BTreeSet<&str> =
        health.jobs.iter().filter(|job| job.failing_since.is_some()).map(|job| job.name.as_str()).collect();
    let state = match failing.is_empty() {
        true => Cell::Badge(Tone::Good, texts.say("overview-well")),
        false => Cell::Badge(
            Tone::Bad,
            texts.say_with("overview-failing-jobs", "jobs", failing.into_iter().collect::<Vec<_>>().join(", ")),
        ),
    };
    facts.push((texts.say("overview-jobs"), state));
    let keys = health.signing_keys.into_iter().map(|key| {
        let next = if key.next_published { "overview-next-published" } else { "overview-next-planned" };
        vec![
            Cell::text(key.alg),
            Cell::code(key.kid),
            Cell::Time(key.active_since),
            Cell::Several(vec![Cell::Time(key.next_rotation), Cell::text(texts.say(next))]),
        ]
    });
    let key_columns = ["overview-algorithm", "column-id", "overview-active-since", "overview-next-rotation"];
    let key_columns = key_columns.map(|key| Column::text(texts.say(key))).into_iter().collect();
    let jobs = health.jobs.iter().map(|job| {
        vec![
            Cell::code(&job.name),
            job_state(texts, job, is_whole),
            Cell::time(job.last_run),
            Cell::maybe(job.backlog.map(|waiting| waiting.to_string())),
        ]
    });
    let job_columns = ["overview-job", "column-status", "overview-last-run", "overview-waiting"];
    let job_columns = job_columns.map(|key| Column::text(texts.say(key))).into_iter().collect();
    vec![
        Block::Heading(texts.say("overview-health")),
        Block::Facts(facts),
        table(texts, ("nav-signing-keys", "overview-no-keys"), key_columns, keys.collect()),
        table(texts, ("overview-jobs", "overview-no-jobs"), job_columns, jobs.collect()),
        Block::Text(texts.say("overview-jobs-note")),
    ]
}
