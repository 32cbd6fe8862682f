//! Table `refusals`: why requests were refused, a sample of some days.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::page::{Page, PageRequest};
use crate::domain::refusal::{Refusal, RefusingDoor};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{corrupt, from_json, to_json, to_micros, to_time};
use crate::store::schema::refusals;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refusals, treat_none_as_default_value = false)]
struct RefusalRow {
    id: String,
    request_id: String,
    occurred_at: i64,
    door: String,
    code: String,
    step: String,
    message: String,
    credential_id: Option<String>,
    asked_by: Option<String>,
    address: Option<String>,
    asked: String,
}

impl From<Refusal> for RefusalRow {
    fn from(refusal: Refusal) -> Self {
        Self {
            id: refusal.id,
            request_id: refusal.request_id,
            occurred_at: to_micros(refusal.occurred_at),
            door: refusal.door.as_str().to_owned(),
            code: refusal.code,
            step: refusal.step,
            message: refusal.message,
            credential_id: refusal.credential_id,
            asked_by: refusal.asked_by,
            address: refusal.address,
            asked: to_json(&refusal.asked),
        }
    }
}

impl TryFrom<RefusalRow> for Refusal {
    type Error = StoreError;

    fn try_from(row: RefusalRow) -> Result<Self, StoreError> {
        Ok(Self {
            door: RefusingDoor::parse(&row.door).ok_or_else(|| corrupt("door", &row.door))?,
            asked: from_json("asked", &row.asked)?,
            id: row.id,
            request_id: row.request_id,
            occurred_at: to_time(row.occurred_at),
            code: row.code,
            step: row.step,
            message: row.message,
            credential_id: row.credential_id,
            asked_by: row.asked_by,
            address: row.address,
        })
    }
}

impl StoreConnection {
    /// Adds a refusal.
    pub fn insert_refusal(&mut self, refusal: Refusal) -> Result<(), StoreError> {
        diesel::insert_into(refusals::table).values(RefusalRow::from(refusal)).execute(self)?;
        Ok(())
    }

    /// The refusals of one request: a batch can have several.
    pub fn find_refusals(&mut self, request_id: &str) -> Result<Vec<Refusal>, StoreError> {
        let query = refusals::table.filter(refusals::request_id.eq(request_id)).order(refusals::id).limit(100);
        query.select(RefusalRow::as_select()).load(self)?.into_iter().map(Refusal::try_from).collect()
    }

    /// A page of refusals, newest first, of one credential or of all; the cursor is a refusal's id.
    pub fn list_refusals(
        &mut self,
        credential_id: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Refusal>, StoreError> {
        let mut query = refusals::table
            .select(RefusalRow::as_select())
            .order(refusals::id.desc())
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(before) = &page.after {
            query = query.filter(refusals::id.lt(before));
        }
        if let Some(credential) = credential_id {
            query = query.filter(refusals::credential_id.eq(credential));
        }
        let rows = query.load(self)?.into_iter().map(Refusal::try_from).collect::<Result<_, _>>()?;
        Ok(Page::from_rows(rows, page.limit, |refusal: &Refusal| refusal.id.clone()))
    }

    /// Removes refusals from before `until`, at most `limit`; answers how many.
    pub fn purge_refusals(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let old = refusals::table.filter(refusals::occurred_at.lt(to_micros(until)));
        let ids: Vec<String> = old.select(refusals::id).limit(limit).load(self)?;
        Ok(diesel::delete(refusals::table.filter(refusals::id.eq_any(ids))).execute(self)?)
    }
}
