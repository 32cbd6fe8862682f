//! Searching lists by words: each term must begin a word of what is found. Words are letters and digits in lower case, so
//! that both databases agree.

use std::collections::BTreeSet;

use crate::domain::client::Status;

/// Longest word kept, in characters.
const MAX_WORD: usize = 64;
/// Most words kept of one thing.
const MAX_WORDS: usize = 40;
/// Most terms of a search; further ones are ignored.
const MAX_TERMS: usize = 8;

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchKind {
    /// Access keys, by name, masked secret and identifier.
    AccessKey,
    /// Clients, by name and identifier.
    Client,
    /// Users, by username, name, email and identifier.
    User,
    /// Service accounts, by name and identifier.
    ServiceAccount,
    /// Workflows, by name and identifier.
    Workflow,
}

impl SearchKind {
    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessKey => "access_key",
            Self::Client => "client",
            Self::User => "user",
            Self::ServiceAccount => "service_account",
            Self::Workflow => "workflow",
        }
    }
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(|part| part.to_lowercase().chars().take(MAX_WORD).collect())
}

/// The words by which something with these texts is found.
pub fn words(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().flat_map(|text| split(text)).take(MAX_WORDS).collect()
}

/// What somebody typed into a search field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText {
    terms: Vec<String>,
}

impl SearchText {
    /// Reads what was typed; None where that is nothing, which finds everything.
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return None;
        }
        let terms: BTreeSet<String> = split(text).take(MAX_TERMS).collect();
        Some(Self { terms: terms.into_iter().collect() })
    }

    /// The terms, each once. None at all where no letter and no digit was typed: that finds nothing.
    pub fn terms(&self) -> &[String] {
        &self.terms
    }
}

/// Which rows of a list are wanted.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Whose words begin with these.
    pub search: Option<SearchText>,
    /// In this status.
    pub status: Option<Status>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        let found = words(&["CI-Deploy (Zürich)", "gk_live_AbCd...wxYZ"]);
        let expected = ["abcd", "ci", "deploy", "gk", "live", "wxyz", "zürich"];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(words(&["x".repeat(100).as_str()]).first().map(String::len), Some(MAX_WORD));
        assert!(words(&[&(0..100).map(|number| format!("{number} ")).collect::<String>()]).len() <= MAX_WORDS);
    }

    #[test]
    fn terms_are_few_and_nothing_is_no_search() {
        assert_eq!(SearchText::parse("  \t"), None);
        assert_eq!(SearchText::parse("...").unwrap().terms(), Vec::<String>::new());
        assert_eq!(SearchText::parse("ci ci Ab").unwrap().terms(), ["ab", "ci"]);
        assert_eq!(SearchText::parse("a b c d e f g h i j k").unwrap().terms().len(), MAX_TERMS);
    }
}
