//! `/console/environments`: the environments and plans of the configuration, to read.

use actix_web::web;

use crate::domain::limits::Limits;
use crate::flows::configured::{self, ConfiguredEnvironment, ConfiguredPlan};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::table::{Column, Table};
use crate::http::kit::texts::Texts;

const HOME: &str = "/console/environments";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(show)));
}

async fn show(desk: Desk) -> Shown {
    let texts = desk.texts;
    let (guest, (environments, plans)) = desk
        .read(|server, visit| {
            let environments = configured::list_environments(server, &visit.caller)?;
            Ok((environments, configured::list_plans(server, &visit.caller)?))
        })
        .await?;
    let page = Page::new(HOME, texts.say("nav-environments")).lead(texts.say("environments-lead"));
    let page = page
        .block(Block::Heading(texts.say("environments-heading")))
        .table(environment_table(texts, &environments))
        .block(Block::Heading(texts.say("plans-heading")))
        .table(plan_table(texts, &plans));
    desk.page(&guest, page)
}

fn number(number: Option<u32>) -> Cell {
    number.map_or(Cell::Nothing, Cell::number)
}

fn limits(limits: Limits) -> [Cell; 2] {
    [number(limits.requests_per_minute), number(limits.requests_per_hour)]
}

fn with_numbers(mut table: Table, texts: Texts, keys: &[&str]) -> Table {
    table.columns.extend(keys.iter().map(|key| Column::number(texts.say(key))));
    table
}

fn environment_table(texts: Texts, environments: &[ConfiguredEnvironment]) -> Table {
    let rows = environments.iter().map(|environment| {
        let name = Cell::text(environment.name.as_str());
        let name = if environment.is_default {
            Cell::Several(vec![name, Cell::Badge(Tone::Plain, texts.say("environments-default"))])
        } else {
            name
        };
        let resources: Vec<String> = environment.resources.iter().map(ToString::to_string).collect();
        let resources = if resources.is_empty() { Cell::Nothing } else { Cell::Codes(resources) };
        let mut row = vec![name, Cell::code(environment.access_key_prefix.as_str())];
        row.extend([Cell::code(environment.access_key_pattern.as_str()), resources]);
        row.extend(limits(environment.limits));
        row.extend([number(environment.max_requests_per_minute), number(environment.max_requests_per_hour)]);
        row
    });
    let columns = ["column-environment", "environments-prefix", "environments-pattern", "clients-resources"];
    let table = Table::new(texts.say("environments-heading"), columns.map(|key| texts.say(key)));
    let numbers = ["limit-minute", "limit-hour", "environments-most-minute", "environments-most-hour"];
    with_numbers(table, texts, &numbers).rows(rows).empty(texts.say("environments-empty"))
}

fn plan_table(texts: Texts, plans: &[ConfiguredPlan]) -> Table {
    let rows = plans.iter().map(|plan| {
        let mut row = vec![Cell::text(plan.name.as_str())];
        row.extend(limits(plan.limits));
        row
    });
    let table = Table::new(texts.say("plans-heading"), [texts.say("column-plan")]);
    with_numbers(table, texts, &["limit-minute", "limit-hour"]).rows(rows).empty(texts.say("plans-empty"))
}
