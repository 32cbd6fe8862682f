//! Random secrets: `<prefix>_<43 characters of base62><6 characters of checksum>`. 256 bits, and a checksum by which a
//! mistyped or foreign one is refused without a query and a scanner tells a leaked one from chance.

use zeroize::Zeroizing;

use crate::crypto::random::{self, RandomError};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 > 2^256.
const RANDOM_LENGTH: usize = 43;
/// 62^6 > 2^32.
const CHECKSUM_LENGTH: usize = 6;

/// What a secret is for, by its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A client secret.
    ClientSecret,
    /// An authorization code.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// A login session's cookie.
    LoginSession,
    /// The cookie of a session of the console and the account pages.
    ConsoleSession,
    /// The value that ties a form to a browser.
    CsrfToken,
    /// The reference of a pushed authorization request.
    PushedRequest,
    /// A device code.
    DeviceCode,
    /// A registration access token (RFC 7592 §3).
    RegistrationAccessToken,
    /// An initial access token (RFC 7591 §3).
    InitialAccessToken,
}

impl SecretKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::ClientSecret => "cs",
            Self::AuthorizationCode => "ac",
            Self::RefreshToken => "rt",
            Self::LoginSession => "ls",
            Self::ConsoleSession => "co",
            Self::CsrfToken => "cf",
            Self::PushedRequest => "pr",
            Self::DeviceCode => "dc",
            Self::RegistrationAccessToken => "rg",
            Self::InitialAccessToken => "ia",
        }
    }

    /// A new secret of this kind.
    pub fn generate(self) -> Result<Zeroizing<String>, RandomError> {
        Ok(self.from_octets(&random::octets::<32>()?))
    }

    /// The secret of this kind that stands for these octets.
    pub fn from_octets(self, octets: &[u8; 32]) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(self.prefix());
        text.push('_');
        push_base62(&mut text, octets, RANDOM_LENGTH);
        let checksum = crc32fast::hash(text.as_bytes());
        push_base62(&mut text, &checksum.to_be_bytes(), CHECKSUM_LENGTH);
        text
    }

    /// Could this be a secret of this kind? False for a mistyped, cut or foreign one.
    pub fn is_well_formed(self, text: &str) -> bool {
        let length = self.prefix().len() + 1 + RANDOM_LENGTH + CHECKSUM_LENGTH;
        if text.len() != length || !text.is_ascii() {
            return false;
        }
        let Some((body, checksum)) = text.split_at_checked(length - CHECKSUM_LENGTH) else { return false };
        let Some(random) = body.strip_prefix(self.prefix()).and_then(|rest| rest.strip_prefix('_')) else {
            return false;
        };
        let mut expected = String::with_capacity(CHECKSUM_LENGTH);
        push_base62(&mut expected, &crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_LENGTH);
        random.bytes().all(|byte| byte.is_ascii_alphanumeric()) && expected == checksum
    }
}

/// Random characters of an access key: 62^26 > 2^154.
const KEY_RANDOM_LENGTH: usize = 26;
/// Characters of an access key behind its prefix, checksum included.
pub const KEY_LENGTH: usize = KEY_RANDOM_LENGTH + CHECKSUM_LENGTH;

/// A new secret of the form that platforms give out: a prefix of the operator's choice, then 32 alphanumerics. The last
/// six are the CRC-32 of everything before them, in base 62 with the digits 0-9 A-Z a-z.
pub fn generate_prefixed(prefix: &str) -> Result<Zeroizing<String>, RandomError> {
    let octets = Zeroizing::new(random::octets::<32>()?);
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + KEY_LENGTH));
    text.push_str(prefix);
    // The lowest digits of a 256-bit number: off from uniform by less than 2^-100.
    push_base62(&mut text, octets.as_ref(), KEY_RANDOM_LENGTH);
    let checksum = crc32fast::hash(text.as_bytes());
    push_base62(&mut text, &checksum.to_be_bytes(), CHECKSUM_LENGTH);
    Ok(text)
}

/// Could this be a secret with this prefix? False for a mistyped, cut or foreign one.
pub fn is_well_formed_prefixed(prefix: &str, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    if rest.len() != KEY_LENGTH || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let Some((body, checksum)) = text.split_at_checked(text.len() - CHECKSUM_LENGTH) else { return false };
    let mut expected = String::with_capacity(CHECKSUM_LENGTH);
    push_base62(&mut expected, &crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_LENGTH);
    expected == checksum
}

/// Appends the big-endian number in `octets` as exactly `length` digits of base 62.
fn push_base62(text: &mut String, octets: &[u8], length: usize) {
    let mut number = Zeroizing::new(octets.to_vec());
    let mut digits = Zeroizing::new(Vec::with_capacity(length));
    for _ in 0..length {
        let mut remainder = 0_u32;
        for octet in number.iter_mut() {
            let value = (remainder << 8) | u32::from(*octet);
            *octet = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        digits.push(usize::try_from(remainder).ok().and_then(|index| ALPHABET.get(index)).copied().unwrap_or(b'0'));
    }
    text.extend(digits.iter().rev().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_and_checksum() {
        let secret = SecretKind::RefreshToken.generate().unwrap();
        assert!(secret.starts_with("rt_"));
        assert_eq!(secret.len(), 52);
        assert!(SecretKind::RefreshToken.is_well_formed(&secret));
        assert!(!SecretKind::ClientSecret.is_well_formed(&secret));
        assert!(!SecretKind::RefreshToken.is_well_formed(&secret[..51]));
        let last = if secret.ends_with('0') { "1" } else { "0" };
        assert!(!SecretKind::RefreshToken.is_well_formed(&format!("{}{last}", &secret[..51])));
    }

    #[test]
    fn encoding_is_exact() {
        let zeros = SecretKind::RefreshToken.from_octets(&[0; 32]);
        assert!(zeros.starts_with(&format!("rt_{}", "0".repeat(43))));
        let mut text = String::new();
        push_base62(&mut text, &(62_u32 * 62 + 61).to_be_bytes(), 6);
        assert_eq!(text, "00010z");
    }

    #[test]
    fn prefixed_secrets_have_32_characters_and_a_checksum() {
        let key = generate_prefixed("nxf_live_").unwrap();
        assert_eq!(key.len(), "nxf_live_".len() + 32);
        assert!(is_well_formed_prefixed("nxf_live_", &key));
        assert!(!is_well_formed_prefixed("nxf_", &key));
        assert!(!is_well_formed_prefixed("nxf_test_", &key));
        assert!(!is_well_formed_prefixed("nxf_live_", &key[..40]));
        assert!(!is_well_formed_prefixed("nxf_live_", &format!("{}0", key.as_str())));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_no_key(text: String) {
            proptest::prop_assert!(!is_well_formed_prefixed("sk_", &text));
        }

        #[test]
        fn any_text_is_survived(text: String) {
            proptest::prop_assert!(!SecretKind::RefreshToken.is_well_formed(&text));
        }

        #[test]
        fn one_changed_character_is_noticed(octets: [u8; 32], at in 3_usize..52, to in "[0-9A-Za-z]") {
            let secret = SecretKind::RefreshToken.from_octets(&octets);
            let mut changed = secret.to_string();
            changed.replace_range(at..=at, &to);
            proptest::prop_assert_eq!(SecretKind::RefreshToken.is_well_formed(&changed), changed == *secret);
        }
    }
}
