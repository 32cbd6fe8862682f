//! The page of one client: what it is registered for, its secrets, what can be done.

use actix_web::web;

use crate::domain::client::{Client, Status};
use crate::flows::clients::{self, ClientSecretState};
use crate::flows::console::CLIENT_ID;
use crate::http::console::clients::{Clients, HOME, WRITE, delete, path, snippet};
use crate::http::console::{listing, standing};
use crate::http::kit::cell::{Button, Cell, Tone};
use crate::http::kit::desk::{Desk, Guest, Shown};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::grant_type::GrantType;
use crate::protocol::origin::Origin;

/// `GET /console/clients/{id}`
pub async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, texts) = (id.into_inner(), desk.texts);
    let (guest, (client, secrets)) = desk
        .read(move |server, visit| {
            let client = clients::show(server, &visit.caller, &id)?;
            let secrets = clients::list_secret_states(server, &visit.caller, &id)?;
            Ok((client, secrets))
        })
        .await?;
    let page = Page::new(HOME, client.client_name.as_str())
        .below(HOME, texts.say("nav-clients"))
        .lead(client.description.as_str())
        .block(Block::Actions(actions(texts, &guest, &client)))
        .facts(basics(texts, &client))
        .block(Block::Heading(texts.say("clients-rights")))
        .facts(rights(texts, &client));
    let page = with_secrets(texts, &guest, &client, &secrets, page);
    let page = page.block(Block::Heading(texts.say("clients-more"))).facts(more(texts, &client));
    let page = match snippet::of(&desk.server.config.server.issuer, &client) {
        Some(code) => page.block(Block::Snippet(texts.say("clients-snippet"), code)),
        None => page,
    };
    desk.page(&guest, page)
}

fn actions(texts: Texts, guest: &Guest, client: &Client) -> Vec<Action> {
    let path = path(client);
    let mut actions = Vec::new();
    // The server keeps its own.
    let is_own = client.client_id.as_str() == CLIENT_ID;
    if guest.may(WRITE) && client.status != Status::Revoked && !is_own {
        actions.push(Action::go(format!("{path}/edit"), texts.say("action-edit")));
        if client.has_secret() {
            actions.push(Action::go(format!("{path}/rotate"), texts.say("clients-rotate")));
        }
        if client.status == Status::Active && client.allows_grant(GrantType::AuthorizationCode) {
            actions.push(Action::go(format!("{path}/try"), texts.say("clients-try")));
        }
    }
    if guest.may("usage:read") {
        actions.push(Action::go(format!("{path}/usage"), texts.say("clients-usage")));
    }
    if !is_own {
        actions.extend(standing::actions::<Clients>(texts, guest, client.client_id.as_str(), client.status));
        actions.extend(delete::action(texts, guest, client));
    }
    actions
}

/// Several identifiers, or nothing.
pub fn codes(all: impl IntoIterator<Item = impl ToString>) -> Cell {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    if all.is_empty() { Cell::Nothing } else { Cell::Codes(all) }
}

fn yes(texts: Texts, is: bool) -> Cell {
    Cell::text(texts.say(if is { "yes" } else { "no" }))
}

fn basics(texts: Texts, client: &Client) -> Vec<(String, Cell)> {
    let kind = if client.is_public() { "clients-public" } else { "clients-confidential" };
    vec![
        (texts.say("column-status"), listing::status(texts, client.status)),
        (texts.say("column-client-id"), Cell::code(client.client_id.as_str())),
        (texts.say("column-kind"), Cell::text(texts.say(kind))),
        (texts.say("clients-auth-method"), Cell::code(client.token_endpoint_auth_method.as_str())),
        (texts.say("column-environment"), Cell::text(client.environment.as_str())),
        (texts.say("column-created"), Cell::Time(client.created_at)),
        (texts.say("column-updated"), Cell::Time(client.updated_at)),
        (texts.say("column-last-used"), Cell::time(client.last_used_at)),
    ]
}

fn rights(texts: Texts, client: &Client) -> Vec<(String, Cell)> {
    vec![
        (texts.say("clients-grants"), codes(client.grant_types.iter().map(|grant| grant.as_str()))),
        (texts.say("clients-redirect-uris"), codes(&client.redirect_uris)),
        (texts.say("clients-origins"), codes(client.allowed_origins.iter().map(Origin::as_str))),
        (texts.say("clients-scope"), codes(client.scope.iter())),
        (texts.say("clients-resources"), codes(&client.resources)),
        (texts.say("clients-roles"), codes(&client.roles)),
        (texts.say("clients-pkce"), yes(texts, client.require_pkce)),
        (texts.say("clients-first-party"), yes(texts, client.first_party)),
        (texts.say("clients-introspect"), yes(texts, client.may_introspect)),
    ]
}

fn more(texts: Texts, client: &Client) -> Vec<(String, Cell)> {
    let metadata = &client.metadata;
    let number = |number: Option<u32>| number.map_or(Cell::Nothing, Cell::number);
    let address = |text: &Option<String>| text.as_ref().map_or(Cell::Nothing, Cell::code);
    vec![
        (texts.say("column-plan"), Cell::maybe(client.plan.as_deref())),
        (texts.say("limit-minute"), number(client.limits.requests_per_minute)),
        (texts.say("limit-hour"), number(client.limits.requests_per_hour)),
        (texts.say("clients-networks"), codes(&client.allowed_addresses)),
        (texts.say("clients-access-lifetime"), number(client.access_token_lifetime)),
        (texts.say("clients-refresh-lifetime"), number(client.refresh_token_lifetime)),
        (texts.say("clients-home"), address(&metadata.client_uri)),
        (texts.say("clients-logo"), address(&metadata.logo_uri)),
        (texts.say("clients-policy"), address(&metadata.policy_uri)),
        (texts.say("clients-tos"), address(&metadata.tos_uri)),
        (texts.say("clients-contacts"), codes(&metadata.contacts)),
        (texts.say("clients-after-logout"), codes(&metadata.post_logout_redirect_uris)),
        (texts.say("clients-back-channel"), address(&metadata.backchannel_logout_uri)),
        (texts.say("clients-front-channel"), address(&metadata.frontchannel_logout_uri)),
    ]
}

/// The secrets that work now, with the way to end the old one.
fn with_secrets(texts: Texts, guest: &Guest, client: &Client, secrets: &[ClientSecretState], page: Page) -> Page {
    if !client.has_secret() {
        return page;
    }
    let rows = secrets.iter().map(|secret| {
        let state = match secret.expires_at {
            None => Cell::Badge(Tone::Good, texts.say("secret-current")),
            Some(_) => Cell::Badge(Tone::Warn, texts.say("secret-replaced")),
        };
        let last = Cell::time(secret.last_used_at);
        let ends = Cell::time(secret.expires_at);
        vec![Cell::code(format!("...{}", secret.last_four)), state, Cell::Time(secret.created_at), ends, last]
    });
    let columns = ["clients-secret", "column-status", "column-created", "column-expires", "column-last-used"];
    let table = Table::new(texts.say("clients-secrets"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(texts.say("clients-no-secret"));
    let page = page.block(Block::Heading(texts.say("clients-secrets"))).table(table);
    let replaced = secrets.iter().any(|secret| secret.expires_at.is_some());
    if !replaced || !guest.may(WRITE) || client.status == Status::Revoked {
        return page;
    }
    let finish = Button {
        action: format!("{}/finish", path(client)),
        label: texts.say("clients-finish"),
        fields: Vec::new(),
        id: Some("finish".to_owned()),
    };
    let watch = Action::go(format!("{}/rotate", path(client)), texts.say("clients-progress"));
    page.block(Block::Text(texts.say("clients-rotating"))).block(Block::Actions(vec![watch, Action::Do(finish)]))
}
