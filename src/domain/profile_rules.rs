//! What a profile may hold: the forms that OpenID Connect Core §5.1 gives its claims, and lengths.

use chrono::NaiveDate;
use url::Url;

use crate::domain::profile::{Address, Profile};
use crate::domain::text::is_deceptive;
use crate::domain::user::InvalidUser;

/// Longest text of a profile, in bytes.
const MAX_TEXT: usize = 200;
/// Longest member of an address, in bytes.
const MAX_ADDRESS: usize = 500;
/// Longest address of a page or picture, in bytes.
const MAX_URL: usize = 2048;

/// Checks a profile.
pub fn check(profile: &Profile) -> Result<(), InvalidUser> {
    let fail = |sentence| Err(InvalidUser(sentence));
    let holds = |member: &Option<String>, rule: fn(&str) -> bool| member.as_deref().is_none_or(rule);
    let texts = [
        &profile.given_name,
        &profile.family_name,
        &profile.middle_name,
        &profile.nickname,
        &profile.preferred_username,
        &profile.gender,
    ];
    if !texts.into_iter().all(|member| holds(member, is_text)) {
        return fail(
            "given_name, family_name, middle_name, nickname, preferred_username and gender must have 1 to 200 bytes \
             and no control or direction characters",
        );
    }
    if ![&profile.profile, &profile.picture, &profile.website].into_iter().all(|member| holds(member, is_https)) {
        return fail("profile, picture and website must be https URLs of at most 2048 bytes");
    }
    if !holds(&profile.birthdate, is_birthdate) {
        return fail("birthdate must be YYYY-MM-DD, 0000-MM-DD or YYYY");
    }
    if !holds(&profile.zoneinfo, is_zone) {
        return fail("zoneinfo must be a time zone such as Europe/Vienna");
    }
    if !holds(&profile.locale, is_locale) {
        return fail("locale must be a language tag such as de-AT");
    }
    if !holds(&profile.phone_number, is_phone_number) {
        return fail("phone_number must be in international form such as +43 1 234567");
    }
    check_address(profile.address.as_ref())
}

fn check_address(address: Option<&Address>) -> Result<(), InvalidUser> {
    let Some(address) = address else { return Ok(()) };
    let lines = [&address.formatted, &address.street_address];
    let words = [&address.locality, &address.region, &address.postal_code, &address.country];
    let fits = |text: &str| (1..=MAX_ADDRESS).contains(&text.len()) && !text.trim().is_empty();
    // OpenID Connect Core §5.1.1: these two may hold line breaks.
    let is_lines = |text: &str| fits(text) && !text.chars().any(|c| is_deceptive(c) && c != '\n' && c != '\r');
    let is_words = |text: &str| fits(text) && !text.chars().any(is_deceptive);
    if lines.into_iter().flatten().all(|text| is_lines(text)) && words.into_iter().flatten().all(|text| is_words(text))
    {
        Ok(())
    } else {
        Err(InvalidUser("each member of address must have 1 to 500 bytes and no control or direction characters"))
    }
}

fn is_text(text: &str) -> bool {
    text.len() <= MAX_TEXT && !text.trim().is_empty() && !text.chars().any(is_deceptive)
}

fn is_https(text: &str) -> bool {
    let printable = text.bytes().all(|byte| matches!(byte, 0x21..=0x7E));
    text.len() <= MAX_URL && printable && text.starts_with("https://") && Url::parse(text).is_ok()
}

/// ISO 8601, also a year alone; the year 0000 stands for one that is not told (§5.1).
fn is_birthdate(text: &str) -> bool {
    let is_year = |year: &str| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_at_checked(4) {
        Some((year, "")) => is_year(year) && year != "0000",
        // A leap year, so that a 29 February without its year is a day.
        Some(("0000", rest)) => rest.len() == 6 && format!("2000{rest}").parse::<NaiveDate>().is_ok(),
        Some((year, rest)) => is_year(year) && rest.len() == 6 && text.parse::<NaiveDate>().is_ok(),
        None => false,
    }
}

/// The form of names in the time zone database.
fn is_zone(text: &str) -> bool {
    text.len() <= 64
        && text.split('/').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte))
        })
}

/// The form of language tags (RFC 5646 §2.1), not their registry.
fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_language = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= 64 && parts.next().is_some_and(is_language) && parts.all(is_subtag)
}

/// E.164 with the separators that people write, and an extension as RFC 3966 writes it (§5.1).
fn is_phone_number(text: &str) -> bool {
    let (number, extension) = text.split_once(";ext=").map_or((text, None), |(number, ext)| (number, Some(ext)));
    let Some(rest) = number.strip_prefix('+') else { return false };
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let is_extension = |ext: &str| (1..=10).contains(&ext.len()) && ext.bytes().all(|byte| byte.is_ascii_digit());
    (5..=15).contains(&digits)
        && number.len() <= 40
        && rest.bytes().all(|byte| byte.is_ascii_digit() || b" -.()".contains(&byte))
        && rest.ends_with(|last: char| last.is_ascii_digit())
        && extension.is_none_or(is_extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (rule, good, bad) in [
            (
                is_birthdate as fn(&str) -> bool,
                &["1815-12-10", "0000-02-29", "1815"][..],
                &["1815-13-01", "0000", "1815-1-1", "15", "x", "+1815-01-01"][..],
            ),
            (is_zone, &["Europe/Vienna", "UTC", "Etc/GMT+1"], &["", "Europe/", "Europe Vienna", "/x"]),
            (is_locale, &["en", "de-AT", "zh-Hant-TW", "sl-rozaj"], &["", "e", "de_AT", "de-", "123"]),
            (
                is_phone_number,
                &["+43 1 234567", "+1 (604) 555-1234;ext=5678", "+4312345"],
                &["01 234567", "+", "+43 1 23 x", "+1234567890123456", "+4312345;ext=x"],
            ),
            (
                is_https,
                &["https://a.example/x"],
                &["http://a.example", "javascript:alert(1)", "https://", "https://a b"],
            ),
            (is_text, &["Ada"], &["", " ", "a\u{202e}b", "a\nb"]),
        ] {
            assert!(good.iter().all(|text| rule(text)), "{good:?}");
            assert!(bad.iter().all(|text| !rule(text)), "{bad:?}");
        }
    }

    #[test]
    fn an_address_may_have_lines() {
        let with = |address: Address| check(&Profile { address: Some(address), ..Profile::default() });
        let lines = Some("1 Street\nTown".to_owned());
        assert!(with(Address { formatted: lines.clone(), ..Address::default() }).is_ok());
        assert!(with(Address { locality: lines, ..Address::default() }).is_err());
        assert!(with(Address { country: Some(String::new()), ..Address::default() }).is_err());
        assert!(with(Address { formatted: Some("x".repeat(501)), ..Address::default() }).is_err());
    }
}
