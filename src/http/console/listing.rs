//! What the lists of clients, users, service accounts and workflows share: search, the filter by status, how a status looks.

use crate::domain::client::Status;
use crate::domain::search::{ListFilter, SearchText};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// What is asked for by the query; what cannot be read asks for nothing.
pub fn filter(query: &Params) -> ListFilter {
    let one = |name| query.optional(name).ok().flatten();
    ListFilter { search: one("q").and_then(SearchText::parse), status: one("status").and_then(Status::parse) }
}

/// Is nothing asked for?
pub fn is_all(query: &Params) -> bool {
    let filters = ["q", "status", "type", "grant", "client"];
    query.iter().all(|(name, value)| !filters.contains(&name) || value.is_empty())
}

/// What is said of an empty list: what to do next, or that nothing was found.
pub fn empty(texts: Texts, query: &Params, key: &str) -> String {
    if is_all(query) { texts.say(key) } else { texts.say("list-nothing-found") }
}

/// The fields above a list.
pub fn fields(texts: Texts, query: &Params) -> Vec<Field> {
    let states = [("active", "status-active"), ("inactive", "status-disabled"), ("revoked", "status-revoked")];
    let all = Choice::new("", texts.say("list-any"));
    let choices = states.into_iter().map(|(value, key)| Choice::new(value, texts.say(key)));
    let search = Field::text("q", texts.say("list-search"), "").hint(texts.say("list-search-hint"));
    let status = Field::select("status", texts.say("column-status"), std::iter::once(all).chain(choices).collect());
    [search, status].into_iter().map(|field| field.keep(Some(query))).collect()
}

/// A status as it looks.
pub fn status(texts: Texts, status: Status) -> Cell {
    match status {
        Status::Active => Cell::Badge(Tone::Good, texts.say("status-active")),
        Status::Inactive => Cell::Badge(Tone::Warn, texts.say("status-disabled")),
        Status::Revoked => Cell::Badge(Tone::Bad, texts.say("status-revoked")),
    }
}
