//! Scope: a set of space-delimited, case-sensitive tokens (RFC 6749 §3.3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The scope that makes a request one of OpenID Connect (Core §3.1.2.1).
pub const OPENID: &str = "openid";

/// The scope of what outlives a login session, and that asks for a refresh token (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Longest scope string accepted, in bytes.
const MAX_LENGTH: usize = 4096;

/// A set of scope tokens in the order in which they were first named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    tokens: Vec<String>,
}

/// A string that is not a scope by the grammar of RFC 6749 §3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a scope: tokens of printable ASCII without space, '\"' and '\\', parted by single spaces")]
pub struct InvalidScope;

impl Scope {
    /// Parses `scope = scope-token *( SP scope-token )`; repeated tokens count once.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        if text.len() > MAX_LENGTH {
            return Err(InvalidScope);
        }
        let mut scope = Self::default();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !is_scope_token(token) {
                return Err(InvalidScope);
            }
            scope.insert(token);
        }
        Ok(scope)
    }

    /// The scope that holds each of the given tokens. Only for tokens already known to be valid.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scope = Self::default();
        for token in tokens {
            scope.insert(token);
        }
        scope
    }

    fn insert(&mut self, token: &str) {
        if !self.contains(token) {
            self.tokens.push(token.to_owned());
        }
    }

    /// Is this token in the set?
    pub fn contains(&self, token: &str) -> bool {
        self.tokens.iter().any(|held| held == token)
    }

    /// Is every token of this set in `other`?
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.tokens.iter().all(|token| other.contains(token))
    }

    /// The tokens of this set for which `keep` holds.
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self { tokens: self.tokens.iter().filter(|token| keep(token)).cloned().collect() }
    }

    /// This set and the other together.
    pub fn union(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        for token in &other.tokens {
            joined.insert(token);
        }
        joined
    }

    /// Has it no token at all?
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(String::as_str)
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3).
pub fn is_scope_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.tokens.join(" "))
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_as_a_set() {
        let scope = Scope::parse("b a  b").unwrap();
        assert_eq!(scope.to_string(), "b a");
        assert!(Scope::parse("a").unwrap().is_subset_of(&scope));
        assert!(!scope.is_subset_of(&Scope::parse("a").unwrap()));
        assert!(Scope::parse("").unwrap().is_empty());
    }

    #[test]
    fn refuses_what_the_grammar_refuses() {
        for text in ["a\"b", "a\\b", "a\tb", "é", "a\nb"] {
            assert_eq!(Scope::parse(text), Err(InvalidScope), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn printing_and_parsing_agree(text in "[ -~]{0,80}") {
            if let Ok(scope) = Scope::parse(&text) {
                proptest::prop_assert_eq!(Scope::parse(&scope.to_string()).unwrap(), scope);
            }
        }
    }
}
