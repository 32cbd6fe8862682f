//! Table `authorization_codes`: digests only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::authorization_code::AuthorizationCode;
use crate::domain::ids::{ClientId, GrantId};
use crate::protocol::pkce::CodeChallenge;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{corrupt, to_micros, to_time};
use crate::store::schema::authorization_codes;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = authorization_codes, treat_none_as_default_value = false)]
struct AuthorizationCodeRow {
    digest: Vec<u8>,
    grant_id: String,
    client_id: String,
    redirect_uri: String,
    redirect_uri_sent: bool,
    code_challenge: Option<String>,
    created_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
    nonce: Option<String>,
}

impl TryFrom<AuthorizationCodeRow> for AuthorizationCode {
    type Error = StoreError;

    fn try_from(row: AuthorizationCodeRow) -> Result<Self, StoreError> {
        let challenge = |text: String| CodeChallenge::parse(&text).ok_or_else(|| corrupt("code_challenge", &text));
        Ok(Self {
            grant_id: GrantId(row.grant_id),
            client_id: ClientId(row.client_id),
            redirect_uri: row.redirect_uri,
            redirect_uri_sent: row.redirect_uri_sent,
            code_challenge: row.code_challenge.map(challenge).transpose()?,
            created_at: to_time(row.created_at),
            expires_at: to_time(row.expires_at),
            consumed_at: row.consumed_at.map(to_time),
            nonce: row.nonce,
        })
    }
}

impl StoreConnection {
    /// The code of this digest.
    pub fn find_authorization_code(&mut self, digest: &[u8]) -> Result<Option<AuthorizationCode>, StoreError> {
        let row = authorization_codes::table
            .find(digest)
            .select(AuthorizationCodeRow::as_select())
            .get_result(self)
            .optional()?;
        row.map(AuthorizationCode::try_from).transpose()
    }

    /// Adds a code.
    pub fn insert_authorization_code(&mut self, digest: &[u8], code: &AuthorizationCode) -> Result<(), StoreError> {
        let row = AuthorizationCodeRow {
            digest: digest.to_vec(),
            grant_id: code.grant_id.0.clone(),
            client_id: code.client_id.0.clone(),
            redirect_uri: code.redirect_uri.clone(),
            redirect_uri_sent: code.redirect_uri_sent,
            code_challenge: code.code_challenge.as_ref().map(|challenge| challenge.as_str().to_owned()),
            created_at: to_micros(code.created_at),
            expires_at: to_micros(code.expires_at),
            consumed_at: code.consumed_at.map(to_micros),
            nonce: code.nonce.clone(),
        };
        diesel::insert_into(authorization_codes::table).values(row).execute(self)?;
        Ok(())
    }

    /// Consumes a code; true when this call did it. Of any number of callers one gets true.
    pub fn consume_authorization_code(&mut self, digest: &[u8], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let fresh = authorization_codes::table.find(digest).filter(authorization_codes::consumed_at.is_null());
        let done =
            diesel::update(fresh).set(authorization_codes::consumed_at.eq(Some(to_micros(now)))).execute(self)?;
        Ok(done == 1)
    }

    /// Removes codes that expired before `until`, at most `limit`; answers how many.
    pub fn purge_authorization_codes(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let digests: Vec<Vec<u8>> = authorization_codes::table
            .filter(authorization_codes::expires_at.lt(to_micros(until)))
            .select(authorization_codes::digest)
            .limit(limit)
            .load(self)?;
        let old = authorization_codes::table.filter(authorization_codes::digest.eq_any(digests));
        Ok(diesel::delete(old).execute(self)?)
    }
}
