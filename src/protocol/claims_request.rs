//! The `claims` parameter (OpenID Connect Core §5.5): which claims are wanted where, by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest `claims` parameter read, in bytes.
const MAX_LENGTH: usize = 8192;

/// How one claim is wanted (§5.5.1); nothing is said of it where it came as null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// Does the client need it? For most claims it changes nothing: what can be told is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// The one value wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The values wanted, in order of preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
}

/// Claims by name.
type Wanted = BTreeMap<String, Option<ClaimRequest>>;

/// A `claims` parameter. Members that are not known are ignored (§5.5).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Wanted from the userinfo endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    userinfo: Option<Wanted>,
    /// Wanted in the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<Wanted>,
}

/// A text that is not a `claims` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("claims must be a JSON object of at most 8192 bytes (OpenID Connect Core section 5.5)")]
pub struct InvalidClaims;

impl ClaimsRequest {
    /// Reads the parameter.
    pub fn parse(text: &str) -> Result<Self, InvalidClaims> {
        // An array would be read as the members in their order.
        if text.len() > MAX_LENGTH || !text.trim_start().starts_with('{') {
            return Err(InvalidClaims);
        }
        serde_json::from_str(text).map_err(|_| InvalidClaims)
    }

    /// What is stored with the grant; None where nothing was asked for.
    pub fn to_stored(&self) -> Option<String> {
        let asks = !self.is_empty();
        asks.then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// What a grant holds. It was checked when it was stored.
    pub fn from_stored(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Is no claim asked for?
    pub fn is_empty(&self) -> bool {
        self.for_userinfo().next().is_none() && self.for_id_token().next().is_none()
    }

    /// The names wanted from the userinfo endpoint.
    pub fn for_userinfo(&self) -> impl Iterator<Item = &str> {
        self.userinfo.iter().flat_map(|wanted| wanted.keys().map(String::as_str))
    }

    /// The names wanted in the ID token.
    pub fn for_id_token(&self) -> impl Iterator<Item = &str> {
        self.id_token.iter().flat_map(|wanted| wanted.keys().map(String::as_str))
    }

    /// Is a particular subject asked for (§5.5.1)?
    pub fn names_subject(&self) -> bool {
        self.subjects().any(|wanted| wanted.value.is_some() || wanted.values.is_some())
    }

    /// May the answer be about this subject? A value asked for of `sub` is one that must be met (§5.5.1).
    pub fn allows_subject(&self, subject: &str) -> bool {
        self.subjects().all(|wanted| {
            wanted.value.as_ref().is_none_or(|value| value == subject)
                && wanted.values.as_ref().is_none_or(|values| values.iter().any(|value| value == subject))
        })
    }

    /// Can this authentication context be what the client needs? An essential `acr` of other values must not be answered
    /// (§5.5.1.1).
    pub fn allows_acr(&self, acr: &str) -> bool {
        let wanted = self.id_token.iter().filter_map(|wanted| wanted.get("acr")?.as_ref());
        wanted.filter(|wanted| wanted.essential).all(|wanted| {
            wanted.value.as_ref().is_none_or(|value| value == acr)
                && wanted.values.as_ref().is_none_or(|values| values.iter().any(|value| value == acr))
        })
    }

    fn subjects(&self) -> impl Iterator<Item = &ClaimRequest> {
        [&self.userinfo, &self.id_token].into_iter().flatten().filter_map(|wanted| wanted.get("sub")?.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_stored_and_read_back() {
        let text = r#"{"userinfo":{"name":{"essential":true},"x#de":null},"id_token":{"acr":{"values":["1"]}},"y":1}"#;
        let read = ClaimsRequest::parse(text).unwrap();
        assert_eq!(read.for_userinfo().collect::<Vec<_>>(), ["name", "x#de"]);
        assert_eq!(read.for_id_token().collect::<Vec<_>>(), ["acr"]);
        assert_eq!(ClaimsRequest::from_stored(read.to_stored().as_deref()), read);
        assert!(ClaimsRequest::parse("{\"userinfo\":null}").unwrap().to_stored().is_none());
        assert!(ClaimsRequest::from_stored(None).is_empty());
    }

    #[test]
    fn a_subject_must_be_met() {
        let read = |text: &str| ClaimsRequest::parse(text).unwrap();
        let one = read(r#"{"id_token":{"sub":{"value":"a"}}}"#);
        assert!(one.names_subject() && one.allows_subject("a") && !one.allows_subject("b"));
        let several = read(r#"{"userinfo":{"sub":{"values":["a","b"]}}}"#);
        assert!(several.names_subject() && several.allows_subject("b") && !several.allows_subject("c"));
        let none = read(r#"{"id_token":{"sub":null}}"#);
        assert!(!none.names_subject() && none.allows_subject("c"));
    }

    #[test]
    fn refuses_what_is_not_one() {
        let long = format!("{{\"userinfo\":{{\"{}\":null}}}}", "x".repeat(9000));
        for text in ["", "x", "[]", "null", "1", "{\"userinfo\":[1]}", "{\"id_token\":{\"a\":true}}", &long] {
            assert_eq!(ClaimsRequest::parse(text), Err(InvalidClaims), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            let _ = ClaimsRequest::parse(&text);
        }
    }
}
