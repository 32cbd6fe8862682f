//! Request parameters of the OAuth endpoints: application/x-www-form-urlencoded, strict.
//! RFC 6749 §3.1 and §3.2: a parameter must not be repeated, an empty one counts as omitted, unknown ones are ignored.

use std::collections::HashSet;

use percent_encoding::percent_decode;

/// Why a set of parameters cannot be used. Every variant is an `invalid_request` (RFC 6749 §4.1.2.1, §5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The named parameter came more than once.
    #[error("parameter '{0}' is repeated")]
    Repeated(&'static str),
    /// The named parameter is required here.
    #[error("parameter '{0}' is missing")]
    Missing(&'static str),
    /// The named parameter has a value that its definition does not allow.
    #[error("parameter '{0}' is malformed")]
    Malformed(&'static str),
    /// Some parameter is not UTF-8 (RFC 6749 appendix B).
    #[error("a parameter is not UTF-8")]
    NotUtf8,
    /// Some parameter holds a NUL: allowed by no definition, and not storable as text.
    #[error("a parameter holds a NUL character")]
    Nul,
}

/// Decoded parameters in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    pushed: bool,
}

impl Params {
    /// Decodes a query string or a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, ParamError> {
        let mut pairs = Vec::new();
        for part in encoded.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
            let mut halves = part.splitn(2, |byte| *byte == b'=');
            let name = decode_component(halves.next().unwrap_or_default())?;
            let value = decode_component(halves.next().unwrap_or_default())?;
            pairs.push((name, value));
        }
        Ok(Self { pairs, pushed: false })
    }

    /// Decodes the parameters of a pushed authorization request, as they were encoded when it was stored (RFC 9126 §2).
    pub fn parse_pushed(encoded: &[u8]) -> Result<Self, ParamError> {
        Ok(Self { pushed: true, ..Self::parse(encoded)? })
    }

    /// Do they come from a pushed authorization request, so that an authenticated client sent them?
    pub fn are_pushed(&self) -> bool {
        self.pushed
    }

    /// Of these, only the parameters of these names.
    pub fn only(&self, names: &[&str]) -> Self {
        let named = self.pairs.iter().filter(|(name, _)| names.contains(&name.as_str()));
        Self { pairs: named.cloned().collect(), pushed: self.pushed }
    }

    /// The same with `\n` for line breaks: browsers send those of a text area as `\r\n` (HTML, form submission).
    pub fn with_plain_line_breaks(mut self) -> Self {
        for (_, value) in &mut self.pairs {
            *value = value.replace("\r\n", "\n");
        }
        self
    }

    /// Joins a query and a body, as when a form is posted to an address with a query: repeats across the two count.
    pub fn joined(mut self, other: Self) -> Self {
        self.pairs.extend(other.pairs);
        self
    }

    /// The value of a parameter that may come once at most. Empty counts as omitted.
    pub fn optional(&self, name: &'static str) -> Result<Option<&str>, ParamError> {
        let mut found = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = found.next();
        if found.next().is_some() {
            return Err(ParamError::Repeated(name));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// Does any parameter come more than once, but for these?
    pub fn repeats_any_but(&self, several: &[&str]) -> bool {
        let mut seen = HashSet::new();
        self.pairs.iter().any(|(key, _)| !several.contains(&key.as_str()) && !seen.insert(key.as_str()))
    }

    /// The value of a parameter that must come exactly once and not be empty.
    pub fn required(&self, name: &'static str) -> Result<&str, ParamError> {
        self.optional(name)?.ok_or(ParamError::Missing(name))
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All values of a parameter that may be repeated (only `resource`, RFC 8707 §2).
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.pairs
            .iter()
            .filter(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// Decodes one name or value of application/x-www-form-urlencoded: `+` is a space, `%XX` an octet.
///
/// Errors when the octets are not UTF-8 or hold a NUL.
pub fn decode_component(encoded: &[u8]) -> Result<String, ParamError> {
    let spaced: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = String::from_utf8(percent_decode(&spaced).collect()).map_err(|_| ParamError::NotUtf8)?;
    if text.contains('\0') {
        return Err(ParamError::Nul);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_empties_and_unknowns() {
        let params = Params::parse(b"a=1&b=&c=x%20y+z&d=1&d=2&").unwrap();
        assert_eq!(params.optional("a"), Ok(Some("1")));
        assert_eq!(params.optional("b"), Ok(None));
        assert_eq!(params.required("b"), Err(ParamError::Missing("b")));
        assert_eq!(params.required("c"), Ok("x y z"));
        assert_eq!(params.optional("d"), Err(ParamError::Repeated("d")));
        assert_eq!(params.all("d"), ["1", "2"]);
    }

    #[test]
    fn refuses_what_cannot_be_text() {
        assert_eq!(Params::parse(b"a=%ff").unwrap_err(), ParamError::NotUtf8);
        assert_eq!(Params::parse(b"a=%00").unwrap_err(), ParamError::Nul);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = Params::parse(&bytes);
        }

        #[test]
        fn what_a_serializer_writes_is_read_back(pairs: Vec<(String, String)>) {
            let pairs: Vec<_> = pairs.into_iter().filter(|(k, v)| !k.contains('\0') && !v.contains('\0')).collect();
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let read = Params::parse(encoded.as_bytes()).unwrap();
            proptest::prop_assert_eq!(read.pairs, pairs);
        }
    }
}
