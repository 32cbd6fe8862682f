//! Forms that make something are taken once: each carries an id that is bound to the session of whoever it was shown to. The
//! first sending uses it up, by the mechanism for client assertions (RFC 7523 §3), so that all instances know of it; what was
//! sent again by a second click or a reload makes nothing twice.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Duration;

use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::random;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::console::{CLIENT_ID, Visit};
use crate::flows::error::FlowResult;

/// An id for the forms of one page.
pub fn issue(server: &Server, visit: &Visit) -> FlowResult<String> {
    let nonce = URL_SAFE_NO_PAD.encode(random::octets::<16>()?);
    Ok(format!("{nonce}.{}", visit.derived(server, &["form", &nonce])))
}

/// Uses up the id of a form that was sent to this path; answers what to give back where it is refused. A form without an id is
/// none that is taken once.
pub fn take(server: &Server, visit: &Visit, path: &str, id: Option<&str>) -> FlowResult<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    let (nonce, proof) = id.split_once('.').ok_or(Denial::CsrfMismatch)?;
    if !digests_are_equal(proof.as_bytes(), visit.derived(server, &["form", nonce]).as_bytes()) {
        return Err(Denial::CsrfMismatch.into());
    }
    let used = visit.derived(server, &["form sent", path, nonce]);
    // The proof ends with the session.
    let longest = Duration::from_std(server.config.console.session_lifetime).unwrap_or(Duration::days(365));
    let (key, until) = (used.clone(), server.clock.now() + longest);
    let is_first = server.store.write(move |connection| connection.consume_assertion(CLIENT_ID, &key, until))?;
    if is_first { Ok(Some(used)) } else { Err(Denial::FormSentBefore.into()) }
}

/// What was refused made nothing: the form may be sent again. After a failure nobody knows, and nothing is given back.
pub fn give_back(server: &Server, used: String) -> FlowResult<()> {
    server.store.write(move |connection| connection.forget_assertion(CLIENT_ID, &used))?;
    Ok(())
}
