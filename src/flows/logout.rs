//! Signing out in a browser, as a client asks for it (OpenID Connect RP-Initiated Logout 1.0) or by the user alone; with the
//! pages of clients that want to be loaded then (Front-Channel Logout 1.0).

use url::Url;

use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::{Client, Status};
use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::login::{self, LiveSession};
use crate::flows::{Server, id_token_hint, session_end};
use crate::protocol::id_token::HintClaims;
use crate::protocol::logout_request::LogoutRequest;
use crate::protocol::params::Params;

/// What comes next.
pub enum Step {
    /// The user has to be asked.
    Ask(Question),
    /// It is done, or there was nothing to do.
    SignedOut(SignedOut),
}

/// What the page asks.
pub struct Question {
    /// The name of the client that sent the user here, where its request proves it.
    pub client_name: Option<String>,
    /// Where the browser will go.
    pub return_to: Option<String>,
}

/// What the last page shows.
pub struct SignedOut {
    /// The addresses that it loads, unseen.
    pub frames: Vec<String>,
    /// Where the browser goes from there.
    pub return_to: Option<String>,
}

/// A request that has been checked.
struct Checked {
    client: Option<Client>,
    hint: Option<HintClaims>,
    return_to: Option<String>,
}

/// Signs out where the request is proven to be about the session of this browser; else the user has to be asked (§2).
pub fn begin(server: &Server, params: &Params, cookie: Option<&str>, source: Source) -> FlowResult<Step> {
    let checked = check(server, params)?;
    let live = login::current(server, cookie)?;
    let is_about = |live: &LiveSession| {
        checked.hint.as_ref().is_some_and(|hint| hint.sid.as_deref() == Some(live.session.sid.as_str()))
    };
    match live {
        Some(live) if is_about(&live) => Ok(Step::SignedOut(end(server, checked, Some(live), source)?)),
        // §4: there is no session any more; the client gets its user back.
        None if checked.hint.is_some() => Ok(Step::SignedOut(end(server, checked, None, source)?)),
        _ => {
            let proven = checked.client.filter(|_| checked.hint.is_some());
            let client_name = proven.map(|client| client.client_name);
            Ok(Step::Ask(Question { client_name, return_to: checked.return_to }))
        }
    }
}

/// Signs out, for the user has said so.
pub fn confirm(server: &Server, params: &Params, cookie: Option<&str>, source: Source) -> FlowResult<SignedOut> {
    let checked = check(server, params)?;
    let live = login::current(server, cookie)?;
    end(server, checked, live, source)
}

/// Reads the request. Where a part of it does not hold (a hint that is not ours, another client than the hint's, one that is
/// gone, an address that is not registered), nothing of it counts: the user is asked, and the browser stays here (§2, §3).
fn check(server: &Server, params: &Params) -> FlowResult<Checked> {
    let request = LogoutRequest::read(params).map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    let hint = match &request.id_token_hint {
        Some(token) => id_token_hint::verify(server, token)?,
        None => None,
    };
    let named = hint.as_ref().map(|hint| &hint.aud).or(request.client_id.as_ref());
    let client = match named {
        Some(client_id) => server.store.read(|connection| connection.find_client(client_id))?,
        None => None,
    };
    let client = client.filter(|client| client.status == Status::Active);
    let is_registered = |uri: &String| {
        let uris = client.as_ref().map(|client| client.metadata.post_logout_redirect_uris.as_slice());
        uris.unwrap_or_default().iter().any(|known| known.as_str() == uri)
    };
    let holds = request.id_token_hint.is_some() == hint.is_some()
        // §2: where both are sent, they must name the same client.
        && request.client_id.as_ref().is_none_or(|client_id| named == Some(client_id))
        && named.is_some() == client.is_some()
        // §3: exactly one of those registered, compared as strings.
        && (client.is_none() || request.post_logout_redirect_uri.as_ref().is_none_or(is_registered));
    if !holds {
        return Ok(Checked { client: None, hint: None, return_to: None });
    }
    // §3: without a hint nothing proves that the client sent this browser: it stays here.
    let return_to = request.post_logout_redirect_uri.as_ref().filter(|_| hint.is_some());
    Ok(Checked { return_to: return_to.map(|uri| request.return_to(uri)), client, hint })
}

fn end(server: &Server, checked: Checked, live: Option<LiveSession>, source: Source) -> FlowResult<SignedOut> {
    let Checked { client, hint, return_to } = checked;
    let Some(live) = live else { return Ok(SignedOut { frames: Vec::new(), return_to }) };
    let now = server.clock.now();
    let event = NewAuditEvent::success(AuditAction::LogoutDone, Actor::User(live.user.id.0.clone()), source)
        .on("user", live.user.id.as_str());
    let event = match client.filter(|_| hint.is_some()) {
        Some(client) => event.through(client.client_id.as_str()),
        None => event,
    };
    let sid = live.session.sid.clone();
    let clients = server.store.write(move |connection| {
        let clients = session_end::end(connection, &live.session, now)?;
        if clients.is_some() {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(clients.unwrap_or_default())
    })?;
    let frames = clients.iter().filter_map(|client| frame(server, client, &sid)).collect();
    Ok(SignedOut { frames, return_to })
}

/// The address of a client's logout page (Front-Channel Logout 1.0 §2, §3): with `iss` and `sid` where it wants them.
fn frame(server: &Server, client: &Client, sid: &str) -> Option<String> {
    let mut url = Url::parse(client.metadata.frontchannel_logout_uri.as_deref()?).ok()?;
    // Nothing that a browser would run in our own page.
    if !matches!(url.scheme(), "https" | "http") {
        return None;
    }
    if client.metadata.frontchannel_logout_session_required {
        url.query_pairs_mut().append_pair("iss", &server.config.server.issuer).append_pair("sid", sid);
    }
    Some(url.into())
}
