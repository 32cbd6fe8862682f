//! `/console/alerts`: what operators should hear of.

use actix_web::web;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::crypto::random::is_id;
use crate::domain::alert::{Alert, AlertFilter, AlertRule};
use crate::flows::alerts;
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;

const HOME: &str = "/console/alerts";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(list)));
}

/// What a rule says, in the reader's language.
pub(super) fn rule(texts: Texts, rule: AlertRule) -> String {
    texts.say(&format!("alerts-rule-{}", rule.as_str()))
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(is_id);
    let given = |name: &'static str| query.optional(name).ok().flatten().map(str::to_owned);
    let filter = AlertFilter {
        rule: given("rule").and_then(|rule| AlertRule::parse(&rule)),
        subject_id: given("subject_id"),
        ..AlertFilter::default()
    };
    let chosen = filter.rule;
    let typed = filter.subject_id.clone().unwrap_or_default();
    let (guest, (found, has_endpoints)) = desk
        .read(move |server, visit| {
            let found = alerts::list(server, &visit.caller, &filter, &page)?;
            Ok((found, server.config.alert_endpoints().next().is_some()))
        })
        .await?;
    let columns = ["audit-when", "alerts-about", "alerts-subject", "audit-detail", "nav-webhooks"];
    let mut rules = vec![Choice::new("", texts.say("audit-any")).chosen(chosen.is_none())];
    rules.extend(
        AlertRule::ALL.into_iter().map(|one| Choice::new(one.as_str(), rule(texts, one)).chosen(chosen == Some(one))),
    );
    let table = Table::new(texts.say("nav-alerts"), columns.map(|key| texts.say(key)))
        .rows(found.items.into_iter().map(|alert| row(texts, alert)))
        .empty(texts.say("alerts-empty"))
        .filters(vec![
            Field::select("rule", texts.say("alerts-about"), rules),
            Field::text("subject_id", texts.say("alerts-subject"), typed),
        ])
        .pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-alerts")).lead(texts.say("alerts-lead"));
    let page =
        if has_endpoints { page } else { page.block(Block::Notice(Tone::Warn, texts.say("alerts-no-endpoints"))) };
    desk.page(&guest, page.table(table))
}

fn row(texts: Texts, alert: Alert) -> Vec<Cell> {
    let query = |name: &str, value: &str| Serializer::new(String::new()).append_pair(name, value).finish();
    vec![
        Cell::Time(alert.occurred_at),
        Cell::text(rule(texts, alert.rule)),
        Cell::Several(vec![
            Cell::text(alert.subject_kind),
            Cell::link(format!("{HOME}?{}", query("subject_id", &alert.subject_id)), alert.subject_id),
        ]),
        Cell::text(facts(texts, &alert.detail)),
        Cell::link(format!("/console/webhooks?{}", query("alert_id", &alert.id)), texts.say("alerts-deliveries")),
    ]
}

/// The facts of an alert in one line.
fn facts(texts: Texts, detail: &Value) -> String {
    let fact = |(name, value): (&String, &Value)| {
        let key = format!("alerts-fact-{name}");
        let name = if texts.has(&key) { texts.say(&key) } else { name.clone() };
        match value {
            Value::String(text) => format!("{name}: {}", texts.of_domain(text)),
            value => format!("{name}: {value}"),
        }
    };
    detail.as_object().map(|facts| facts.iter().map(fact).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}
