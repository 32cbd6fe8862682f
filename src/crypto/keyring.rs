//! The signing keys in memory, parsed and ready: which one signs now, which ones verify, and the JWKS document.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::errors::Error as JwtError;

use crate::crypto::etag::etag;
use crate::crypto::key_pair::SigningKeyPair;
use crate::protocol::jwk::{JwkSet, PublicJwk, PublicParameters};
use crate::protocol::signing_alg::SigningAlg;

/// One key with the times that rule it.
pub struct KeyringKey {
    /// Key identifier.
    pub kid: String,
    /// When it starts to sign.
    pub active_from: DateTime<Utc>,
    /// When it stops signing.
    pub retired_at: Option<DateTime<Utc>>,
    /// When it leaves the JWKS and verifies nothing any more.
    pub expires_at: Option<DateTime<Utc>>,
    /// The parsed pair; shared, so that a reload parses only keys that are new.
    pub pair: Arc<SigningKeyPair>,
    /// The public part in the form that verification takes.
    pub decoding: DecodingKey,
}

impl KeyringKey {
    /// The one algorithm that it signs and verifies with.
    pub fn alg(&self) -> SigningAlg {
        self.pair.alg()
    }

    fn is_published(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    fn signs(&self, now: DateTime<Utc>) -> bool {
        now >= self.active_from && self.retired_at.is_none_or(|end| now < end)
    }
}

/// The JWKS as served.
pub struct JwksDocument {
    /// JSON.
    pub body: String,
    /// A strong validator for it, quotes included (RFC 9110 §8.8.3).
    pub etag: String,
    /// The document is this one until a key expires.
    valid_until: Option<DateTime<Utc>>,
}

/// A snapshot of the keys.
pub struct Keyring {
    keys: Vec<KeyringKey>,
    jwks: Arc<JwksDocument>,
    made_at: DateTime<Utc>,
}

impl Keyring {
    /// A snapshot of these keys as of now.
    pub fn new(keys: Vec<KeyringKey>, now: DateTime<Utc>) -> Self {
        let jwks = Arc::new(document(&keys, now));
        Self { keys, jwks, made_at: now }
    }

    /// When the snapshot was taken.
    pub fn made_at(&self) -> DateTime<Utc> {
        self.made_at
    }

    /// The key that signs with this algorithm at this time: of those that may, the one that started last.
    pub fn signing_key(&self, alg: SigningAlg, now: DateTime<Utc>) -> Option<&KeyringKey> {
        self.keys.iter().filter(|key| key.alg() == alg && key.signs(now)).max_by_key(|key| key.active_from)
    }

    /// The published key of this identifier.
    pub fn find(&self, kid: &str, now: DateTime<Utc>) -> Option<&KeyringKey> {
        self.keys.iter().find(|key| key.kid == kid && key.is_published(now))
    }

    /// The parsed pair of a key that an earlier snapshot held.
    pub fn pair(&self, kid: &str) -> Option<Arc<SigningKeyPair>> {
        self.keys.iter().find(|key| key.kid == kid).map(|key| Arc::clone(&key.pair))
    }

    /// The JWKS at this time.
    pub fn jwks(&self, now: DateTime<Utc>) -> Arc<JwksDocument> {
        if self.jwks.valid_until.is_none_or(|end| now < end) {
            Arc::clone(&self.jwks)
        } else {
            Arc::new(document(&self.keys, now))
        }
    }
}

/// The public part in the form that verification takes.
pub fn decoding_key(jwk: &PublicJwk) -> Result<DecodingKey, JwtError> {
    match &jwk.parameters {
        PublicParameters::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
        PublicParameters::Ec { x, y, .. } => DecodingKey::from_ec_components(x, y),
        PublicParameters::Okp { x, .. } => DecodingKey::from_ed_components(x),
    }
}

fn document(keys: &[KeyringKey], now: DateTime<Utc>) -> JwksDocument {
    let published = || keys.iter().filter(|key| key.is_published(now));
    let mut keys: Vec<PublicJwk> = published().map(|key| key.pair.public_jwk.clone()).collect();
    // Those of access tokens first: there are verifiers that read no further than to a kind that they do not know.
    keys.sort_by_key(|key| key.alg);
    let set = JwkSet { keys };
    let body = serde_json::to_string(&set).unwrap_or_else(|_| r#"{"keys":[]}"#.to_owned());
    let etag = etag(body.as_bytes());
    JwksDocument { body, etag, valid_until: published().filter_map(|key| key.expires_at).min() }
}
