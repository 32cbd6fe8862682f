//! JSON bodies, read strictly: one object, no member twice, no NUL anywhere, no list for a structure.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::domain::denial::Denial;
use crate::protocol::strict_json;

/// Reads a body. It is gone through twice: what the type does not look at must be in order too, for whatever stands between
/// us and the client may read the other of two members.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Denial> {
    let malformed =
        |error: serde_json::Error| Denial::MalformedRequest(format!("the JSON body is not usable: {error}"));
    serde_json::from_slice::<InOrder>(bytes).map_err(malformed)?;
    // A list would be read as the members in the order in which the type happens to name them.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Denial::MalformedRequest("the JSON body must be an object".to_owned()));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = strict_json::read(&mut json).map_err(malformed)?;
    json.end().map_err(malformed)?;
    Ok(read)
}

/// Any JSON that is in order; nothing of it is kept.
#[derive(Clone, Copy)]
struct InOrder;

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for InOrder {
    type Value = Self;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self, E> {
        // No text of ours may hold one.
        if text.contains('\0') { Err(E::custom("it holds a NUL character")) } else { Ok(self) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.visit_str::<A::Error>(&name)?;
            if !names.insert(name) {
                return Err(A::Error::custom("a member is repeated"));
            }
            members.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Thing {
        name: String,
    }

    fn refusal(text: &str) -> String {
        read::<Thing>(text.as_bytes()).unwrap_err().public_text()
    }

    #[test]
    fn one_object_with_each_member_once() {
        assert_eq!(
            read::<Thing>(b" {\"name\": \"a\", \"more\": [1, -1, 1.5, null, true, {\"name\": 1}]}").unwrap().name,
            "a"
        );
        for text in [
            r#"{"name": "a", "name": "a"}"#,
            r#"{"name": "a", "n\u0061me": "b"}"#,
            r#"{"name": "a", "more": 1, "more": 1}"#,
            r#"{"name": "a", "more": [{"x": {"y": 1, "y": 2}}]}"#,
        ] {
            assert!(refusal(text).contains("a member is repeated"), "{text}");
        }
        for text in [r#"["a"]"#, r#" [["a"]]"#, "\"a\"", "7", "null"] {
            assert_eq!(refusal(text), "the JSON body must be an object", "{text}");
        }
        for text in [r#"{"name": "a\u0000"}"#, r#"{"name": "a", "b\u0000": 1}"#, r#"{"name": "a", "b": ["\u0000"]}"#] {
            assert!(refusal(text).contains("it holds a NUL character"), "{text}");
        }
        for text in ["", "{", "{}", r#"{"name": "a"} {}"#] {
            assert!(refusal(text).starts_with("the JSON body is not usable"), "{text}");
        }
        for deep in ["[".repeat(30_000), "{\"name\":".repeat(8_000)] {
            assert!(refusal(&deep).contains("recursion limit"), "{}", refusal(&deep));
        }
    }
}
