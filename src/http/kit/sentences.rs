//! What the domain says in English, in the reader's language: refusals, and descriptions of scopes that are there from the
//! start. The domain's sentences stand in `texts/en/domain.ftl` under their keys, with `{ $name }` where a value is; whatever
//! stands in none of them was written by somebody, and stays as it is.

use std::sync::LazyLock;

use fluent_bundle::FluentArgs;

use crate::domain::denial::Denial;
use crate::flows::error::FlowError;
use crate::http::error::PageError;
use crate::http::kit::texts::{Language, Texts};

const ENGLISH: &str = include_str!("../../../texts/en/domain.ftl");
/// A value in a sentence may be a sentence itself.
const DEPTH: u8 = 2;

static SENTENCES: LazyLock<Vec<Sentence>> = LazyLock::new(|| ENGLISH.lines().filter_map(Sentence::read).collect());

/// A sentence of the domain.
struct Sentence {
    key: &'static str,
    /// What stands before the first value.
    start: &'static str,
    /// The name of each value, and what stands behind it.
    values: Vec<(&'static str, &'static str)>,
}

impl Sentence {
    /// From its line of the file; None for comments.
    fn read(line: &'static str) -> Option<Self> {
        let (key, text) = line.split_once(" = ").filter(|_| !line.starts_with('#'))?;
        let mut parts = text.split("{ $");
        let start = parts.next()?;
        Some(Self { key, start, values: parts.filter_map(|part| part.split_once(" }")).collect() })
    }

    /// The values, where this is what is said; none of them is empty.
    fn values<'a>(&self, said: &'a str) -> Option<Vec<&'a str>> {
        let mut rest = said.strip_prefix(self.start)?;
        let mut found = Vec::with_capacity(self.values.len());
        for (index, (_, behind)) in self.values.iter().enumerate() {
            let end = match index + 1 == self.values.len() {
                true => rest.strip_suffix(behind)?.len(),
                false => rest.find(behind)?,
            };
            let (value, after) = rest.split_at_checked(end).filter(|(value, _)| !value.is_empty())?;
            found.push(value);
            rest = after.strip_prefix(behind)?;
        }
        rest.is_empty().then_some(found)
    }

    /// How much of it is fixed: of several that fit, the one that says most is meant.
    fn weight(&self) -> usize {
        self.start.len() + self.values.iter().map(|(_, behind)| behind.len()).sum::<usize>()
    }
}

impl Texts {
    /// What the domain says, in the reader's language; as it is where somebody wrote it.
    pub fn of_domain(self, said: &str) -> String {
        match self.0 {
            Language::English => said.to_owned(),
            Language::German => self.translated(said, DEPTH).unwrap_or_else(|| said.to_owned()),
        }
    }

    /// A span as the domain says it, such as `1 day 12 hours`; None for anything else.
    fn span(self, said: &str) -> Option<String> {
        let words: Vec<&str> = said.split(' ').collect();
        let part = |words: &[&str]| {
            let [number, unit] = words else { return None };
            let key = format!("span-{}", unit.trim_end_matches('s'));
            self.has(&key)
                .then_some(())
                .and(number.parse::<u64>().ok())
                .map(|number| self.say_with(&key, "number", number))
        };
        words.chunks(2).map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join(" "))
    }

    fn translated(self, said: &str, depth: u8) -> Option<String> {
        let fitting = SENTENCES.iter().filter_map(|sentence| Some((sentence, sentence.values(said)?)));
        let (sentence, values) = fitting.max_by_key(|(sentence, _)| sentence.weight())?;
        let mut arguments = FluentArgs::new();
        for ((name, _), value) in sentence.values.iter().zip(values) {
            let inner = match *name {
                "span" => self.span(value),
                _ => depth.checked_sub(1).and_then(|depth| self.translated(value, depth)),
            };
            arguments.set(*name, inner.unwrap_or_else(|| value.to_owned()));
        }
        Some(self.say_all(sentence.key, &arguments))
    }
}

/// What went wrong, in the reader's language where it is one of the usual things.
pub fn say_error(texts: Texts, error: &FlowError, told: &PageError) -> String {
    let FlowError::Denied(denial) = error else { return texts.say("error-failed") };
    match denial {
        Denial::LoginFailed => texts.say("error-login-failed"),
        Denial::PasswordNeeded => texts.say("error-password-needed"),
        Denial::PasswordWrong => texts.say("error-password-wrong"),
        Denial::NotConfirmed => texts.say("error-not-confirmed"),
        Denial::CsrfMismatch => texts.say("error-stale-form"),
        Denial::ConsoleSignInStale => texts.say("error-sign-in-stale"),
        Denial::LoginThrottled(seconds) => texts.say_with("error-throttled", "seconds", *seconds),
        Denial::BearerScopeMissing(scope) => texts.say_with("error-not-allowed", "scope", *scope),
        Denial::NotFound(_) => texts.say("error-not-found"),
        _ => texts.say_with("error-refused", "reason", texts.of_domain(&told.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german(said: &str) -> String {
        Texts(Language::German).of_domain(said)
    }

    #[test]
    fn sentences_are_found_with_their_values() {
        assert_eq!(german("there is no client with this client_id"), "es gibt keinen Client mit dieser client_id");
        assert_eq!(german("parameter 'a { $b }' is missing"), "der Parameter „a { $b }“ fehlt");
        assert_eq!(german("sector_identifier_uri: not a URL"), "sector_identifier_uri: keine URL");
        assert_eq!(german("x must be https"), "x muss https sein");
        let plan = "there is no plan 'there is no plan 'x' in the configuration' in the configuration";
        assert!(german(plan).starts_with("in der Konfiguration gibt es keinen Plan „"));
        assert_eq!(german("See registered clients"), "Registrierte Clients sehen");
        let said = "an access key must expire within 1 year 12 hours of its creation";
        assert_eq!(german(said), "ein API-Schlüssel muss innerhalb von 1 Jahr 12 Stunden ab seiner Erzeugung enden");
        assert_eq!(
            german("a personal token must end within 1 day"),
            "ein persönliches Token muss innerhalb von 1 Tag enden"
        );
        assert_eq!(german("'foo' is not an address or network such as 192.0.2.0/24").get(..6), Some("„foo"));
        let scope = "not a scope: tokens of printable ASCII without space, '\"' and '\\', parted by single spaces";
        assert!(german(scope).starts_with("kein Scope: "));
    }

    #[test]
    fn what_somebody_wrote_stays() {
        for written in ["", "See my parcels", "parameter '' is missing", "x there is no client with this client_id"] {
            assert_eq!(german(written), written);
        }
        assert_eq!(Texts(Language::English).of_domain("See registered clients"), "See registered clients");
    }
}
