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
use crate::flows::console::Departure;
use crate::http::edge::Edge;
use crate::protocol::params::decode_component;

const SESSION: (&str, &str) = ("__Host-grantor-session", "grantor-session");
const CONSOLE: (&str, &str) = ("__Host-grantor-console", "grantor-console");
const DEPARTURE: (&str, &str) = ("__Host-grantor-departure", "grantor-departure");
/// A browser is on its way in so many tabs at once; the oldest is forgotten for one more.
const MAX_DEPARTURES: usize = 6;
/// Longest address of a page that is come back to.
const MAX_PAGE: usize = 1000;
/// So much of `state` is in the name of a departure's cookie.
const DEPARTURE_NAME: usize = 16;
const BROWSER: (&str, &str) = ("__Host-grantor-browser", "grantor-browser");

fn read(request: &HttpRequest, edge: &Edge, names: (&str, &str)) -> Option<String> {
    let prefixed = request.cookie(names.0);
    let found = if edge.https { prefixed } else { prefixed.or_else(|| request.cookie(names.1)) };
    found.map(|cookie| cookie.value().to_owned())
}

fn set(response: &mut HttpResponse, edge: &Edge, names: (&str, &str), value: &str, keep: bool) {
    let variants = [(names.0, true), (names.1, false)];
    for (name, secure) in variants.into_iter().filter(|(_, secure)| *secure || !edge.https) {
        let cookie = Cookie::build(name.to_owned(), value.to_owned())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(secure);
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

/// The cookie of the departure with this `state`: each has its own, for two tabs may be on their way at once.
fn departure_names(state: &str) -> (String, String) {
    let start = state.get(..DEPARTURE_NAME).unwrap_or(state);
    (format!("{}-{start}", DEPARTURE.0), format!("{}-{start}", DEPARTURE.1))
}

/// What a browser on its way to the console brings back, and the page that it wanted.
pub fn departure(request: &HttpRequest, edge: &Edge, state: &str) -> Option<(String, String)> {
    let names = departure_names(state);
    let value = read(request, edge, (&names.0, &names.1))?;
    let (secret, page) = value.split_once('~')?;
    let page = decode_component(page.as_bytes()).ok()?;
    Some((secret.to_owned(), page))
}

/// Sends a browser on its way to the console.
pub fn set_departure(request: &HttpRequest, response: &mut HttpResponse, edge: &Edge, to: &Departure, page: &str) {
    // With those of other tabs beside it, all of them have to fit into a header.
    let without_query = page.split('?').next().unwrap_or_default();
    let page = [page, without_query].into_iter().find(|page| page.len() <= MAX_PAGE).unwrap_or_default();
    let page: String = byte_serialize(page.as_bytes()).collect();
    let names = departure_names(&to.state);
    set(response, edge, (&names.0, &names.1), &format!("{}~{page}", to.cookie.as_str()), true);
    // RFC 6265 §5.4: browsers send the oldest first.
    let known = departures(request);
    let oldest = known.len().saturating_sub(MAX_DEPARTURES - 1);
    for (names, _) in known.iter().zip(0..oldest) {
        set(response, edge, (&names.0, &names.1), "", false);
    }
}

/// The names of the cookies of every departure, the oldest first.
fn departures(request: &HttpRequest) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let Ok(cookies) = request.cookies() else { return found };
    for cookie in cookies.iter() {
        let state =
            [DEPARTURE.0, DEPARTURE.1].iter().find_map(|start| cookie.name().strip_prefix(start)?.strip_prefix('-'));
        let names = state.map(departure_names);
        found.extend(names.filter(|names| !found.contains(names)));
    }
    found
}

/// It has come back.
pub fn remove_departure(response: &mut HttpResponse, edge: &Edge, state: &str) {
    let names = departure_names(state);
    set(response, edge, (&names.0, &names.1), "", false);
}
