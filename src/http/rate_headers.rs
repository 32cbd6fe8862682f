//! Where a credential stands, as headers: `X-RateLimit-...` as platforms document them, and `RateLimit` and
//! `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, Utc};

use crate::domain::limits::WindowState;

/// Where the caller of a request stands, kept with the request until its answer leaves.
#[derive(Clone)]
pub struct Standing(pub Vec<WindowState>);

const fn name_of(seconds: u32) -> &'static str {
    match seconds {
        60 => "minute",
        3600 => "hour",
        _ => "window",
    }
}

/// Sets the headers; none where there is no limit. The `X-` headers tell of the window that is closest to its limit.
pub fn set(headers: &mut HeaderMap, windows: &[WindowState], retry_after: Option<u64>, now: DateTime<Utc>) {
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let share = |window: &&WindowState| u64::from(window.remaining) * 1_000_000 / u64::from(window.limit.max(1));
    if let Some(tightest) = windows.iter().min_by_key(share) {
        set("x-ratelimit-limit", tightest.limit.to_string());
        set("x-ratelimit-remaining", tightest.remaining.to_string());
        let reset = now.timestamp().unsigned_abs() + tightest.reset_after;
        set("x-ratelimit-reset", reset.to_string());
        let listed = |item: fn(&WindowState) -> String| windows.iter().map(item).collect::<Vec<_>>().join(", ");
        set(
            "ratelimit-policy",
            listed(|window| format!("\"{}\";q={};w={}", name_of(window.seconds), window.limit, window.seconds)),
        );
        set(
            "ratelimit",
            listed(|window| format!("\"{}\";r={};t={}", name_of(window.seconds), window.remaining, window.reset_after)),
        );
    }
    if let Some(seconds) = retry_after {
        set("retry-after", seconds.to_string());
    }
}
