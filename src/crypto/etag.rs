//! Strong validators for documents (RFC 9110 §8.8.3).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A validator of these octets, quotes included.
pub fn etag(octets: &[u8]) -> String {
    let hash = digest(&SHA256, octets);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash.as_ref().get(..12).unwrap_or_default()))
}
