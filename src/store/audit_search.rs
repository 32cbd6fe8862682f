//! Looking through `audit_events`: by what an index lists in the order of the log, and no further than a page may take.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::domain::audit_event::AuditEvent;
use crate::domain::audit_filter::{AuditFilter, Look, MIN_PREFIX};
use crate::domain::page::{Page, PageRequest};
use crate::store::audit_events::AuditEventRow;
use crate::store::audit_statement::{Bind, Bounds, Column, Place, Statement};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::to_micros;
use crate::store::schema::audit_events;

/// Events looked at for one page, over all looks.
const BUDGET: i64 = 5_000;
/// Most values that begin with what is searched, for each column, before the log itself is walked.
const MAX_VALUES: i64 = 8;
/// By how much the clocks of two instances may differ: the log is in the order of its ids, which is that of time but for this.
const CLOCKS: TimeDelta = TimeDelta::hours(1);

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    first: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<i64>,
}

impl StoreConnection {
    /// A page of events in the order of the log, newest or oldest first; the cursor is an event's id. At most so many are
    /// looked at: a page can be short or empty and still have a cursor, with which the search goes on.
    pub fn list_audit_events(
        &mut self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEvent>, StoreError> {
        let bounds = self.audit_bounds(filter, page)?;
        let places = self.audit_places(filter)?;
        let budget = (BUDGET / i64::try_from(places.len()).unwrap_or(1).max(1)).max(page.limit + 1);
        let look = |place: &Place| self.look(filter, place, bounds, (budget, page.limit + 1));
        let looks = places.iter().map(look).collect::<Result<Vec<_>, _>>()?;
        Ok(filter.page(looks, page))
    }

    /// The last event of the log.
    pub fn find_last_audit_event_id(&mut self) -> Result<i64, StoreError> {
        let last: Option<i64> = audit_events::table.select(diesel::dsl::max(audit_events::id)).get_result(self)?;
        Ok(last.unwrap_or(0))
    }

    /// Between which ids what is wanted lies: by the cursor, and by the times.
    fn audit_bounds(&mut self, filter: &AuditFilter, page: &PageRequest) -> Result<Bounds, StoreError> {
        let mut bounds = Bounds { above: 0, below: i64::MAX };
        if let Some(cursor) = page.after.as_deref().and_then(|cursor| cursor.parse::<i64>().ok()) {
            if filter.oldest_first { bounds.above = cursor } else { bounds.below = cursor }
        }
        let micros = |time: DateTime<Utc>, by: TimeDelta| to_micros(time.checked_add_signed(by).unwrap_or(time));
        if let Some(since) = filter.since {
            let before: Option<i64> = audit_events::table
                .filter(audit_events::occurred_at.lt(micros(since, -CLOCKS)))
                .order(audit_events::occurred_at.desc())
                .select(audit_events::id)
                .limit(1)
                .get_result(self)
                .optional()?;
            bounds.above = bounds.above.max(before.unwrap_or(0));
        }
        if let Some(until) = filter.until {
            let behind: Option<i64> = audit_events::table
                .filter(audit_events::occurred_at.ge(micros(until, CLOCKS)))
                .order(audit_events::occurred_at)
                .select(audit_events::id)
                .limit(1)
                .get_result(self)
                .optional()?;
            bounds.below = bounds.below.min(behind.unwrap_or(i64::MAX));
        }
        Ok(bounds)
    }

    /// Where to look: the rarest of what is wanted, or each value that the search may mean.
    fn audit_places(&mut self, filter: &AuditFilter) -> Result<Vec<Place>, StoreError> {
        let by = |column, value: &Option<String>| value.clone().map(|value| (column, value));
        let rarest = by(Column::Request, &filter.request_id)
            .or(by(Column::Target, &filter.target_id))
            .or(by(Column::Actor, &filter.actor_id))
            .or(by(Column::Address, &filter.address))
            .or(by(Column::Client, &filter.client_id))
            .or(by(Column::Action, &filter.action));
        let failures = by(Column::Failure, &filter.outcome).filter(|(_, outcome)| outcome == "failure");
        match (&filter.search, rarest) {
            (None, place) => Ok(vec![place.or(failures)]),
            (Some(_), Some(place)) => Ok(vec![Some(place)]),
            (Some(search), None) => {
                let mut places = Vec::new();
                for column in Column::SEARCHED {
                    let values = self.values_of(column, search)?;
                    if i64::try_from(values.len()).unwrap_or(i64::MAX) > MAX_VALUES {
                        // So many that walking along the log finds them as fast.
                        return Ok(vec![None]);
                    }
                    places.extend(values.into_iter().map(|value| Some((column, value))));
                }
                for column in [Column::Actor, Column::Target] {
                    let place = by(column, &filter.person);
                    places.extend(place.filter(|place| !places.contains(&Some(place.clone()))).map(Some));
                }
                Ok(places)
            }
        }
    }

    /// The values of a column that are what is searched, or begin with it; at most one more than [`MAX_VALUES`].
    fn values_of(&mut self, column: Column, search: &str) -> Result<Vec<String>, StoreError> {
        let (name, _) = column.names();
        let is_sqlite = matches!(self, Self::Sqlite(_));
        let mut statement = Statement::new(is_sqlite);
        // Octet by octet, whatever the collation of the database.
        let [from, behind, until, order] =
            if is_sqlite { [">=", ">", "<", ""] } else { ["~>=~", "~>~", "~<~", "USING ~<~"] };
        let is_prefix = search.chars().count() >= MIN_PREFIX;
        let end = if is_prefix { format!("{search}\u{10ffff}") } else { format!("{search}\u{1}") };
        statement.push("WITH RECURSIVE found(value) AS (SELECT (SELECT ").push(name).push(" FROM audit_events WHERE ");
        statement.push(&format!("{name} {from} ")).text(search).push(&format!(" AND {name} {until} ")).text(&end);
        statement.push(&format!(" ORDER BY {name} {order} LIMIT 1) UNION ALL SELECT (SELECT {name} FROM audit_events"));
        statement.push(&format!(" WHERE {name} {behind} found.value AND {name} {until} ")).text(&end);
        statement.push(&format!(" ORDER BY {name} {order} LIMIT 1) FROM found WHERE found.value IS NOT NULL) "));
        statement.push("SELECT value FROM found LIMIT ").bind(Bind::Number(MAX_VALUES + 1));
        let values: Vec<Value> = statement.load(self)?;
        let found = values.into_iter().filter_map(|found| found.value);
        Ok(found.filter(|value| is_prefix || value == search).collect())
    }

    fn look(
        &mut self,
        filter: &AuditFilter,
        place: &Place,
        bounds: Bounds,
        (budget, wanted): (i64, i64),
    ) -> Result<Look, StoreError> {
        let is_sqlite = matches!(self, Self::Sqlite(_));
        let new = || Statement::new(is_sqlite);
        let mut rest = new();
        let conditions = rest.conditions(filter, place);
        let seen = if conditions == 0 { wanted } else { budget };
        let direction = if filter.oldest_first { "ASC" } else { "DESC" };
        let mut statement = new();
        statement.push("SELECT * FROM (");
        statement.scan("*", place, bounds, (direction, seen));
        statement.push(") AS seen WHERE TRUE");
        statement.conditions(filter, place);
        // PostgreSQL sees that it is in order. SQLite would sort, and so read on when it has enough: it takes a subquery
        // with a limit row by row.
        if !is_sqlite {
            statement.push(" ORDER BY id ").push(direction);
        }
        statement.push(" LIMIT ").bind(Bind::Number(wanted));
        let rows: Vec<AuditEventRow> = statement.load(self)?;
        let events: Vec<AuditEvent> = rows.into_iter().map(AuditEvent::from).collect();
        if i64::try_from(events.len()).unwrap_or(i64::MAX) >= wanted {
            let reached = events.last().map(|event| event.id);
            return Ok(Look { events, reached });
        }
        if conditions == 0 {
            return Ok(Look { events, reached: None });
        }
        let mut statement = new();
        statement.push("SELECT COUNT(*) AS events, MIN(id) AS first, MAX(id) AS last FROM (");
        statement.scan("id", place, bounds, (direction, seen)).push(") AS seen");
        let counted = statement.load::<Seen>(self)?.pop();
        let reached = counted.filter(|counted| counted.events >= seen);
        let reached = reached.and_then(|seen| if filter.oldest_first { seen.last } else { seen.first });
        Ok(Look { events, reached })
    }
}
