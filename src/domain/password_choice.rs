//! Which passwords may be chosen: long ones that are not among the first that anybody tries (ASVS 5.0 V6.2.1, V6.2.4, V6.2.9,
//! V6.2.11). Rules on composition make passwords worse (V6.2.5); there are none.

use crate::domain::common_passwords::is_common;
use crate::domain::user::{InvalidUser, username_key};

/// Longest password accepted, in bytes (ASVS 5.0 V6.2.9 asks for at least 64 characters).
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// Shortest password accepted, in characters (ASVS 5.0 V6.2.1).
pub const MIN_PASSWORD_CHARACTERS: usize = 8;
/// What is repeated, where it is no more than this, makes no password; nor does it beside a run.
const SHORT_PATTERN: usize = 4;
/// Names of fewer letters are in too many words.
const SHORT_NAME: usize = 3;
/// Beside names that everybody knows there must be more than this.
const LITTLE_MORE: usize = 4;
/// What people go along when they think of nothing.
const RUNS: [&str; 8] = [
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
];
/// What this server is called where nobody gave it a name.
const PRODUCT: &str = "grantor";

/// The names that are known around a user: who guesses tries them first (ASVS 5.0 V6.2.11).
#[derive(Debug)]
pub struct KnownNames {
    username: String,
    /// In lower case and without signs, the longest first.
    words: Vec<String>,
}

/// What is left of a text for comparing.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl KnownNames {
    /// Those of a user, and what the service is called.
    pub fn of(username: &str, (name, email): (Option<&str>, Option<&str>), service: &str) -> Self {
        let name = name.unwrap_or_default();
        let (local, domain) = email.and_then(|email| email.rsplit_once('@')).unwrap_or_default();
        let host = domain.split('.').next().unwrap_or_default();
        let whole = [username, name, local, domain, host, service, PRODUCT];
        let parts =
            [username, name, local, service].into_iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let words = whole.into_iter().chain(parts).map(plain).filter(|word| word.chars().count() >= SHORT_NAME);
        let mut words: Vec<String> = words.collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        Self { username: username_key(username), words }
    }

    /// Is this made of those names, with little more?
    fn are_all_of(&self, password: &str) -> bool {
        if username_key(password) == self.username {
            return true;
        }
        let mut rest = plain(password);
        let whole = rest.len();
        for word in &self.words {
            rest = rest.replace(word.as_str(), "");
        }
        let rest: Vec<char> = rest.chars().collect();
        rest.iter().map(|letter| letter.len_utf8()).sum::<usize>() < whole
            && (rest.len() <= LITTLE_MORE || is_run(&rest))
    }
}

/// Does it go along the alphabet, the digits or the keyboard, forwards or backwards?
fn is_run(letters: &[char]) -> bool {
    let text: String = letters.iter().collect();
    let back: String = letters.iter().rev().collect();
    RUNS.iter().any(|run| run.contains(&text) || run.contains(&back))
}

/// Is it a run, with little before or behind it, or something short or a run again and again?
fn is_pattern(password: &str) -> bool {
    let letters: Vec<char> = password.to_lowercase().chars().collect();
    let repeats = |length: usize| letters.iter().zip(letters.iter().skip(length)).all(|(one, next)| one == next);
    let unit = (1..=letters.len() / 2).find(|length| repeats(*length));
    let first = unit.and_then(|length| letters.get(..length));
    let ends_in_run = |count: usize| letters.get(count..).is_some_and(is_run);
    let begins_with_run =
        |count: usize| letters.len().checked_sub(count).and_then(|end| letters.get(..end)).is_some_and(is_run);
    (0..=SHORT_PATTERN).any(|count| ends_in_run(count) || begins_with_run(count))
        || first.is_some_and(|first| first.len() <= SHORT_PATTERN || is_run(first))
}

/// Checks a new password of a user about whom this much is known.
pub fn check_new_password(password: &str, known: &KnownNames) -> Result<(), InvalidUser> {
    if password.chars().count() < MIN_PASSWORD_CHARACTERS {
        return Err(InvalidUser("password must have at least 8 characters"));
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(InvalidUser("password must have at most 1024 bytes"));
    }
    if is_common(password) {
        return Err(InvalidUser("password must not be one of those that everybody tries first: choose a longer one"));
    }
    if is_pattern(password) {
        return Err(InvalidUser("password must not be a short pattern repeated, or a run of letters or digits"));
    }
    if known.are_all_of(password) {
        return Err(InvalidUser(
            "password must not be a name that everybody knows, of the user, their e-mail address or this service, with little more",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(password: &str) -> Option<&'static str> {
        let known = KnownNames::of(
            "ada.lovelace",
            (Some("Ada King Lovelace"), Some("countess@analytical.example")),
            "Parcel Hub",
        );
        check_new_password(password, &known).err().map(|error| error.0)
    }

    #[test]
    fn length_comes_first() {
        assert_eq!(refusal("sh0rt"), Some("password must have at least 8 characters"));
        assert_eq!(refusal(&"long ".repeat(300)), Some("password must have at most 1024 bytes"));
        assert!(refusal("PassWord").is_some_and(|text| text.contains("everybody tries first")));
    }

    #[test]
    fn patterns_and_runs_are_refused() {
        for pattern in [
            "zzzzzzzzzzzz",
            "xyxyxyxyxyxy",
            "Ab1!Ab1!Ab1!",
            "éééééééééé",
            "87654321",
            "fedcbazzz",
            "1234567890",
            "aa12345678",
            "1234xk9q",
        ] {
            assert!(refusal(pattern).is_some(), "{pattern}");
        }
        for run in ["lkjihgfedcba", "ijklmnopqrst", "12345123451", "zxyzxyzxyz", "QWERTZUIOP"] {
            assert!(refusal(run).is_some(), "{run}");
        }
    }

    #[test]
    fn names_that_everybody_knows_are_refused() {
        for name in [
            "ada.lovelace",
            "AdaLovelace1815",
            "lovelace!!!!!!!!",
            "countess2026",
            "analytical.example",
            "analytical1!",
            "Parcel Hub 1",
            "parcelhub2026",
            "parcel-ada-99",
            "grantor12345",
            "grantor2026!",
        ] {
            assert!(refusal(name).is_some(), "{name}");
        }
        assert_eq!(refusal("grantor13579"), None);
    }

    #[test]
    fn everything_else_is_taken() {
        for good in [
            "correct horse battery staple",
            "lovelace wrote the first program",
            "eine lange Reihe von Wörtern",
            "aaaaaaaab",
            "hunter22hunter22",
            "分かりにくい合言葉です",
        ] {
            assert_eq!(refusal(good), None, "{good}");
        }
        // Names of two letters are in too many words.
        let known = KnownNames::of("ed", (Some("Ed"), None), "Id");
        assert!(check_new_password("edzvquk8", &known).is_ok());
    }
}
