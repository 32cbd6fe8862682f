//! Password hashes that other systems made: bcrypt, PBKDF2 and scrypt in PHC, crypt, passlib and Django forms, and argon2 in
//! PHC form. Each is bounded, so that no imported hash makes a log-in cost what the server cannot spend. They are replaced by
//! our own at the next log-in.

use std::num::NonZeroU32;

use argon2::Params as Argon2Params;
use argon2::password_hash::{Ident, PasswordHash};
use aws_lc_rs::{digest, pbkdf2};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::crypto::derived_keys::digests_are_equal;

/// Longest hash read, in bytes.
const MAX_TEXT: usize = 512;
/// Most memory of one check: 128 MiB.
const MAX_MEMORY_KIB: u64 = 128 * 1024;
/// Most work of one argon2: KiB times passes.
const MAX_ARGON2_WORK: u64 = 1024 * 1024;
/// Most lanes.
const MAX_LANES: u32 = 16;
/// Highest cost of bcrypt: about a second.
const MAX_BCRYPT_COST: u32 = 14;
/// Most iterations of PBKDF2 by what one costs; about a second each.
const MAX_ITERATIONS: [u32; 3] = [3_000_000, 3_000_000, 1_500_000];
/// Most work of one scrypt: N times r times p.
const MAX_SCRYPT_WORK: u64 = 4 * 1024 * 1024;
/// Octets of a derived key.
const KEY_OCTETS: std::ops::RangeInclusive<usize> = 16..=64;
/// The digits of crypt(3), lowest first.
const CRYPT_DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A hash that cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHash(&'static str);

const UNKNOWN: InvalidHash =
    InvalidHash("the password hash is of no known form: argon2, bcrypt, PBKDF2 or scrypt in PHC, crypt or Django form");
const DEAR: InvalidHash = InvalidHash("the password hash costs more than a log-in may");
const MALFORMED: InvalidHash = InvalidHash("the password hash is malformed");

/// A hash of another kind than our own. No `Debug`.
#[allow(missing_docs, reason = "each field is the parameter that the scheme names so")]
pub enum ImportedPassword<'a> {
    /// bcrypt, also over the SHA-256 of the password in hexadecimal.
    Bcrypt { hash: &'a str, over_sha256: bool },
    /// RFC 8018 §5.2.
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: Vec<u8>, key: Vec<u8> },
    /// RFC 7914.
    Scrypt { params: scrypt::Params, salt: Vec<u8>, key: Vec<u8> },
}

/// Is it a hash that a log-in can check, within the bounds? argon2 too.
pub fn check_importable(text: &str) -> Result<(), InvalidHash> {
    if text.len() > MAX_TEXT || !text.bytes().all(|byte| matches!(byte, 0x21..=0x7E)) {
        return Err(MALFORMED);
    }
    if text.starts_with("$argon2") { check_argon2(text) } else { ImportedPassword::parse(text).map(drop) }
}

fn check_argon2(text: &str) -> Result<(), InvalidHash> {
    let hash = PasswordHash::new(text).map_err(|_| MALFORMED)?;
    let known = [argon2::ARGON2D_IDENT, argon2::ARGON2I_IDENT, argon2::ARGON2ID_IDENT];
    // RFC 9106 §3.1: the versions 0x10 and 0x13; no key and no associated data, which we do not have.
    let others = hash.params.iter().any(|(name, _)| !["m", "t", "p"].map(Ident::new_unwrap).contains(&name));
    if !known.contains(&hash.algorithm) || hash.version.is_some_and(|version| ![16, 19].contains(&version)) || others {
        return Err(UNKNOWN);
    }
    let salt = hash.salt.is_some_and(|salt| salt.as_str().len() >= 11);
    if !salt || !hash.hash.is_some_and(|hash| KEY_OCTETS.contains(&hash.len())) {
        return Err(MALFORMED);
    }
    let params = Argon2Params::try_from(&hash).map_err(|_| MALFORMED)?;
    let (memory, passes) = (u64::from(params.m_cost()), u64::from(params.t_cost()));
    let fits = memory <= MAX_MEMORY_KIB && memory.saturating_mul(passes) <= MAX_ARGON2_WORK;
    if fits && passes <= 1000 && params.p_cost() <= MAX_LANES { Ok(()) } else { Err(DEAR) }
}

/// base64 with or without padding, and passlib's, which writes a dot for the plus sign.
fn decode(text: &str) -> Result<Vec<u8>, InvalidHash> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, config).decode(text.replace('.', "+")).map_err(|_| MALFORMED)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, InvalidHash> {
    text.parse().map_err(|_| MALFORMED)
}

/// A parameter such as `ln=17` of a comma-separated list.
fn named(list: &str, name: &str) -> Option<u32> {
    list.split(',').find_map(|item| item.split_once('=').filter(|(key, _)| *key == name)?.1.parse().ok())
}

impl<'a> ImportedPassword<'a> {
    /// Reads a hash that is not argon2, within the bounds.
    pub fn parse(text: &'a str) -> Result<Self, InvalidHash> {
        if let Some(hash) = text.strip_prefix("bcrypt_sha256$") {
            return Self::bcrypt(hash, true);
        }
        let plain = text.strip_prefix("bcrypt$").unwrap_or(text);
        if ["$2a$", "$2b$", "$2y$"].iter().any(|start| plain.starts_with(start)) {
            return Self::bcrypt(plain, false);
        }
        if let Some(body) = text.strip_prefix("$7$") {
            return Self::scrypt_crypt(body);
        }
        match text.split('$').collect::<Vec<_>>().as_slice() {
            // passlib and PHC.
            ["", kind, rounds, salt, key] if kind.starts_with("pbkdf2") => {
                let rounds = match named(rounds, "i") {
                    Some(rounds) => rounds,
                    None => number(rounds)?,
                };
                Self::pbkdf2(kind, rounds, decode(salt)?, decode(key)?)
            }
            // Django, which takes the text of the salt as it is.
            [kind, rounds, salt, key] if kind.starts_with("pbkdf2_") => {
                Self::pbkdf2(&kind.replace('_', "-"), number(rounds)?, salt.as_bytes().to_vec(), decode(key)?)
            }
            ["", "scrypt", costs, salt, key] => {
                let cost = |name| named(costs, name).ok_or(MALFORMED);
                let shape = (u8::try_from(cost("ln")?).map_err(|_| DEAR)?, cost("r")?, cost("p")?);
                Self::scrypt(shape, decode(salt)?, decode(key)?)
            }
            ["scrypt", n, salt, r, p, key] => {
                let n: u64 = number(n)?;
                if !n.is_power_of_two() {
                    return Err(MALFORMED);
                }
                let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| DEAR)?;
                Self::scrypt((log_n, number(r)?, number(p)?), salt.as_bytes().to_vec(), decode(key)?)
            }
            _ => Err(UNKNOWN),
        }
    }

    fn bcrypt(hash: &'a str, over_sha256: bool) -> Result<Self, InvalidHash> {
        let parts: bcrypt::HashParts = hash.parse().map_err(|_| MALFORMED)?;
        if parts.get_cost() < 4 || !["$2a$", "$2b$", "$2y$"].iter().any(|start| hash.starts_with(start)) {
            return Err(MALFORMED);
        }
        if parts.get_cost() > MAX_BCRYPT_COST { Err(DEAR) } else { Ok(Self::Bcrypt { hash, over_sha256 }) }
    }

    fn pbkdf2(kind: &str, rounds: u32, salt: Vec<u8>, key: Vec<u8>) -> Result<Self, InvalidHash> {
        let [most_sha1, most_sha256, most_sha512] = MAX_ITERATIONS;
        let (algorithm, most) = match kind {
            "pbkdf2" | "pbkdf2-sha1" => (pbkdf2::PBKDF2_HMAC_SHA1, most_sha1),
            "pbkdf2-sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, most_sha256),
            "pbkdf2-sha512" => (pbkdf2::PBKDF2_HMAC_SHA512, most_sha512),
            _ => return Err(UNKNOWN),
        };
        let iterations = NonZeroU32::new(rounds).ok_or(MALFORMED)?;
        if salt.is_empty() || !KEY_OCTETS.contains(&key.len()) {
            return Err(MALFORMED);
        }
        if rounds > most { Err(DEAR) } else { Ok(Self::Pbkdf2 { algorithm, iterations, salt, key }) }
    }

    fn scrypt((log_n, r, p): (u8, u32, u32), salt: Vec<u8>, key: Vec<u8>) -> Result<Self, InvalidHash> {
        if salt.is_empty() || !KEY_OCTETS.contains(&key.len()) || log_n == 0 {
            return Err(MALFORMED);
        }
        let blocks = 1_u64.checked_shl(u32::from(log_n)).and_then(|n| n.checked_mul(u64::from(r))).ok_or(DEAR)?;
        // 128 octets a block.
        let fits = log_n < 32 && blocks / 8 <= MAX_MEMORY_KIB && blocks.saturating_mul(p.into()) <= MAX_SCRYPT_WORK;
        if !fits {
            return Err(DEAR);
        }
        let params = scrypt::Params::new(log_n, r, p).map_err(|_| MALFORMED)?;
        Ok(Self::Scrypt { params, salt, key })
    }

    /// crypt(3)'s: one digit of log N, five of r, five of p, the salt as it is, then the key.
    fn scrypt_crypt(body: &str) -> Result<Self, InvalidHash> {
        let (start, key) = body.rsplit_once('$').ok_or(MALFORMED)?;
        let (log_n, rest) = start.split_at_checked(1).ok_or(MALFORMED)?;
        let (r, rest) = rest.split_at_checked(5).ok_or(MALFORMED)?;
        let (p, salt) = rest.split_at_checked(5).ok_or(MALFORMED)?;
        let value = |text: &str| {
            let digits = text.bytes().rev().map(|byte| CRYPT_DIGITS.iter().position(|digit| *digit == byte));
            let sum =
                digits.map(|digit| u32::try_from(digit?).ok()).try_fold(0_u32, |sum, digit| Some((sum << 6) | digit?));
            sum.ok_or(MALFORMED)
        };
        let log_n = u8::try_from(value(log_n)?).map_err(|_| DEAR)?;
        Self::scrypt((log_n, value(r)?, value(p)?), salt.as_bytes().to_vec(), crypt_octets(key)?)
    }

    /// Is it this password?
    pub fn is_match(&self, password: &str) -> bool {
        match self {
            // In bcrypt a NUL ends a repetition of the password: `a` and `a\0a` would be the same.
            Self::Bcrypt { .. } if password.contains('\0') => false,
            Self::Bcrypt { hash, over_sha256: false } => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Bcrypt { hash, over_sha256: true } => {
                let octets = digest::digest(&digest::SHA256, password.as_bytes());
                let hex: String = octets.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
                bcrypt::verify(hex, hash).unwrap_or(false)
            }
            Self::Pbkdf2 { algorithm, iterations, salt, key } => {
                pbkdf2::verify(*algorithm, *iterations, salt, password.as_bytes(), key).is_ok()
            }
            Self::Scrypt { params, salt, key } => {
                let mut out = vec![0; key.len()];
                scrypt::scrypt(password.as_bytes(), salt, params, &mut out).is_ok() && digests_are_equal(&out, key)
            }
        }
    }
}

/// Four digits of crypt(3) are three octets, lowest first.
fn crypt_octets(text: &str) -> Result<Vec<u8>, InvalidHash> {
    let mut octets = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let mut value = 0_u32;
        for byte in group.iter().rev() {
            let digit = CRYPT_DIGITS.iter().position(|digit| digit == byte).ok_or(MALFORMED)?;
            value = (value << 6) | u32::try_from(digit).map_err(|_| MALFORMED)?;
        }
        octets.extend(value.to_le_bytes().iter().take(group.len() * 6 / 8));
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse battery staple";

    /// As crypt(3) of glibc and Python's hashlib computed them.
    const HASHES: [&str; 14] = [
        "$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "bcrypt$$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK",
        "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$wmIXv0mv7iouqkc9CKjRvCX21po",
        "pbkdf2_sha1$1000$djangosalt$LF+H5nYrt8+FOsX+as3/n896KdE=",
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES.wqLsOT5YmiRBplI",
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES+wqLsOT5YmiRBplI",
        "pbkdf2_sha256$1000$djangosalt$88j730hNlmgRpKNE1Xryye28W+/5SkbhIUTmwgrwT7g=",
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$5bTW2oeyDJyGJPcmEr.mRDE11ghpozWrDGnSNhRXo2ZCu0KHRDiUMAVEGzLJC.oDhRoeIja9J1iLIv9ptDJMfQ",
        "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$0Pz6RuN9WCY6OfE3FYH5Myx0JqvNjul84VbFyWLBf4g",
        "scrypt$16$djangosalt$8$1$8oFt5zApR0yBMOxcTkrdJwW9lzSGVVpmNAy6HLrtjJNYT8yQT2sWE9oLy3+hF3Dyn0mz9RQT1SBF7n3IYORsOA==",
        "$7$26..../....saltsalt$t6iP.4oXE2MK/ybtCoRglylGKh1mPwUBgfHp4CW3l90",
    ];

    #[test]
    fn other_systems_hashes_are_verified() {
        for hash in HASHES {
            assert_eq!(check_importable(hash), Ok(()), "{hash}");
            let parsed = ImportedPassword::parse(hash)
                .map_err(|error| error.to_string())
                .unwrap_or_else(|error| panic!("{error}: {hash}"));
            assert!(parsed.is_match(PASSWORD), "{hash}");
            assert!(!parsed.is_match("correct horse battery stapl"), "{hash}");
            assert!(!parsed.is_match(&format!("{PASSWORD}\0{PASSWORD}")), "{hash}");
        }
        // bcrypt never looked behind 72 bytes: such passwords go on working.
        let long = ImportedPassword::parse("$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i");
        assert!(long.is_ok_and(|hash| hash.is_match(&"x".repeat(100)) && hash.is_match(&"x".repeat(72))));
    }

    #[test]
    fn dear_and_unknown_hashes_are_refused() {
        let salt = "MDEyMzQ1Njc4OWFiY2RlZg";
        let key = "yqSq2SygY1sB4EcH9f2FG0JTMES+wqLsOT5YmiRBplI";
        for dear in [
            format!("$argon2id$v=19$m=1048576,t=1,p=1${salt}${key}"),
            format!("$argon2id$v=19$m=65536,t=100,p=1${salt}${key}"),
            format!("$argon2id$v=19$m=65536,t=1,p=64${salt}${key}"),
            "$2b$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG".to_owned(),
            format!("$pbkdf2-sha256$4000000000${salt}${key}"),
            format!("$pbkdf2-sha512$i=2000000${salt}${key}"),
            format!("$scrypt$ln=20,r=8,p=1${salt}${key}"),
            format!("$scrypt$ln=63,r=8,p=1${salt}${key}"),
            format!("$scrypt$ln=14,r=8,p=4000${salt}${key}"),
            format!("scrypt$9223372036854775808$salt$8$1${key}"),
            "$7$zzzzzzzzzzzsaltsalt$t6iP.4oXE2MK/ybtCoRglylGKh1mPwUBgfHp4CW3l90".to_owned(),
        ] {
            assert_eq!(check_importable(&dear), Err(DEAR), "{dear}");
        }
        let (md5, sha512) = ("$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$6$salt$hash");
        for other in [
            "",
            "!",
            "correct horse",
            md5,
            sha512,
            "{SSHA}abc",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "$2x$04$abc",
            "$2b$04$short",
            "$2b$03$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "md5$salt$abc",
            "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$x",
            "$argon2id$v=18$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES",
            "$argon2id$v=19$m=64,t=1,p=1,keyid=abc$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES+wqLsOT5YmiRBplI",
            "$pbkdf2-md5$1000$MDEy$MDEyMzQ1Njc4OWFiY2RlZg",
            "$pbkdf2-sha256$0$MDEy$MDEyMzQ1Njc4OWFiY2RlZg",
            "$pbkdf2-sha256$1000$MDEy$MDEy",
            "scrypt$15$salt$8$1$MDEyMzQ1Njc4OWFiY2RlZg==",
            "$7$",
            "$7$é",
        ] {
            assert!(check_importable(other).is_err_and(|error| error != DEAR), "{other}");
        }
        assert!(check_importable(&format!("$2b${}", "x".repeat(600))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text: String, start in "\\$(7|2b|scrypt|pbkdf2|argon2id)\\$") {
            let _ = check_importable(&text);
            let _ = check_importable(&format!("{start}{text}"));
        }
    }
}
