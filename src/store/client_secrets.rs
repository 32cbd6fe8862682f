//! Table `client_secrets`: digests, and sealed where the secret itself is needed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::{ClientSecret, SecretVerifier, Status};
use crate::domain::ids::{ClientId, ClientSecretId};
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{corrupt, to_micros, to_time};
use crate::store::schema::{client_secrets, clients};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = client_secrets, treat_none_as_default_value = false)]
struct ClientSecretRow {
    id: String,
    client_id: String,
    digest: Option<Vec<u8>>,
    password_hash: Option<String>,
    last_four: String,
    created_at: i64,
    expires_at: Option<i64>,
    sealed: Option<Vec<u8>>,
}

impl From<&ClientSecret> for ClientSecretRow {
    fn from(secret: &ClientSecret) -> Self {
        let (digest, password_hash) = match &secret.verifier {
            SecretVerifier::Digest(digest) => (Some(digest.clone()), None),
            SecretVerifier::PasswordHash(hash) => (None, Some(hash.clone())),
        };
        Self {
            id: secret.id.0.clone(),
            client_id: secret.client_id.0.clone(),
            digest,
            password_hash,
            last_four: secret.last_four.clone(),
            created_at: to_micros(secret.created_at),
            expires_at: secret.expires_at.map(to_micros),
            sealed: secret.sealed.clone(),
        }
    }
}

impl TryFrom<ClientSecretRow> for ClientSecret {
    type Error = StoreError;

    fn try_from(row: ClientSecretRow) -> Result<Self, StoreError> {
        let verifier = match (row.digest, row.password_hash) {
            (Some(digest), None) => SecretVerifier::Digest(digest),
            (None, Some(hash)) => SecretVerifier::PasswordHash(hash),
            _ => return Err(corrupt("client secret", &row.id)),
        };
        Ok(Self {
            id: ClientSecretId(row.id),
            client_id: ClientId(row.client_id),
            verifier,
            last_four: row.last_four,
            created_at: to_time(row.created_at),
            expires_at: row.expires_at.map(to_time),
            sealed: row.sealed,
        })
    }
}

impl StoreConnection {
    /// The secrets of a client that are kept, those that have ended too.
    pub fn find_client_secrets(&mut self, client_id: &str) -> Result<Vec<ClientSecret>, StoreError> {
        let mine = client_secrets::table.filter(client_secrets::client_id.eq(client_id));
        let rows: Vec<ClientSecretRow> =
            on_each!(self, |connection| mine.select(ClientSecretRow::as_select()).load(connection))?;
        rows.into_iter().map(ClientSecret::try_from).collect()
    }

    /// The secrets of a client that work at this time.
    pub fn find_live_client_secrets(
        &mut self,
        client_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClientSecret>, StoreError> {
        Ok(self.find_client_secrets(client_id)?.into_iter().filter(|secret| secret.is_live(now)).collect())
    }

    /// Adds a secret.
    pub fn insert_client_secret(&mut self, secret: &ClientSecret) -> Result<(), StoreError> {
        diesel::insert_into(client_secrets::table).values(ClientSecretRow::from(secret)).execute(self)?;
        Ok(())
    }

    /// The secret of this identifier, as long as it is kept.
    pub fn find_client_secret(&mut self, id: &str) -> Result<Option<ClientSecret>, StoreError> {
        let row: Option<ClientSecretRow> = on_each!(self, |connection| {
            client_secrets::table.find(id).select(ClientSecretRow::as_select()).get_result(connection).optional()
        })?;
        row.map(ClientSecret::try_from).transpose()
    }

    /// Gives the current secret of the client an end; answers how many that were.
    pub fn end_current_client_secret(&mut self, client_id: &str, end: DateTime<Utc>) -> Result<usize, StoreError> {
        let current = client_secrets::table
            .filter(client_secrets::client_id.eq(client_id))
            .filter(client_secrets::expires_at.is_null());
        Ok(diesel::update(current).set(client_secrets::expires_at.eq(Some(to_micros(end)))).execute(self)?)
    }

    /// Ends the secrets of the client that are being replaced and still work; answers how many.
    pub fn end_replaced_client_secrets(&mut self, client_id: &str, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let now = to_micros(now);
        let replaced = client_secrets::table
            .filter(client_secrets::client_id.eq(client_id))
            .filter(client_secrets::expires_at.gt(now));
        Ok(diesel::update(replaced).set(client_secrets::expires_at.eq(Some(now))).execute(self)?)
    }

    /// The current secrets of active clients that were made before this time, by identifier behind `after`, at most `limit`:
    /// identifier, client_id and time.
    pub fn list_overdue_client_secrets(
        &mut self,
        made_before: DateTime<Utc>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<(String, String, DateTime<Utc>)>, StoreError> {
        let mut query = client_secrets::table
            .inner_join(clients::table)
            .filter(clients::status.eq(Status::Active.as_str()))
            .filter(client_secrets::expires_at.is_null())
            .filter(client_secrets::created_at.lt(to_micros(made_before)))
            .order(client_secrets::id)
            .limit(limit)
            .select((client_secrets::id, client_secrets::client_id, client_secrets::created_at))
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(client_secrets::id.gt(after));
        }
        let rows: Vec<(String, String, i64)> = query.load(self)?;
        Ok(rows.into_iter().map(|(id, client_id, at)| (id, client_id, to_time(at))).collect())
    }

    /// Removes secrets that ended before `until`, at most `limit`; answers how many.
    pub fn purge_client_secrets(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> = client_secrets::table
            .filter(client_secrets::expires_at.lt(to_micros(until)))
            .select(client_secrets::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(client_secrets::table.filter(client_secrets::id.eq_any(ids))).execute(self)?)
    }
}
