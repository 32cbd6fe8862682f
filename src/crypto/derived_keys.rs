//! The root key and what is derived from it: one key per purpose (HKDF-SHA-256, RFC 5869), so that a digest made for one
//! purpose is worthless for another, and a stolen database alone confirms nothing.

use aws_lc_rs::{constant_time, hkdf, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::crypto::audit_key::{AuditKey, AuditSealKey};
use crate::crypto::random::{self, RandomError};
use crate::crypto::seal::SealingKey;
use crate::crypto::secret::SecretKind;
use crate::protocol::device_authorization::UserCode;

/// The 256-bit key from which all others are derived. No `Debug`, no `==`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RootKey([u8; 32]);

/// A text that is not a root key, or a derivation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a root key is 32 octets in base64url without padding (43 characters)")]
pub struct InvalidRootKey;

impl RootKey {
    /// A new random root key.
    pub fn generate() -> Result<Self, RandomError> {
        Ok(Self(random::octets()?))
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, InvalidRootKey> {
        let octets = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| InvalidRootKey)?);
        octets.as_slice().try_into().map(Self).map_err(|_| InvalidRootKey)
    }

    /// The text form, for the key file.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// The keys in use, derived once at start.
pub struct DerivedKeys {
    client_secret: hmac::Key,
    authorization_code: hmac::Key,
    refresh_token: hmac::Key,
    refresh_token_successor: hmac::Key,
    login_session: hmac::Key,
    console_session: hmac::Key,
    csrf: hmac::Key,
    registration_access_token: hmac::Key,
    initial_access_token: hmac::Key,
    access_key: hmac::Key,
    proven_secret: hmac::Key,
    pairwise_subject: hmac::Key,
    login_proof: hmac::Key,
    pushed_request: hmac::Key,
    device_code: hmac::Key,
    user_code: hmac::Key,
    console_trial: hmac::Key,
    check: hmac::Key,
    /// Seals the private parts of signing keys.
    pub sealing: SealingKey,
    /// Seals the client secrets that are needed themselves.
    pub secret_sealing: SealingKey,
    /// Signs checkpoints of the audit log.
    pub audit: AuditKey,
    /// Seals the end of the audit log.
    pub audit_seal: AuditSealKey,
}

impl DerivedKeys {
    /// Derives every key.
    pub fn derive(root: &RootKey) -> Result<Self, InvalidRootKey> {
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, b"grantor root key v1").extract(&root.0);
        let key = |label: &str| -> Result<Zeroizing<[u8; 32]>, InvalidRootKey> {
            let mut out = Zeroizing::new([0; 32]);
            pseudo_random
                .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(out.as_mut()))
                .map_err(|_| InvalidRootKey)?;
            Ok(out)
        };
        let mac = |label: &str| key(label).map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()));
        Ok(Self {
            client_secret: mac("client secret digest")?,
            authorization_code: mac("authorization code digest")?,
            refresh_token: mac("refresh token digest")?,
            refresh_token_successor: mac("refresh token successor")?,
            login_session: mac("login session digest")?,
            console_session: mac("console session digest")?,
            csrf: mac("csrf token")?,
            registration_access_token: mac("registration access token digest")?,
            initial_access_token: mac("initial access token digest")?,
            access_key: mac("access key digest")?,
            proven_secret: mac("proven client secret")?,
            pairwise_subject: mac("pairwise subject")?,
            login_proof: mac("login proof")?,
            pushed_request: mac("pushed request digest")?,
            device_code: mac("device code digest")?,
            user_code: mac("user code digest")?,
            console_trial: mac("console trial")?,
            check: mac("root key check")?,
            sealing: SealingKey::new(&*key("signing key sealing")?).map_err(|_| InvalidRootKey)?,
            secret_sealing: SealingKey::new(&*key("client secret sealing")?).map_err(|_| InvalidRootKey)?,
            audit: AuditKey::from_seed(&*key("audit log signing")?).map_err(|_| InvalidRootKey)?,
            audit_seal: AuditSealKey::new(&*key("audit log end")?),
        })
    }

    /// The digest under which a secret of this kind is stored.
    pub fn digest(&self, kind: SecretKind, secret: &str) -> Vec<u8> {
        let key = match kind {
            SecretKind::ClientSecret => &self.client_secret,
            SecretKind::AuthorizationCode => &self.authorization_code,
            SecretKind::RefreshToken => &self.refresh_token,
            SecretKind::LoginSession => &self.login_session,
            SecretKind::ConsoleSession => &self.console_session,
            SecretKind::CsrfToken => &self.csrf,
            SecretKind::PushedRequest => &self.pushed_request,
            SecretKind::DeviceCode => &self.device_code,
            SecretKind::RegistrationAccessToken => &self.registration_access_token,
            SecretKind::InitialAccessToken => &self.initial_access_token,
        };
        hmac::sign(key, secret.as_bytes()).as_ref().to_vec()
    }

    /// The digest under which an access key is stored.
    pub fn digest_access_key(&self, secret: &str) -> Vec<u8> {
        hmac::sign(&self.access_key, secret.as_bytes()).as_ref().to_vec()
    }

    /// The digest under which a user code is stored: so few letters could be tried out, but not without this key.
    pub fn digest_user_code(&self, code: &UserCode) -> Vec<u8> {
        hmac::sign(&self.user_code, code.as_str().as_bytes()).as_ref().to_vec()
    }

    /// The refresh token that follows `predecessor`. It is derived and not drawn, so that a client that lost our answer,
    /// or two that asked at the same moment, can be given the very same successor although only digests are stored.
    pub fn refresh_token_successor(&self, predecessor: &str) -> Zeroizing<String> {
        let mac = hmac::sign(&self.refresh_token_successor, predecessor.as_bytes());
        let mut octets = Zeroizing::new([0; 32]);
        octets.iter_mut().zip(mac.as_ref()).for_each(|(to, from)| *to = *from);
        SecretKind::RefreshToken.from_octets(&octets)
    }

    /// The digest under which a chosen client secret that was proven is remembered in memory, bound to its row.
    pub fn proven_secret(&self, row: &str, secret: &str) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.proven_secret);
        context.update(row.as_bytes());
        context.update(&[0]);
        context.update(secret.as_bytes());
        context.sign().as_ref().to_vec()
    }

    /// The subject by which the clients of a sector know a user (OpenID Connect Core §8.1): always the same, and nobody
    /// without the root key can tell whose it is or whether two of them are one user.
    pub fn pairwise_subject(&self, sector: &str, user_id: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac_of(&self.pairwise_subject, [sector.as_bytes(), user_id.as_bytes()]))
    }

    /// Proves that this session was begun for this request, given as its parts.
    pub fn login_proof<'a>(&self, session: &'a [u8], request: impl Iterator<Item = &'a str>) -> String {
        let parts = std::iter::once(session).chain(request.map(str::as_bytes));
        URL_SAFE_NO_PAD.encode(mac_of(&self.login_proof, parts))
    }

    /// A value of a trial at the console, from its parts: nobody else can make it.
    pub fn console_trial<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        URL_SAFE_NO_PAD.encode(mac_of(&self.console_trial, parts))
    }

    /// A value by which a database recognises its root key, and knows whether its audit log has had its first seal.
    pub fn check_value(&self, log: LogState) -> String {
        let message: &[u8] = match log {
            LogState::BeforeSeals => b"grantor",
            LogState::Sealed => b"grantor with a sealed audit log",
        };
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.check, message).as_ref())
    }
}

/// Has the audit log of a database had its first seal?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogState {
    /// No: a version without seals made it.
    BeforeSeals,
    /// Yes.
    Sealed,
}

/// A MAC over several parts, each with its length, so that no two lists of parts are one text.
fn mac_of<'a>(key: &hmac::Key, parts: impl IntoIterator<Item = &'a [u8]>) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.sign()
}

/// Compares two digests in constant time.
pub fn digests_are_equal(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_are_apart_and_derivation_is_stable() {
        let keys = DerivedKeys::derive(&RootKey([7; 32])).unwrap();
        let again = DerivedKeys::derive(&RootKey::parse(&RootKey([7; 32]).to_text()).unwrap()).unwrap();
        let digest = |kind| keys.digest(kind, "x");
        assert_ne!(digest(SecretKind::ClientSecret), digest(SecretKind::RefreshToken));
        assert_ne!(keys.proven_secret("a", "x"), keys.proven_secret("b", "x"));
        assert_ne!(keys.proven_secret("a", "x"), digest(SecretKind::ClientSecret));
        assert_eq!(digest(SecretKind::ClientSecret), again.digest(SecretKind::ClientSecret, "x"));
        assert_eq!(keys.check_value(LogState::Sealed), again.check_value(LogState::Sealed));
        assert_ne!(keys.check_value(LogState::Sealed), keys.check_value(LogState::BeforeSeals));
        assert_eq!(keys.pairwise_subject("a.example", "u"), again.pairwise_subject("a.example", "u"));
        assert_ne!(keys.pairwise_subject("a.example", "u"), keys.pairwise_subject("b.example", "u"));
        assert_ne!(keys.pairwise_subject("ab", "c"), keys.pairwise_subject("a", "bc"));
        assert_ne!(keys.login_proof(b"s", ["a", "bc"].into_iter()), keys.login_proof(b"s", ["ab", "c"].into_iter()));
        let successor = keys.refresh_token_successor("rt_a");
        assert!(SecretKind::RefreshToken.is_well_formed(&successor));
        assert_eq!(successor, again.refresh_token_successor("rt_a"));
        assert_ne!(successor, keys.refresh_token_successor("rt_b"));
    }
}
