//! The list of clients: searched, filtered and ordered.

use crate::domain::client::Client;
use crate::domain::client_list::{ClientFilter, ClientOrder, ClientSort, ClientType};
use crate::domain::search::ListFilter;
use crate::flows::clients;
use crate::http::console::clients::{HOME, WRITE, path};
use crate::http::console::{fields, listing};
use crate::http::kit::cell::Cell;
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::Page;
use crate::http::kit::table::{Column, Sorted, Table};
use crate::http::kit::texts::Texts;
use crate::protocol::grant_type::GrantType;
use crate::protocol::params::Params;

/// The parameters that say which clients are wanted.
const WANTED: [&str; 5] = ["q", "status", "type", "grant", "sort"];

fn read(query: &Params) -> ClientFilter {
    let ListFilter { search, status } = listing::filter(query);
    ClientFilter {
        search,
        status,
        client_type: ClientType::parse(&fields::text(query, "type")),
        grant: GrantType::parse(&fields::text(query, "grant")),
    }
}

fn filters(texts: Texts, query: &Params) -> Vec<Field> {
    let any = || Choice::new("", texts.say("list-any"));
    let types = [("public", "clients-public"), ("confidential", "clients-confidential")];
    let types = types.into_iter().map(|(value, key)| Choice::new(value, texts.say(key)));
    let grants = GrantType::ALL.into_iter().map(|grant| Choice::new(grant.as_str(), grant.as_str()));
    let own = [
        Field::select("type", texts.say("column-kind"), std::iter::once(any()).chain(types).collect()),
        Field::select("grant", texts.say("clients-grant"), std::iter::once(any()).chain(grants).collect()),
    ];
    let sort = Field::hidden("sort", fields::text(query, "sort"));
    listing::fields(texts, query).into_iter().chain(own.map(|field| field.keep(Some(query)))).chain([sort]).collect()
}

fn columns(texts: Texts, query: &Params, order: ClientOrder) -> Vec<Column> {
    let sorted = |label: &str, by: ClientSort, word: &str| {
        Column::sorting(texts.say(label), (HOME, query), word, Sorted::of(order.by == by, order.descending))
    };
    vec![
        sorted("column-name", ClientSort::Name, "name"),
        sorted("column-client-id", ClientSort::Id, "client_id"),
        Column::text(texts.say("column-kind")),
        Column::text(texts.say("column-environment")),
        Column::text(texts.say("column-status")),
        sorted("column-created", ClientSort::Created, "created"),
        sorted("column-last-used", ClientSort::LastUsed, "last_used"),
    ]
}

fn row(texts: Texts, client: &Client) -> Vec<Cell> {
    let kind = if client.is_public() { "clients-public" } else { "clients-confidential" };
    vec![
        Cell::link(path(client), client.client_name.as_str()),
        Cell::code(client.client_id.as_str()),
        Cell::text(texts.say(kind)),
        Cell::text(client.environment.as_str()),
        listing::status(texts, client.status),
        Cell::Time(client.created_at),
        Cell::time(client.last_used_at),
    ]
}

/// `GET /console/clients`
pub async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    // A cursor belongs to its order: what sorts or filters anew begins at the start.
    let wanted = query.only(&WANTED);
    let newest = ClientOrder { by: ClientSort::Created, descending: true };
    let order = ClientOrder::parse(&fields::text(&wanted, "sort")).unwrap_or(newest);
    let (page, filter) = (desk.page_request(|cursor| order.place(cursor).is_some()), read(&wanted));
    let found = desk.read(move |server, visit| clients::list(server, &visit.caller, &filter, order, &page));
    let (guest, found) = found.await?;
    let table = Table {
        caption: texts.say("nav-clients"),
        columns: columns(texts, &wanted, order),
        filters: filters(texts, &wanted),
        ..Table::default()
    };
    let table = table
        .rows(found.items.iter().map(|client| row(texts, client)))
        .empty(listing::empty(texts, &query, "clients-empty"))
        .pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-clients")).lead(texts.say("clients-lead")).table(table);
    desk.page(&guest, if guest.may(WRITE) { page.link(format!("{HOME}/new"), texts.say("clients-new")) } else { page })
}
