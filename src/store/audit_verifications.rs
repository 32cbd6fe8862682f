//! Table `audit_verifications`: what the server found when it walked along the chain.

use diesel::prelude::*;

use crate::domain::audit_chain::Octets;
use crate::domain::audit_verification::{AuditVerification, VerificationState};
use crate::domain::page::{Page, PageRequest};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::audit_verifications;

/// Verifications that are kept.
const KEPT: i64 = 200;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = audit_verifications, treat_none_as_default_value = false, treat_none_as_null = true)]
struct VerificationRow {
    number: i64,
    began_with: i64,
    sequence: i64,
    hash: Vec<u8>,
    last_checkpoint: i64,
    signed_until: i64,
    events: i64,
    started_at: i64,
    checked_at: i64,
    state: String,
    broken: Option<String>,
    asked_by: String,
    kid: String,
    signature: Vec<u8>,
}

impl From<VerificationRow> for AuditVerification {
    fn from(row: VerificationRow) -> Self {
        Self {
            number: row.number,
            state: VerificationState::parse(&row.state),
            after: row.began_with,
            sequence: row.sequence,
            hash: Octets(row.hash),
            last_checkpoint: row.last_checkpoint,
            signed_until: row.signed_until,
            events: row.events,
            started_at: to_time(row.started_at),
            checked_at: to_time(row.checked_at),
            broken: row.broken,
            asked_by: row.asked_by,
            kid: row.kid,
            signature: Octets(row.signature),
        }
    }
}

impl From<&AuditVerification> for VerificationRow {
    fn from(verification: &AuditVerification) -> Self {
        Self {
            number: verification.number,
            began_with: verification.after,
            sequence: verification.sequence,
            hash: verification.hash.0.clone(),
            last_checkpoint: verification.last_checkpoint,
            signed_until: verification.signed_until,
            events: verification.events,
            started_at: to_micros(verification.started_at),
            checked_at: to_micros(verification.checked_at),
            state: verification.state.as_str().to_owned(),
            broken: verification.broken.clone(),
            asked_by: verification.asked_by.clone(),
            kid: verification.kid.clone(),
            signature: verification.signature.0.clone(),
        }
    }
}

impl StoreConnection {
    /// Adds a verification, and forgets the oldest; a [`StoreError::Conflict`] when one of this number is there already.
    pub fn insert_audit_verification(&mut self, verification: &AuditVerification) -> Result<(), StoreError> {
        diesel::insert_into(audit_verifications::table).values(VerificationRow::from(verification)).execute(self)?;
        // What is known of a break must not be pushed out by many looks at the latest events.
        let telling = self.list_telling_audit_verifications()?;
        let telling: Vec<i64> = telling.into_iter().map(|verification| verification.number).collect();
        let old = audit_verifications::number.le(verification.number - KEPT);
        let old = old.and(audit_verifications::number.ne_all(telling));
        diesel::delete(audit_verifications::table.filter(old)).execute(self)?;
        Ok(())
    }

    /// The last verification that found the chain broken, and the last of the whole chain that has ended, however old.
    pub fn list_telling_audit_verifications(&mut self) -> Result<Vec<AuditVerification>, StoreError> {
        let rows = || audit_verifications::table.select(VerificationRow::as_select());
        let broken = audit_verifications::state.eq(VerificationState::Broken.as_str());
        let last: Option<VerificationRow> =
            rows().filter(broken).order(audit_verifications::number.desc()).first(self).optional()?;
        let ended = audit_verifications::state.ne(VerificationState::Running.as_str());
        let whole: Option<VerificationRow> = rows()
            .filter(audit_verifications::began_with.eq(0).and(ended))
            .order(audit_verifications::number.desc())
            .first(self)
            .optional()?;
        Ok(last.into_iter().chain(whole).map(AuditVerification::from).collect())
    }

    /// Moves a running verification on from this place; true if this call did it.
    pub fn move_audit_verification(&mut self, from: i64, to: &AuditVerification) -> Result<bool, StoreError> {
        let row = audit_verifications::table
            .find(to.number)
            .filter(audit_verifications::state.eq(VerificationState::Running.as_str()))
            .filter(audit_verifications::sequence.eq(from));
        Ok(diesel::update(row).set(VerificationRow::from(to)).execute(self)? == 1)
    }

    /// One verification.
    pub fn find_audit_verification(&mut self, number: i64) -> Result<Option<AuditVerification>, StoreError> {
        let query = audit_verifications::table.find(number).select(VerificationRow::as_select());
        Ok(query.get_result(self).optional()?.map(AuditVerification::from))
    }

    /// A page of verifications, newest first; the cursor is a number.
    pub fn list_audit_verifications(&mut self, page: &PageRequest) -> Result<Page<AuditVerification>, StoreError> {
        let mut query = audit_verifications::table
            .select(VerificationRow::as_select())
            .order(audit_verifications::number.desc())
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(before) = page.after.as_deref().and_then(|cursor| cursor.parse::<i64>().ok()) {
            query = query.filter(audit_verifications::number.lt(before));
        }
        let rows = query.load(self)?.into_iter().map(AuditVerification::from).collect();
        Ok(Page::from_rows(rows, page.limit, |verification| verification.number.to_string()))
    }
}
