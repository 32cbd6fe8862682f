//! The cookies: the login session, the random value that ties forms to a browser, the session of the console and the account
//! pages, and what a browser on its way to that one must bring back.
//!
//! Each is `__Host-` and `Secure` (ASVS 5.0 V3.3.1). Over plain http, which only a loopback issuer may speak, browsers take
//! such cookies from 127.0.0.1 but many other clients do not; there, a twin without prefix and `Secure` is set beside it.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};
use url::form_urlencoded::byte_serialize;

use crate::crypto::random::RandomError;
use crate::crypto::secret::SecretKind;
use crate::http::edge::Edge;
use crate::protocol::params::decode_component;

const SESSION: (&str, &str) = ("__Host-grantor-session", "grantor-session");
const CONSOLE: (&str, &str) = ("__Host-grantor-console", "grantor-console");
const DEPARTURE: (&str, &str) = ("__Host-grantor-departure", "grantor-departure");
const BROWSER: (&str, &str) = ("__Host-grantor-browser", "grantor-browser");

fn read(request: &HttpRequest, edge: &Edge, names: (&str, &str)) -> Option<String> {
    let prefixed = request.cookie(names.0);
    let found = if edge.https { prefixed } else { prefixed.or_else(|| request.cookie(names.1)) };
    found.map(|cookie| cookie.value().to_owned())
}

fn set(response: &mut HttpResponse, edge: &Edge, names: (&'static str, &'static str), value: &str, keep: bool) {
    let variants = [(names.0, true), (names.1, false)];
    for (name, secure) in variants.into_iter().filter(|(_, secure)| *secure || !edge.https) {
        let cookie =
            Cookie::build(name, value.to_owned()).path("/").http_only(true).same_site(SameSite::Lax).secure(secure);
        let mut cookie = cookie.finish();
        if !keep {
            cookie.make_removal();
        }
        // Fails only for a name or value that is not a header value; ours are plain ASCII.
        let _ = response.add_cookie(&cookie);
    }
}

/// The session cookie of a request.
pub fn session(request: &HttpRequest, edge: &Edge) -> Option<String> {
    read(request, edge, SESSION)
}

/// Sets the session cookie. It ends with the browser; the session itself ends on the server.
pub fn set_session(response: &mut HttpResponse, edge: &Edge, value: &str) {
    set(response, edge, SESSION, value, true);
}

/// Removes the session cookie.
pub fn remove_session(response: &mut HttpResponse, edge: &Edge) {
    set(response, edge, SESSION, "", false);
}

/// The browser's value, where it has a usable one.
pub fn browser(request: &HttpRequest, edge: &Edge) -> Option<String> {
    read(request, edge, BROWSER).filter(|value| SecretKind::CsrfToken.is_well_formed(value))
}

/// The browser's value, made anew where it has none, and whether it has to be set.
pub fn browser_or_new(request: &HttpRequest, edge: &Edge) -> Result<(String, bool), RandomError> {
    match browser(request, edge) {
        Some(value) => Ok((value, false)),
        None => Ok((SecretKind::CsrfToken.generate()?.to_string(), true)),
    }
}

/// Sets the browser's value.
pub fn set_browser(response: &mut HttpResponse, edge: &Edge, value: &str) {
    set(response, edge, BROWSER, value, true);
}

/// The cookie of the console's session.
pub fn console(request: &HttpRequest, edge: &Edge) -> Option<String> {
    read(request, edge, CONSOLE)
}

/// Sets the cookie of the console's session.
pub fn set_console(response: &mut HttpResponse, edge: &Edge, value: &str) {
    set(response, edge, CONSOLE, value, true);
}

/// Removes the cookie of the console's session.
pub fn remove_console(response: &mut HttpResponse, edge: &Edge) {
    set(response, edge, CONSOLE, "", false);
}

/// What a browser on its way to the console brings back, and the page that it wanted.
pub fn departure(request: &HttpRequest, edge: &Edge) -> Option<(String, String)> {
    let value = read(request, edge, DEPARTURE)?;
    let (secret, page) = value.split_once('~')?;
    let page = decode_component(page.as_bytes()).ok()?;
    Some((secret.to_owned(), page))
}

/// Sends a browser on its way to the console.
pub fn set_departure(response: &mut HttpResponse, edge: &Edge, secret: &str, page: &str) {
    let page: String = byte_serialize(page.as_bytes()).collect();
    set(response, edge, DEPARTURE, &format!("{secret}~{page}"), true);
}

/// It has come back.
pub fn remove_departure(response: &mut HttpResponse, edge: &Edge) {
    set(response, edge, DEPARTURE, "", false);
}
