//! The pages of people for themselves, at `/account`. They share the session of the console.

mod access_keys;
mod apps;
mod password;
mod profile;
mod sessions;
mod tokens;
mod usage;

use actix_web::web;

use crate::http::edge::Edge;
use crate::http::home;
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

/// The routes of the account pages.
pub fn routes(config: &mut web::ServiceConfig, edge: &Edge) {
    if !edge.account {
        return;
    }
    config
        .service(web::resource("/account/").route(web::get().to(home::without_end)))
        .configure(profile::routes)
        .configure(password::routes)
        .configure(sessions::routes)
        .configure(apps::routes)
        .configure(access_keys::routes)
        .configure(tokens::routes)
        .configure(usage::routes);
}

/// What was typed into a line; None where it is empty.
fn some(form: &Params, name: &'static str) -> Option<String> {
    let text = form.optional(name).ok().flatten()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What was typed into several lines, with the line ends of text: forms send those of the network.
fn lines(form: &Params, name: &'static str) -> Option<String> {
    some(form, name).map(|text| text.replace("\r\n", "\n"))
}

/// Most scopes with a box of their own; a page with hundreds is of no use, and large.
const MOST_SCOPES: usize = 80;
/// Signs of a description beside a box.
const MOST_SIGNS: usize = 200;

/// The fields for scopes: a box for each of `offered`, with its description, and where these are too many a line for the others.
fn scope_fields(texts: Texts, mut offered: Vec<(String, String)>, held: &Scope) -> Vec<Field> {
    let others = offered.split_off(offered.len().min(MOST_SCOPES));
    let choice = |(name, description): (String, String)| {
        let description = texts.of_domain(&description);
        let cut: String = description.chars().take(MOST_SIGNS).collect();
        let hint = if cut.len() < description.len() { format!("{cut}…") } else { cut };
        let is_held = held.contains(&name);
        Choice::new(name.clone(), name).hint(hint).chosen(is_held)
    };
    let boxes = Field::checkboxes("scope", texts.say("column-scope"), offered.into_iter().map(choice).collect());
    let mut fields = vec![boxes.hint(texts.say("account-scopes-hint"))];
    if !others.is_empty() {
        let typed: Vec<&str> =
            others.iter().map(|(name, _)| name.as_str()).filter(|name| held.contains(name)).collect();
        let more = Field::text("more_scope", texts.say("clients-scope-more"), typed.join(" ")).longest(2000);
        fields.push(more.hint(texts.say("clients-scope-more-hint")));
    }
    fields
}

/// The scopes that were ticked and typed.
fn chosen_scopes(form: &Params) -> Vec<String> {
    let typed = form.optional("more_scope").ok().flatten().unwrap_or_default().split_whitespace();
    form.all("scope").into_iter().chain(typed).map(str::to_owned).collect()
}
