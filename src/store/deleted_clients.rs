//! Table `deleted_clients`, and what hangs on a client: it goes in batches, for a client may have been given millions of
//! grants. Until all of it is gone the client's row stays, revoked.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::Status;
use crate::domain::search::SearchKind;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::to_micros;
use crate::store::schema::{
    access_keys, client_origins, client_registrations, client_secrets, clients, consents, deleted_clients,
    device_authorizations, grants, logout_deliveries, pushed_requests, refresh_tokens, search_words, secret_uses,
    used_assertions, workflows,
};

/// Grants of one batch. Each may have many refresh tokens.
const GRANTS: i64 = 100;

/// What a batch removed.
#[derive(Debug, Default)]
pub struct ClientRemoval {
    /// How many rows.
    pub rows: usize,
    /// The access keys among them that belonged to the client: identifier and name.
    pub access_keys: Vec<(String, String)>,
    /// The workflows among them: identifier and name.
    pub workflows: Vec<(String, String)>,
}

impl StoreConnection {
    /// Was there a client of this identifier that was deleted?
    pub fn is_client_deleted(&mut self, client_id: &str) -> Result<bool, StoreError> {
        let query = deleted_clients::table.find(client_id).select(deleted_clients::client_id);
        Ok(query.get_result::<String>(self).optional()?.is_some())
    }

    /// Which of these are identifiers of clients that were deleted?
    pub fn find_deleted_client_ids(&mut self, among: &[String]) -> Result<Vec<String>, StoreError> {
        let query = deleted_clients::table.filter(deleted_clients::client_id.eq_any(among));
        Ok(query.select(deleted_clients::client_id).load(self)?)
    }

    /// Deletes a client: from now on nothing that it was given is good, and no list has it. Its rows are removed with
    /// [`StoreConnection::remove_rows_of_client`]. False where somebody else did, or the client has another name now.
    pub fn delete_client(&mut self, client_id: &str, name: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let revoked = (clients::status.eq(Status::Revoked.as_str()), clients::updated_at.eq(to_micros(now)));
        let named = clients::table.find(client_id).filter(clients::client_name.eq(name));
        // The row of the client is held from here on: of two that delete it, the second sees the first.
        if diesel::update(named).set(revoked).execute(self)? == 0 || self.is_client_deleted(client_id)? {
            return Ok(false);
        }
        let row = (deleted_clients::client_id.eq(client_id), deleted_clients::deleted_at.eq(to_micros(now)));
        diesel::insert_into(deleted_clients::table).values(row).execute(self)?;
        let words = search_words::table.filter(search_words::kind.eq(SearchKind::Client.as_str()));
        diesel::delete(words.filter(search_words::id.eq(client_id))).execute(self)?;
        self.delete_parts_of_client(client_id)?;
        Ok(true)
    }

    /// What belongs to the registration itself, all of it few rows.
    pub(super) fn delete_parts_of_client(&mut self, client_id: &str) -> Result<(), StoreError> {
        diesel::delete(client_secrets::table.filter(client_secrets::client_id.eq(client_id))).execute(self)?;
        diesel::delete(client_origins::table.filter(client_origins::client_id.eq(client_id))).execute(self)?;
        diesel::delete(client_registrations::table.find(client_id)).execute(self)?;
        Ok(())
    }

    /// Clients that were deleted and of which something is left, the longest gone first, at most `limit`.
    pub fn list_clients_to_remove(&mut self, limit: i64) -> Result<Vec<String>, StoreError> {
        Ok(deleted_clients::table
            .filter(deleted_clients::removed_at.is_null())
            .order(deleted_clients::deleted_at)
            .select(deleted_clients::client_id)
            .limit(limit)
            .load(self)?)
    }

    /// Removes about `limit` rows that hang on a deleted client. Once there are none, removes the client, and answers None.
    pub fn remove_rows_of_client(
        &mut self,
        client_id: &str,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<ClientRemoval>, StoreError> {
        let removed = self.remove_grants_of_client(client_id, limit)?;
        if removed > 0 {
            return Ok(Some(ClientRemoval { rows: removed, ..ClientRemoval::default() }));
        }
        let removed = self.remove_memories_of_client(client_id, limit)?;
        if removed > 0 {
            return Ok(Some(ClientRemoval { rows: removed, ..ClientRemoval::default() }));
        }
        let removed = self.remove_credentials_of_client(client_id, limit)?;
        if removed.rows > 0 {
            return Ok(Some(removed));
        }
        // Once more: a rotation of the secret may have begun before the deletion and ended behind it.
        self.delete_parts_of_client(client_id)?;
        diesel::delete(clients::table.find(client_id)).execute(self)?;
        let mark = deleted_clients::removed_at.eq(Some(to_micros(now)));
        diesel::update(deleted_clients::table.find(client_id)).set(mark).execute(self)?;
        Ok(None)
    }

    /// Its grants with their refresh tokens; codes and sessions of the console go with the grants.
    fn remove_grants_of_client(&mut self, client_id: &str, limit: i64) -> Result<usize, StoreError> {
        let of_client = grants::table.filter(grants::client_id.eq(client_id));
        let ids: Vec<String> = of_client.select(grants::id).limit(GRANTS).load(self)?;
        if ids.is_empty() {
            return Ok(0);
        }
        let given = refresh_tokens::table.filter(refresh_tokens::grant_id.eq_any(&ids));
        let tokens: Vec<i64> = given.select(refresh_tokens::id).limit(limit).load(self)?;
        let is_full = i64::try_from(tokens.len()).unwrap_or(i64::MAX) >= limit;
        let removed = diesel::delete(refresh_tokens::table.filter(refresh_tokens::id.eq_any(tokens))).execute(self)?;
        if is_full {
            return Ok(removed);
        }
        Ok(removed + diesel::delete(grants::table.filter(grants::id.eq_any(ids))).execute(self)?)
    }

    /// What people allowed it, what it is to be told, what it asked ahead.
    fn remove_memories_of_client(&mut self, client_id: &str, limit: i64) -> Result<usize, StoreError> {
        let mine = consents::table.filter(consents::client_id.eq(client_id));
        let users: Vec<String> = mine.select(consents::user_id).limit(limit).load(self)?;
        let mut removed = diesel::delete(mine.filter(consents::user_id.eq_any(users))).execute(self)?;
        let mine = logout_deliveries::table.filter(logout_deliveries::client_id.eq(client_id));
        let ids: Vec<String> = mine.select(logout_deliveries::id).limit(limit).load(self)?;
        removed += diesel::delete(logout_deliveries::table.filter(logout_deliveries::id.eq_any(ids))).execute(self)?;
        let mine = pushed_requests::table.filter(pushed_requests::client_id.eq(client_id));
        let digests: Vec<Vec<u8>> = mine.select(pushed_requests::digest).limit(limit).load(self)?;
        let all = pushed_requests::table.filter(pushed_requests::digest.eq_any(digests));
        removed += diesel::delete(all).execute(self)?;
        let mine = device_authorizations::table.filter(device_authorizations::client_id.eq(client_id));
        let digests: Vec<Vec<u8>> = mine.select(device_authorizations::device_code_digest).limit(limit).load(self)?;
        let all = device_authorizations::table.filter(device_authorizations::device_code_digest.eq_any(digests));
        removed += diesel::delete(all).execute(self)?;
        let mine = used_assertions::table.filter(used_assertions::client_id.eq(client_id));
        let used: Vec<String> = mine.select(used_assertions::jti).limit(limit).load(self)?;
        removed += diesel::delete(mine.filter(used_assertions::jti.eq_any(used))).execute(self)?;
        Ok(removed)
    }

    /// What acts for it: its workflows and access keys; and from where its secrets were used.
    fn remove_credentials_of_client(&mut self, client_id: &str, limit: i64) -> Result<ClientRemoval, StoreError> {
        let mine = workflows::table.filter(workflows::client_id.eq(client_id));
        let gone: Vec<(String, String)> = mine.select((workflows::id, workflows::name)).limit(limit).load(self)?;
        let ids: Vec<&String> = gone.iter().map(|(id, _)| id).collect();
        let mut rows = diesel::delete(workflows::table.filter(workflows::id.eq_any(ids))).execute(self)?;
        let mine = access_keys::table.filter(access_keys::client_id.eq(client_id));
        let keys: Vec<(String, String)> = mine.select((access_keys::id, access_keys::name)).limit(limit).load(self)?;
        let ids: Vec<&String> = keys.iter().map(|(id, _)| id).collect();
        rows += diesel::delete(access_keys::table.filter(access_keys::id.eq_any(ids))).execute(self)?;
        let used = secret_uses::table.filter(secret_uses::credential_id.eq(client_id));
        let addresses: Vec<(String, String)> =
            used.select((secret_uses::secret_id, secret_uses::address)).limit(limit).load(self)?;
        for (secret_id, address) in addresses {
            rows += diesel::delete(secret_uses::table.find((client_id, &secret_id, &address))).execute(self)?;
        }
        Ok(ClientRemoval { rows, access_keys: keys, workflows: gone })
    }
}
