//! `/account/tokens`: access tokens that people make for themselves, shown once.

use actix_web::web;

use crate::config::Config;
use crate::domain::ids::PersonalTokenId;
use crate::flows::Server;
use crate::flows::account::personal_tokens::{self, NewPersonalToken, PersonalTokenInUse, PersonalTokenWithText};
use crate::flows::account::{Carrier, Person, grantable_scopes};
use crate::flows::console::require_proof;
use crate::http::account::{chosen_scopes, scope_fields, some};
use crate::http::kit::cell::Cell;
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field, Form};
use crate::http::kit::page::{Block, Page, Secret};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

const HOME: &str = "/account/tokens";
/// Most scopes of a token that the list names.
const SHOWN_SCOPES: usize = 10;
/// The lifetimes that are offered, as far as the deployment allows them: seconds, and how they are called.
const LIFETIMES: [(u64, &str); 5] = [
    (3600, "account-tokens-hour"),
    (8 * 3600, "account-tokens-working-day"),
    (86_400, "account-tokens-day"),
    (3 * 86_400, "account-tokens-three-days"),
    (7 * 86_400, "account-tokens-week"),
];

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(web::resource("/account/tokens/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/account/tokens/{id}/revoke").route(web::get().to(ask)).route(web::post().to(revoke)));
}

fn below(texts: Texts, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-tokens"))
}

/// The first scopes by name, the others by their number.
fn first_scopes(scope: &Scope) -> Cell {
    let named = Cell::Codes(scope.iter().take(SHOWN_SCOPES).map(str::to_owned).collect());
    match scope.iter().count().saturating_sub(SHOWN_SCOPES) {
        0 => named,
        more => Cell::Several(vec![named, Cell::text(format!("+{more}"))]),
    }
}

fn row(texts: Texts, in_use: PersonalTokenInUse) -> Vec<Cell> {
    let PersonalTokenInUse { token, last_used_at } = in_use;
    vec![
        Cell::text(token.name),
        first_scopes(&token.scope),
        Cell::Time(token.created_at),
        Cell::Time(token.expires_at),
        Cell::time(last_used_at),
        Cell::link(format!("{HOME}/{}/revoke", token.id), texts.say("action-revoke")),
    ]
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(PersonalTokenId::is_valid);
    let (guest, found) =
        desk.read(move |server, visit| personal_tokens::list(server, &Person::of(visit), &page)).await?;
    let columns = [
        "column-name",
        "column-scope",
        "column-created",
        "column-expires",
        "column-last-used",
        "account-session-action",
    ];
    let next = found.next_cursor.clone();
    let allowed = personal_tokens::are_allowed(&desk.server);
    let empty = if allowed { "account-tokens-empty" } else { "account-tokens-none-here" };
    let table = Table::new(texts.say("nav-tokens"), columns.map(|key| texts.say(key)))
        .rows(found.items.into_iter().map(|in_use| row(texts, in_use)))
        .empty(texts.say(empty))
        .pages(HOME, &query, next.as_deref());
    let page = Page::new(HOME, texts.say("nav-tokens")).lead(texts.say("account-tokens-lead")).table(table);
    desk.page(&guest, if allowed { page.link(format!("{HOME}/new"), texts.say("account-tokens-new")) } else { page })
}

fn lifetimes(texts: Texts, config: &Config) -> Vec<Choice> {
    let most = config.tokens.access_token_max_lifetime;
    let within = LIFETIMES.iter().filter(|(seconds, _)| *seconds <= most.as_secs());
    let mut choices: Vec<_> = within.map(|(seconds, key)| Choice::new(seconds.to_string(), texts.say(key))).collect();
    if choices.is_empty() {
        choices.push(Choice::new(most.as_secs().to_string(), humantime::format_duration(most).to_string()));
    }
    choices
}

fn new_page(texts: Texts, server: &Server, guest: &Guest, typed: Option<&Params>) -> Page {
    let scopes = grantable_scopes(server, &guest.visit.user, Carrier::PersonalToken);
    let name = Field::text("name", texts.say("column-name"), "").hint(texts.say("account-tokens-name-hint")).required();
    let life = Field::select("lifetime", texts.say("account-tokens-lifetime"), lifetimes(texts, &server.config));
    let fields = [name].into_iter().chain(scope_fields(texts, scopes, &Scope::default())).chain([life]);
    let form = Form::new(format!("{HOME}/new"), "token-create", texts.say("action-create")).once();
    let form = form.fields(fields).keep(typed).fields(guest.proof(texts)).cancel(HOME);
    below(texts, "account-tokens-new").lead(texts.say("account-tokens-new-lead")).form(form)
}

async fn new(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|server, _| personal_tokens::check_allowed(server)).await?;
    desk.page(&guest, new_page(desk.texts, &desk.server, &guest, None))
}

async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, form, result } = desk
        .submit(payload, |server, visit, form| {
            require_proof(server, visit, form.optional("password").ok().flatten())?;
            let new = NewPersonalToken {
                name: some(form, "name").unwrap_or_default(),
                scopes: chosen_scopes(form),
                expires_in: some(form, "lifetime").and_then(|text| text.parse().ok()).unwrap_or_default(),
            };
            personal_tokens::create(server, &Person::of(visit), new)
        })
        .await?;
    match result {
        Ok(made) => desk.page(&guest, made_page(desk.texts, made)),
        Err(error) => desk.again(&guest, new_page(desk.texts, &desk.server, &guest, Some(&form)), &error).await,
    }
}

fn made_page(texts: Texts, made: PersonalTokenWithText) -> Page {
    let PersonalTokenWithText { token, text } = made;
    let env = format!("ACCESS_TOKEN={text}");
    below(texts, "account-tokens-made")
        .link(HOME, texts.say("account-back-to-list"))
        .block(Block::Secret(Secret { label: token.name, text, env }))
        .facts(vec![
            (texts.say("column-scope"), Cell::Codes(token.scope.iter().map(str::to_owned).collect())),
            (texts.say("column-expires"), Cell::Time(token.expires_at)),
        ])
}

async fn ask(desk: Desk, id: web::Path<String>) -> Shown {
    let (texts, id) = (desk.texts, id.into_inner());
    let (guest, token) = desk.read(move |server, visit| personal_tokens::show(server, &Person::of(visit), &id)).await?;
    let form = Form::new(format!("{HOME}/{}/revoke", token.id), "token-revoke", texts.say("action-revoke"));
    let page = below(texts, "account-tokens-revoke")
        .facts(vec![
            (texts.say("column-name"), Cell::text(token.name)),
            (texts.say("column-created"), Cell::Time(token.created_at)),
            (texts.say("column-expires"), Cell::Time(token.expires_at)),
        ])
        .block(Block::Text(texts.say("account-tokens-revoke-text")))
        .form(form.cancel(HOME).danger());
    desk.page(&guest, page)
}

async fn revoke(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let sent =
        desk.submit(payload, move |server, visit, _| personal_tokens::revoke(server, &Person::of(visit), &id)).await?;
    match sent.result {
        Ok(()) => desk.done(HOME, "revoked"),
        Err(error) => Ok(desk.error(Some(&sent.guest), &error)),
    }
}
