//! Tables `client_registrations` and `registration_tokens`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::ids::{ClientId, RegistrationTokenId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::registration::{ClientRegistration, RegistrationToken};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{from_count, to_count, to_micros, to_time};
use crate::store::schema::{client_registrations, clients, consents, registration_tokens, secret_uses};

#[derive(Queryable, Selectable)]
#[diesel(table_name = registration_tokens)]
struct RegistrationTokenRow {
    id: String,
    description: String,
    max_uses: Option<i32>,
    uses: i32,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl From<RegistrationTokenRow> for RegistrationToken {
    fn from(row: RegistrationTokenRow) -> Self {
        Self {
            id: RegistrationTokenId(row.id),
            description: row.description,
            max_uses: from_count(row.max_uses),
            uses: from_count(Some(row.uses)).unwrap_or_default(),
            created_at: to_time(row.created_at),
            expires_at: row.expires_at.map(to_time),
            revoked_at: row.revoked_at.map(to_time),
        }
    }
}

impl StoreConnection {
    /// Notes that a client registered itself.
    pub fn insert_client_registration(&mut self, registration: &ClientRegistration) -> Result<(), StoreError> {
        diesel::insert_into(client_registrations::table)
            .values((
                client_registrations::client_id.eq(registration.client_id.as_str()),
                client_registrations::digest.eq(&registration.digest),
                client_registrations::registration_token_id
                    .eq(registration.registration_token_id.as_ref().map(RegistrationTokenId::as_str)),
                client_registrations::created_at.eq(to_micros(registration.created_at)),
                client_registrations::used_at.eq(registration.used_at.map(to_micros)),
            ))
            .execute(self)?;
        Ok(())
    }

    /// The registration of a client that registered itself.
    pub fn find_client_registration(&mut self, client_id: &str) -> Result<Option<ClientRegistration>, StoreError> {
        type Row = (String, Vec<u8>, Option<String>, i64, Option<i64>);
        let row: Option<Row> = client_registrations::table.find(client_id).get_result(self).optional()?;
        Ok(row.map(|(client_id, digest, token, created_at, used_at)| ClientRegistration {
            client_id: ClientId(client_id),
            digest,
            registration_token_id: token.map(RegistrationTokenId),
            created_at: to_time(created_at),
            used_at: used_at.map(to_time),
        }))
    }

    /// How many clients have registered themselves.
    pub fn count_client_registrations(&mut self) -> Result<i64, StoreError> {
        Ok(client_registrations::table.count().get_result(self)?)
    }

    /// Clients that registered themselves before `until` and were never used, at most `limit`.
    pub fn list_unused_registrations(&mut self, until: DateTime<Utc>, limit: i64) -> Result<Vec<String>, StoreError> {
        Ok(client_registrations::table
            .filter(client_registrations::used_at.is_null())
            .filter(client_registrations::created_at.lt(to_micros(until)))
            .select(client_registrations::client_id)
            .limit(limit)
            .load(self)?)
    }

    /// Removes a client that registered itself and was never used, with all that is its own; false when it was used meanwhile.
    pub fn delete_unused_client(&mut self, client_id: &str) -> Result<bool, StoreError> {
        let unused = client_registrations::table.find(client_id).filter(client_registrations::used_at.is_null());
        if diesel::delete(unused).execute(self)? == 0 {
            return Ok(false);
        }
        self.delete_parts_of_client(client_id)?;
        diesel::delete(consents::table.filter(consents::client_id.eq(client_id))).execute(self)?;
        diesel::delete(secret_uses::table.filter(secret_uses::credential_id.eq(client_id))).execute(self)?;
        diesel::delete(clients::table.find(client_id)).execute(self)?;
        Ok(true)
    }

    /// Adds an initial access token under its digest.
    pub fn insert_registration_token(&mut self, token: &RegistrationToken, digest: &[u8]) -> Result<(), StoreError> {
        diesel::insert_into(registration_tokens::table)
            .values((
                registration_tokens::id.eq(token.id.as_str()),
                registration_tokens::digest.eq(digest),
                registration_tokens::description.eq(&token.description),
                registration_tokens::max_uses.eq(to_count(token.max_uses)),
                registration_tokens::uses.eq(to_count(Some(token.uses)).unwrap_or_default()),
                registration_tokens::created_at.eq(to_micros(token.created_at)),
                registration_tokens::expires_at.eq(token.expires_at.map(to_micros)),
                registration_tokens::revoked_at.eq(token.revoked_at.map(to_micros)),
            ))
            .execute(self)?;
        Ok(())
    }

    /// The initial access token of this digest.
    pub fn find_registration_token(&mut self, digest: &[u8]) -> Result<Option<RegistrationToken>, StoreError> {
        let query = registration_tokens::table.filter(registration_tokens::digest.eq(digest));
        let row = query.select(RegistrationTokenRow::as_select()).get_result(self).optional()?;
        Ok(row.map(RegistrationToken::from))
    }

    /// A page of initial access tokens by identifier, which is by age.
    pub fn list_registration_tokens(&mut self, page: &PageRequest) -> Result<Page<RegistrationToken>, StoreError> {
        let query = registration_tokens::table.select(RegistrationTokenRow::as_select());
        let mut query = query.order(registration_tokens::id).limit(page.limit + 1).into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(registration_tokens::id.gt(after));
        }
        let rows: Vec<RegistrationTokenRow> = query.load(self)?;
        let rows = rows.into_iter().map(RegistrationToken::from).collect();
        Ok(Page::from_rows(rows, page.limit, |token| token.id.0.clone()))
    }

    /// Uses an initial access token once; false when it is revoked, expired or used up: this decides.
    pub fn consume_registration_token(&mut self, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let good = registration_tokens::table
            .find(id)
            .filter(registration_tokens::revoked_at.is_null())
            .filter(registration_tokens::expires_at.is_null().or(registration_tokens::expires_at.gt(to_micros(now))))
            .filter(
                registration_tokens::max_uses
                    .is_null()
                    .or(registration_tokens::max_uses.gt(registration_tokens::uses.nullable())),
            );
        let done = diesel::update(good).set(registration_tokens::uses.eq(registration_tokens::uses + 1));
        Ok(done.execute(self)? == 1)
    }

    /// Revokes an initial access token; false when there is none of this identifier that is not revoked.
    pub fn revoke_registration_token(&mut self, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let live = registration_tokens::table.find(id).filter(registration_tokens::revoked_at.is_null());
        Ok(diesel::update(live).set(registration_tokens::revoked_at.eq(Some(to_micros(now)))).execute(self)? == 1)
    }

    /// Removes initial access tokens that expired before `until`, at most `limit`; answers how many.
    pub fn purge_registration_tokens(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> = registration_tokens::table
            .filter(registration_tokens::expires_at.lt(to_micros(until)))
            .select(registration_tokens::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(registration_tokens::table.filter(registration_tokens::id.eq_any(ids))).execute(self)?)
    }
}
