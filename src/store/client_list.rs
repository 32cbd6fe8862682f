//! Lists of `clients`: filtered, searched and ordered. The clients of a page are found in an index that holds what they are
//! filtered by, and only these are read.

use std::collections::HashMap;

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::domain::client::Client;
use crate::domain::client_list::{ClientFilter, ClientOrder, ClientPlace, ClientSort, ClientType};
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::SearchKind;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::store::access_key_walk::lower;
use crate::store::clients::ClientRow;
use crate::store::connection::{MultiBackend, StoreConnection};
use crate::store::error::StoreError;
use crate::store::rows::to_micros;
use crate::store::schema::{clients, deleted_clients, search_words};
use crate::store::search_words::{Narrowed, searched};

/// The last use of a client as lists are ordered by it: none is the first.
const LAST_USE: &str = "coalesce(clients.last_used_at, 0)";

type Query<'a> = diesel::dsl::IntoBoxed<'a, diesel::dsl::Select<clients::table, clients::client_id>, MultiBackend>;

impl StoreConnection {
    /// A page of clients, without those that were deleted.
    pub fn list_clients(
        &mut self,
        filter: &ClientFilter,
        order: ClientOrder,
        page: &PageRequest,
    ) -> Result<Page<Client>, StoreError> {
        let narrowed = match &filter.search {
            Some(search) => self.narrow_by_words(SearchKind::Client, search)?,
            None => Narrowed::default(),
        };
        let mut query = clients::table.select(clients::client_id).limit(page.limit + 1).into_boxed();
        query = searched!(filtered(query, filter), SearchKind::Client, clients::client_id, narrowed);
        if let Some(place) = page.after.as_deref().and_then(|cursor| order.place(cursor)) {
            query = behind(query, order, place);
        }
        let ids: Vec<String> = ordered(query, order).load(self)?;
        let rows = clients::table.filter(clients::client_id.eq_any(&ids)).select(ClientRow::as_select()).load(self)?;
        let found = rows.into_iter().map(Client::try_from);
        let mut found: HashMap<String, Client> =
            found.map(|one| one.map(|one| (one.client_id.0.clone(), one))).collect::<Result<_, _>>()?;
        // One that goes in between is missing from its page, and the next page begins where it should.
        let rows: Vec<Client> = ids.iter().filter_map(|id| found.remove(id)).collect();
        Ok(Page::from_rows(rows, page.limit, |client| order.cursor(&place_of(client, order.by))))
    }
}

fn filtered<'a>(query: Query<'a>, filter: &ClientFilter) -> Query<'a> {
    // The limit and offset keep PostgreSQL from joining: each row asks for itself, and few rows are looked at.
    let deleted = deleted_clients::table.filter(deleted_clients::client_id.eq(clients::client_id)).limit(1).offset(0);
    let mut query = query.filter(not(exists(deleted)));
    if let Some(status) = filter.status {
        query = query.filter(clients::status.eq(status.as_str()));
    }
    let none = ClientAuthMethod::None.as_str();
    query = match filter.client_type {
        None => query,
        Some(ClientType::Public) => query.filter(clients::token_endpoint_auth_method.eq(none)),
        Some(ClientType::Confidential) => query.filter(clients::token_endpoint_auth_method.ne(none)),
    };
    if let Some(grant) = filter.grant {
        let among = sql::<Bool>("(' ' || clients.grant_types || ' ') LIKE ");
        query = query.filter(among.bind::<Text, _>(format!("% {} %", grant.as_str())));
    }
    query
}

/// Only what comes behind a place. That nothing lies before its value is said first and by itself: an index is entered by it.
fn behind(query: Query<'_>, order: ClientOrder, place: ClientPlace) -> Query<'_> {
    let ClientPlace { client_id, name, micros } = place;
    let time = if order.by == ClientSort::Created { "clients.created_at" } else { LAST_USE };
    let time = || sql::<BigInt>(time);
    let (own, named, id) = (lower(clients::client_name), lower(name), clients::client_id);
    match (order.by, order.descending) {
        (ClientSort::Id, false) => query.filter(id.gt(client_id)),
        (ClientSort::Id, true) => query.filter(id.lt(client_id)),
        (ClientSort::Name, false) => {
            let later = own.gt(named.clone()).or(id.gt(client_id));
            query.filter(own.ge(named)).filter(later)
        }
        (ClientSort::Name, true) => {
            let later = own.lt(named.clone()).or(id.lt(client_id));
            query.filter(own.le(named)).filter(later)
        }
        (ClientSort::Created | ClientSort::LastUsed, false) => {
            query.filter(time().ge(micros)).filter(time().gt(micros).or(id.gt(client_id)))
        }
        (ClientSort::Created | ClientSort::LastUsed, true) => {
            query.filter(time().le(micros)).filter(time().lt(micros).or(id.lt(client_id)))
        }
    }
}

fn ordered(query: Query<'_>, order: ClientOrder) -> Query<'_> {
    let id = clients::client_id;
    let name = || lower(clients::client_name);
    let used = || sql::<BigInt>(LAST_USE);
    match (order.by, order.descending) {
        (ClientSort::Id, false) => query.order(id.asc()),
        (ClientSort::Id, true) => query.order(id.desc()),
        (ClientSort::Name, false) => query.order((name().asc(), id.asc())),
        (ClientSort::Name, true) => query.order((name().desc(), id.desc())),
        (ClientSort::Created, false) => query.order((clients::created_at.asc(), id.asc())),
        (ClientSort::Created, true) => query.order((clients::created_at.desc(), id.desc())),
        (ClientSort::LastUsed, false) => query.order((used().asc(), id.asc())),
        (ClientSort::LastUsed, true) => query.order((used().desc(), id.desc())),
    }
}

fn place_of(client: &Client, by: ClientSort) -> ClientPlace {
    let micros = match by {
        ClientSort::Id | ClientSort::Name => 0,
        ClientSort::Created => to_micros(client.created_at),
        ClientSort::LastUsed => client.last_used_at.map_or(0, to_micros),
    };
    ClientPlace { client_id: client.client_id.0.clone(), name: client.client_name.clone(), micros }
}
