//! `/console/access-keys`: every access key, searched, filtered and ordered.

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::access_key::{AccessKey, Owner};
use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder, AccessKeySort, EXPIRING_WITHIN, StandingFilter};
use crate::domain::client::Status;
use crate::domain::limits::Limits;
use crate::domain::search::SearchText;
use crate::flows::Server;
use crate::flows::access_keys::{self, OwnerNames};
use crate::http::console::access_keys_form::{MANY_PROJECTS, environments, projects};
use crate::http::console::{access_keys_edit, access_keys_life, access_keys_secrets};
use crate::http::kit::cell::{self, Cell, Tone};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::Page;
use crate::http::kit::table::{Column, Sorted, Table};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// Where the section begins.
pub const HOME: &str = "/console/access-keys";
/// The scope that changes them.
pub const WRITE: &str = "access-keys:write";
/// The parameters that say which keys are wanted.
const FILTERS: [&str; 7] = ["q", "status", "environment", "project", "owner", "unused", "sort"];
/// Days without use that can be asked for.
const UNUSED: [i64; 3] = [30, 90, 180];

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .configure(access_keys_edit::routes)
        .configure(access_keys_life::routes)
        .configure(access_keys_secrets::routes);
}

/// A page of this section.
pub fn home(texts: Texts, title: impl Into<String>) -> Page {
    Page::new(HOME, title).below(HOME, texts.say("nav-access-keys"))
}

/// Where a key stands, for people: what is active and past its end is expired.
pub fn standing(texts: Texts, key: &AccessKey, now: DateTime<Utc>) -> Cell {
    let (tone, text) = match (key.status, key.expires_at) {
        (Status::Revoked, _) => (Tone::Bad, "status-revoked"),
        (Status::Inactive, _) => (Tone::Warn, "status-disabled"),
        (Status::Active, Some(end)) if end <= now => (Tone::Bad, "status-expired"),
        (Status::Active, Some(end)) if end <= now + EXPIRING_WITHIN => (Tone::Warn, "access-keys-expiring"),
        (Status::Active, _) => (Tone::Good, "status-active"),
    };
    Cell::Badge(tone, texts.say(text))
}

/// Whose a key is: kind and name.
pub fn owner(texts: Texts, owner: Option<&Owner>, names: &OwnerNames) -> Cell {
    let Some(owner) = owner else { return Cell::text(texts.say("access-keys-owner-platform")) };
    let kind = match owner {
        Owner::User(_) => "access-keys-owner-user",
        Owner::ServiceAccount(_) => "access-keys-owner-service-account",
        Owner::Client(_) => "access-keys-owner-client",
    };
    Cell::text(texts.say_with(kind, "name", names.of(owner)))
}

/// Most characters of a name in a list.
const MOST_NAME: usize = 80;
/// Most projects of a key that a list names.
const MOST_PROJECTS: usize = 5;

/// The projects of a key; `most` of them by name, the others by their number.
pub fn projects_of(texts: Texts, key: &AccessKey, most: usize) -> Cell {
    if key.projects.is_empty() {
        return Cell::text(texts.say("access-keys-all-projects"));
    }
    let named = Cell::Codes(key.projects.iter().take(most).map(|project| project.as_str().to_owned()).collect());
    match key.projects.len().saturating_sub(most) {
        0 => named,
        more => Cell::Several(vec![named, Cell::text(format!("+{more}"))]),
    }
}

/// Limits in words.
pub fn limits(texts: Texts, limits: Limits) -> Cell {
    let minute = limits.requests_per_minute.map(|number| texts.say_with("access-keys-per-minute", "number", number));
    let hour = limits.requests_per_hour.map(|number| texts.say_with("access-keys-per-hour", "number", number));
    Cell::text(minute.into_iter().chain(hour).collect::<Vec<_>>().join(", "))
}

fn text<'a>(query: &'a Params, name: &'static str) -> Option<&'a str> {
    query.optional(name).ok().flatten().filter(|text| !text.trim().is_empty())
}

fn read_filter(query: &Params, now: DateTime<Utc>) -> AccessKeyFilter {
    let unused = text(query, "unused").and_then(|days| days.parse().ok()).filter(|days| UNUSED.contains(days));
    AccessKeyFilter {
        search: text(query, "q").and_then(SearchText::parse),
        owner_id: text(query, "owner").map(|id| id.trim().to_owned()),
        project: text(query, "project").map(|id| id.trim().to_owned()),
        environment: text(query, "environment").map(str::to_owned),
        standing: text(query, "status").and_then(StandingFilter::parse),
        last_used_before: unused.map(|days| now - TimeDelta::days(days)),
        ..AccessKeyFilter::default()
    }
}

fn choice(value: &str, label: String, query: &Params, name: &'static str) -> Choice {
    Choice::new(value, label).chosen(text(query, name) == Some(value))
}

/// A choice of one, or of none.
fn choices(
    name: &'static str,
    (label, any): (String, String),
    options: impl IntoIterator<Item = (String, String)>,
    query: &Params,
) -> Field {
    let options = options.into_iter().map(|(value, label)| choice(&value, label, query, name));
    Field::select(name, label, std::iter::once(Choice::new("", any)).chain(options).collect())
}

fn filters(texts: Texts, query: &Params, environments: Vec<String>, projects: Vec<(String, String)>) -> Vec<Field> {
    let any = || texts.say("access-keys-any");
    let standings = [
        ("active", "status-active"),
        ("expiring", "access-keys-expiring"),
        ("expired", "status-expired"),
        ("inactive", "status-disabled"),
        ("revoked", "status-revoked"),
    ];
    let standings = standings.map(|(value, key)| (value.to_owned(), texts.say(key)));
    let unused = UNUSED.map(|days| (days.to_string(), texts.say_with("access-keys-unused-days", "days", days)));
    let environments = environments.into_iter().map(|name| (name.clone(), name));
    let mut fields = vec![
        Field::text("q", texts.say("access-keys-search"), text(query, "q").unwrap_or_default())
            .hint(texts.say("access-keys-search-hint")),
        choices("status", (texts.say("column-status"), any()), standings, query),
        choices("environment", (texts.say("column-environment"), any()), environments, query),
    ];
    // Of more projects than a list has, one is named by its identifier.
    if projects.len() >= MANY_PROJECTS {
        let known = text(query, "project").unwrap_or_default();
        let field = Field::text("project", texts.say("access-keys-project"), known);
        fields.push(field.hint(texts.say("access-keys-project-hint")));
    } else if !projects.is_empty() {
        fields.push(choices("project", (texts.say("access-keys-project"), any()), projects, query));
    }
    fields.push(choices("unused", (texts.say("access-keys-unused"), any()), unused, query));
    // Whose keys these are comes from a link; a field for identifiers would help nobody.
    fields.extend(["owner", "sort"].into_iter().filter_map(|name| Some(Field::hidden(name, text(query, name)?))));
    fields
}

fn columns(texts: Texts, query: &Params, order: AccessKeyOrder) -> Vec<Column> {
    let sorted = |label: &str, by: AccessKeySort, word: &str| {
        Column::sorting(texts.say(label), (HOME, query), word, Sorted::of(order.by == by, order.descending))
    };
    vec![
        sorted("column-name", AccessKeySort::Name, "name"),
        Column::text(texts.say("access-keys-secret")),
        Column::text(texts.say("column-status")),
        Column::text(texts.say("column-owner")),
        Column::text(texts.say("nav-projects")),
        Column::text(texts.say("column-environment")),
        sorted("column-created", AccessKeySort::Created, "created"),
        sorted("column-expires", AccessKeySort::Expires, "expires"),
        sorted("column-last-used", AccessKeySort::LastUsed, "last_used"),
        Column::text(texts.say("access-keys-limit")),
    ]
}

fn row(server: &Server, texts: Texts, key: &AccessKey, names: &OwnerNames) -> Vec<Cell> {
    let last_use = match (key.last_used_at, key.last_used_address) {
        (None, _) => Cell::text(texts.say("access-keys-never")),
        (Some(at), None) => Cell::Time(at),
        (Some(at), Some(address)) => Cell::Several(vec![Cell::Time(at), Cell::code(address.to_string())]),
    };
    vec![
        // The whole name is on the page of the key.
        Cell::link(format!("{HOME}/{}", key.id), cell::cut(&key.name, MOST_NAME)),
        Cell::code(&key.masked),
        standing(texts, key, server.clock.now()),
        match owner(texts, key.owner.as_ref(), names) {
            Cell::Text(owner) => Cell::Text(cell::cut(&owner, MOST_NAME)),
            owner => owner,
        },
        projects_of(texts, key, MOST_PROJECTS),
        Cell::text(&key.environment),
        Cell::Time(key.created_at),
        key.expires_at.map_or_else(|| Cell::text(texts.say("access-keys-never")), Cell::Time),
        last_use,
        limits(texts, server.limits(&key.environment, key.limits, key.plan.as_deref())),
    ]
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    // A cursor belongs to its order: what sorts or filters anew begins at the start.
    let wanted = query.only(&FILTERS);
    let newest = AccessKeyOrder { by: AccessKeySort::Created, descending: true };
    let order = text(&wanted, "sort").and_then(AccessKeyOrder::parse).unwrap_or(newest);
    let page = desk.page_request(|cursor| order.place(cursor).is_some());
    let filter = read_filter(&wanted, desk.server.clock.now());
    let found = desk.read(move |server, visit| {
        let found = access_keys::list(server, &visit.caller, &filter, order, &page)?;
        let names = access_keys::owner_names(server, &visit.caller, &found.items)?;
        Ok((found, names, environments(server, &visit.caller)?, projects(server, &visit.caller)?))
    });
    let (guest, (found, names, environments, projects)) = found.await?;
    let rows = found.items.iter().map(|key| row(&desk.server, texts, key, &names));
    let is_filtered = FILTERS.iter().any(|name| *name != "sort" && !query.all(name).join("").is_empty());
    let empty = match (is_filtered, &found.next_cursor) {
        (true, Some(_)) => "access-keys-none-so-far",
        (true, None) => "access-keys-none-found",
        (false, _) => "access-keys-empty",
    };
    let table = Table {
        caption: texts.say("nav-access-keys"),
        columns: columns(texts, &wanted, order),
        filters: filters(texts, &wanted, environments, projects),
        ..Table::default()
    };
    let table = table.rows(rows).empty(texts.say(empty)).pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-access-keys"));
    let page = if guest.may(WRITE) { page.link(format!("{HOME}/new"), texts.say("access-keys-new")) } else { page };
    let page = match text(&wanted, "owner") {
        Some(owner) => page
            .lead(texts.say_with("access-keys-of-owner", "owner", owner))
            .link(HOME, texts.say("access-keys-show-all")),
        None => page.lead(texts.say("access-keys-lead")),
    };
    desk.page(&guest, page.table(table))
}
