//! The statements that look through `audit_events`, put together for either database.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::domain::audit_filter::{AuditFilter, MIN_PREFIX};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::to_micros;

/// A column with an index that lists its events in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Request,
    Target,
    Actor,
    Address,
    Client,
    Action,
    Failure,
}

impl Column {
    /// What a search looks at.
    pub(super) const SEARCHED: [Self; 6] =
        [Self::Request, Self::Target, Self::Actor, Self::Address, Self::Client, Self::Action];

    /// Its name and that of its index.
    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("request_id", "audit_events_by_request"),
            Self::Target => ("target_id", "audit_events_by_target"),
            Self::Actor => ("actor_id", "audit_events_by_actor"),
            Self::Address => ("address", "audit_events_by_address"),
            Self::Client => ("client_id", "audit_events_by_client"),
            Self::Action => ("action", "audit_events_by_action"),
            Self::Failure => ("outcome", "audit_events_failures"),
        }
    }
}

/// Where to look: an indexed column with its value; None walks along the log.
pub(super) type Place = Option<(Column, String)>;

/// The ends of a look, both exclusive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) above: i64,
    pub(super) below: i64,
}

/// What is bound in a statement.
pub(super) enum Bind {
    Text(String),
    Number(i64),
}

/// A statement as it is put together. Each value is bound once, in the order of the text: both databases take `$n` then.
pub(super) struct Statement {
    is_sqlite: bool,
    sql: String,
    binds: Vec<Bind>,
}

impl Statement {
    /// An empty one for this database.
    pub(super) fn new(is_sqlite: bool) -> Self {
        Self { is_sqlite, sql: String::new(), binds: Vec::new() }
    }

    pub(super) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    pub(super) fn bind(&mut self, bind: Bind) -> &mut Self {
        self.binds.push(bind);
        self.sql.push_str(&format!("${}", self.binds.len()));
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bind(Bind::Text(text.to_owned()))
    }

    pub(super) fn load<T>(self, connection: &mut StoreConnection) -> Result<Vec<T>, StoreError>
    where
        T: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        macro_rules! load {
            ($backend:ty, $connection:expr) => {{
                let mut query = diesel::sql_query(self.sql).into_boxed::<$backend>();
                for bind in self.binds {
                    query = match bind {
                        Bind::Text(text) => query.bind::<Text, _>(text),
                        Bind::Number(number) => query.bind::<BigInt, _>(number),
                    };
                }
                Ok(query.load($connection)?)
            }};
        }
        match connection {
            StoreConnection::Sqlite(connection) => load!(diesel::sqlite::Sqlite, connection),
            StoreConnection::Postgres(connection) => load!(diesel::pg::Pg, connection),
        }
    }
}

impl Statement {
    /// The events at a place, in order.
    pub(super) fn scan(
        &mut self,
        what: &str,
        place: &Place,
        bounds: Bounds,
        (direction, most): (&str, i64),
    ) -> &mut Self {
        self.push(&format!("SELECT {what} FROM audit_events"));
        if let (Some((column, _)), true) = (place, self.is_sqlite) {
            self.push(" INDEXED BY ").push(column.names().1);
        }
        self.push(" WHERE id > ").bind(Bind::Number(bounds.above));
        self.push(" AND id < ").bind(Bind::Number(bounds.below));
        match place {
            None => {}
            // The words of the index's own condition, by which it is recognised.
            Some((Column::Failure, _)) => {
                self.push(" AND outcome = 'failure'");
            }
            Some((column, value)) => {
                self.push(&format!(" AND {} = ", column.names().0)).text(value);
            }
        }
        self.push(&format!(" ORDER BY id {direction} LIMIT ")).bind(Bind::Number(most))
    }

    /// Whatever the place does not see to itself; answers how many conditions there are.
    pub(super) fn conditions(&mut self, filter: &AuditFilter, place: &Place) -> usize {
        let place = place.as_ref().map(|(column, value)| (column.names().0, value));
        let wanted = [
            ("request_id", &filter.request_id),
            ("target_id", &filter.target_id),
            ("actor_id", &filter.actor_id),
            ("address", &filter.address),
            ("client_id", &filter.client_id),
            ("action", &filter.action),
            ("outcome", &filter.outcome),
            ("class", &filter.class),
            ("actor_kind", &filter.actor_kind),
            ("target_kind", &filter.target_kind),
        ];
        let mut count = 0;
        for (name, value) in wanted {
            if let Some(value) = value
                && place != Some((name, value))
            {
                self.push(&format!(" AND {name} = ")).text(value);
                count += 1;
            }
        }
        for (sign, time) in [(">=", filter.since), ("<", filter.until)] {
            if let Some(time) = time {
                self.push(&format!(" AND occurred_at {sign} ")).bind(Bind::Number(to_micros(time)));
                count += 1;
            }
        }
        if let Some(search) = &filter.search {
            // A place by value is what the search means already, unless it was named for another reason.
            let is_theirs = |value: &String| filter.person.as_ref() == Some(value);
            let is_meant = place.is_some_and(|(_, value)| begins(value, search) || is_theirs(value));
            if !is_meant || named(filter).is_some() {
                self.search(search, filter.person.as_deref());
                count += 1;
            }
        }
        count
    }

    fn search(&mut self, search: &str, person: Option<&str>) {
        let length = i64::try_from(search.chars().count()).unwrap_or(i64::MAX);
        let is_prefix = search.chars().count() >= MIN_PREFIX;
        self.push(" AND (");
        for (number, column) in Column::SEARCHED.into_iter().enumerate() {
            let (name, _) = column.names();
            self.push(if number == 0 { "" } else { " OR " });
            if is_prefix {
                let cast = if self.is_sqlite { "" } else { "::integer" };
                self.push(&format!("substr({name}, 1, ")).bind(Bind::Number(length)).push(&format!("{cast}) = "));
            } else {
                self.push(&format!("{name} = "));
            }
            self.text(search);
        }
        for (name, person) in ["actor_id", "target_id"].into_iter().filter_map(|name| Some((name, person?))) {
            self.push(&format!(" OR {name} = ")).text(person);
        }
        self.push(")");
    }
}

fn begins(value: &str, search: &str) -> bool {
    value == search || (search.chars().count() >= MIN_PREFIX && value.starts_with(search))
}

/// What names a place by itself.
fn named(filter: &AuditFilter) -> Option<&String> {
    let AuditFilter { request_id, target_id, actor_id, address, client_id, action, .. } = filter;
    [request_id, target_id, actor_id, address, client_id, action].into_iter().find_map(Option::as_ref)
}
