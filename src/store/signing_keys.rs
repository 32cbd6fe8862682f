//! Table `signing_keys`: private parts sealed under the root key.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::signing_key::SigningKey;
use crate::protocol::signing_alg::SigningAlg;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{corrupt, to_micros, to_time};
use crate::store::schema::signing_keys;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys, treat_none_as_default_value = false)]
struct SigningKeyRow {
    kid: String,
    bits: i32,
    public_jwk: String,
    private_sealed: Vec<u8>,
    created_at: i64,
    active_from: i64,
    retired_at: Option<i64>,
    expires_at: Option<i64>,
    alg: String,
}

/// A signing key with its sealed private part (PKCS#8 DER).
pub struct SealedSigningKey {
    /// The key.
    pub key: SigningKey,
    /// Sealed for the context of its `kid`.
    pub private_sealed: Vec<u8>,
}

impl TryFrom<SigningKeyRow> for SealedSigningKey {
    type Error = StoreError;

    fn try_from(row: SigningKeyRow) -> Result<Self, StoreError> {
        let public_jwk = serde_json::from_str(&row.public_jwk).map_err(|_| corrupt("public_jwk", &row.kid))?;
        let alg = SigningAlg::parse(&row.alg).ok_or_else(|| corrupt("alg", &row.kid))?;
        let key = SigningKey {
            kid: row.kid,
            alg,
            bits: row.bits,
            public_jwk,
            created_at: to_time(row.created_at),
            active_from: to_time(row.active_from),
            retired_at: row.retired_at.map(to_time),
            expires_at: row.expires_at.map(to_time),
        };
        Ok(Self { key, private_sealed: row.private_sealed })
    }
}

impl StoreConnection {
    /// Every stored key, newest first: there are never more than a few.
    pub fn list_signing_keys(&mut self) -> Result<Vec<SealedSigningKey>, StoreError> {
        let query = signing_keys::table
            .select(SigningKeyRow::as_select())
            .order((signing_keys::active_from.desc(), signing_keys::kid));
        query.load(self)?.into_iter().map(SealedSigningKey::try_from).collect()
    }

    /// Adds a key; a [`StoreError::Conflict`] when one of its algorithm without an end is there already.
    pub fn insert_signing_key(&mut self, sealed: &SealedSigningKey) -> Result<(), StoreError> {
        let key = &sealed.key;
        let public_jwk = serde_json::to_string(&key.public_jwk).map_err(|_| corrupt("public_jwk", &key.kid))?;
        let row = SigningKeyRow {
            kid: key.kid.clone(),
            bits: key.bits,
            public_jwk,
            private_sealed: sealed.private_sealed.clone(),
            created_at: to_micros(key.created_at),
            active_from: to_micros(key.active_from),
            retired_at: key.retired_at.map(to_micros),
            expires_at: key.expires_at.map(to_micros),
            alg: key.alg.as_str().to_owned(),
        };
        diesel::insert_into(signing_keys::table).values(row).execute(self)?;
        Ok(())
    }

    /// Gives the current key its end; true when this call did it. Of any number of callers one gets true.
    pub fn retire_signing_key(
        &mut self,
        kid: &str,
        retired_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let current = signing_keys::table.find(kid).filter(signing_keys::retired_at.is_null());
        let end = (
            signing_keys::retired_at.eq(Some(to_micros(retired_at))),
            signing_keys::expires_at.eq(Some(to_micros(expires_at))),
        );
        Ok(diesel::update(current).set(end).execute(self)? == 1)
    }

    /// Ends now the signing of keys of this algorithm that would end later; what they signed stays good as long as it was to.
    pub fn retire_signing_keys(&mut self, alg: SigningAlg, now: DateTime<Utc>) -> Result<(), StoreError> {
        let signing = signing_keys::table
            .filter(signing_keys::alg.eq(alg.as_str()))
            .filter(signing_keys::retired_at.gt(to_micros(now)));
        diesel::update(signing).set(signing_keys::retired_at.eq(Some(to_micros(now)))).execute(self)?;
        Ok(())
    }

    /// Brings forward the end of keys of this algorithm that already have one.
    pub fn shorten_signing_keys(&mut self, alg: SigningAlg, expires_at: DateTime<Utc>) -> Result<(), StoreError> {
        let end = to_micros(expires_at);
        let retired = signing_keys::table
            .filter(signing_keys::alg.eq(alg.as_str()))
            .filter(signing_keys::retired_at.is_not_null())
            .filter(signing_keys::expires_at.gt(end));
        let set = (signing_keys::retired_at.eq(Some(end)), signing_keys::expires_at.eq(Some(end)));
        diesel::update(retired).set(set).execute(self)?;
        Ok(())
    }

    /// Removes a key that expired before `until`; true when this call did it.
    pub fn delete_signing_key(&mut self, kid: &str, until: DateTime<Utc>) -> Result<bool, StoreError> {
        let old = signing_keys::table.find(kid).filter(signing_keys::expires_at.lt(to_micros(until)));
        Ok(diesel::delete(old).execute(self)? == 1)
    }
}
