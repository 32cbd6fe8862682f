//! Bearer tokens in the Authorization header (RFC 6750 §2.1).

/// The token of `Authorization: Bearer <b64token>`; None when the header has another scheme or is malformed.
pub fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, rest) = header.split_once(' ')?;
    let token = rest.trim_matches(' ');
    let is_b64token =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(is_b64token)).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_and_alphabets() {
        assert_eq!(bearer_token("Bearer a.b-c"), Some("a.b-c"));
        assert_eq!(bearer_token("bearer  abc"), Some("abc"));
        for bad in ["Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer a,b", "abc"] {
            assert_eq!(bearer_token(bad), None, "{bad}");
        }
    }
}
