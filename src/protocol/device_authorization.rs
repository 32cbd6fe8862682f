//! The device authorization grant (RFC 8628): the answer to a device, and user codes.

use serde::Serialize;

/// The answer to a device (RFC 8628 §3.2). No `Debug`: the device code is secret.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DeviceAuthorizationResponse {
    /// What the device asks for tokens with.
    pub device_code: String,
    /// What a person types.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same with the code, for a QR code.
    pub verification_uri_complete: String,
    /// For how many seconds both codes can be used.
    pub expires_in: i64,
    /// The least number of seconds between two polls.
    pub interval: i64,
}

/// Consonants only: no words come out, and nothing looks like a digit (RFC 8628 §6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// 20^8 is more than 2^34.
const LENGTH: usize = 8;

/// A user code in the form in which it is compared: eight letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// The code that these random octets stand for. None where they do not suffice: an octet that would make some letters
    /// likelier than others is passed over.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let fair = octets.iter().filter(|octet| **octet < 240).map(|octet| usize::from(*octet % 20));
        let letters: String =
            fair.filter_map(|index| ALPHABET.get(index)).take(LENGTH).map(|b| char::from(*b)).collect();
        (letters.len() == LENGTH).then_some(Self(letters))
    }

    /// Reads what a person typed: without case, and whatever stands between the letters (RFC 8628 §6.1).
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let letters: String =
            typed.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
        (letters.len() == LENGTH && letters.bytes().all(|letter| ALPHABET.contains(&letter))).then_some(Self(letters))
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is shown: two groups of four.
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at_checked(LENGTH / 2).unwrap_or((&self.0, ""));
        format!("{first}-{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        let code = UserCode::parse("WDJB-MJHT").unwrap();
        assert_eq!((code.as_str(), code.shown().as_str()), ("WDJBMJHT", "WDJB-MJHT"));
        for same in ["wdjbmjht", " wdjb mjht ", "WDJB\u{2013}MJHT", "w.d.j.b.m.j.h.t"] {
            assert_eq!(UserCode::parse(same), Some(code.clone()), "{same}");
        }
        for other in ["", "WDJB-MJH", "WDJB-MJHTX", "WDJB-MJH1", "ADJB-MJHT", "WDJB-MJHÄ"] {
            assert_eq!(UserCode::parse(other), None, "{other}");
        }
        assert_eq!(UserCode::parse(&"-".repeat(100)), None);
    }

    #[test]
    fn letters_are_alike_likely() {
        let octets: Vec<u8> = (0..=255).collect();
        let mut counts = std::collections::BTreeMap::new();
        for octet in octets {
            if let Some(code) = UserCode::from_octets(&[octet; LENGTH]) {
                *counts.entry(code.0).or_insert(0) += 1;
            }
        }
        assert_eq!((counts.len(), counts.values().all(|count| *count == 12)), (20, true));
        assert_eq!(UserCode::from_octets(&[0; 7]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(typed: String) {
            let _ = UserCode::parse(&typed);
        }
    }
}
