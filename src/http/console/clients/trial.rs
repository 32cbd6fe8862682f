//! Trying a client: the code flow in this browser, and what it brings, decoded.

use actix_web::web;
use serde_json::Value;

use crate::domain::client::Client;
use crate::domain::role::is_admin_api_scope;
use crate::flows::Server;
use crate::flows::console::Visit;
use crate::flows::error::FlowResult;
use crate::flows::trial::{self, Arrived, DecodedToken, Trial};
use crate::http::console::clients::{below, path, show};
use crate::http::console::fields::{self, ScopeOptions};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::Form;
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

/// What is left out unless somebody asks for it: the refresh token would end at once.
const OFFLINE: &str = "offline_access";

type Found = (Client, ScopeOptions);

fn find(server: &Server, visit: &Visit, id: &str) -> FlowResult<Found> {
    let client = trial::show(server, visit, id)?;
    let scopes = ScopeOptions::of(server, &visit.caller).within(&client.scope);
    Ok((client, scopes))
}

fn question(texts: Texts, (client, scopes): &Found, typed: Option<&Params>) -> Page {
    let usual = Scope::from_tokens(client.scope.iter().filter(|token| *token != OFFLINE && !is_admin_api_scope(token)));
    let form = Form::new(trial::path(client.client_id.as_str()), "try-begin", texts.say("trial-begin"));
    let boxes = (!client.scope.is_empty()).then(|| scopes.boxes(texts, &usual));
    below(texts, client, "clients-try")
        .lead(texts.say("trial-lead"))
        .form(form.fields(boxes).keep(typed).cancel(path(client)))
}

/// `GET /console/clients/{id}/try`: the question, or the answer of the authorization endpoint.
pub async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let query = desk.query();
    let is_answer = ["state", "code", "error"].iter().any(|name| !query.all(name).is_empty());
    if is_answer {
        return arrive(desk, id, query).await;
    }
    let (guest, found) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, question(desk.texts, &found, None))
}

/// `POST /console/clients/{id}/try`
pub async fn begin(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let found = find(server, visit, &id)?;
        let ticked = fields::ticked(form, "scope");
        let scope = Scope::from_tokens(ticked.iter().map(String::as_str));
        let begun = trial::begin(server, visit, &id, &scope);
        Ok((found, begun))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(location))) => Ok(desk.away(location)),
        Ok((found, Err(error))) => desk.again(&guest, question(desk.texts, &found, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

async fn arrive(desk: Desk, id: String, query: Params) -> Shown {
    let texts = desk.texts;
    let (guest, (client, arrived)) = desk
        .read(move |server, visit| {
            let client = trial::show(server, visit, &id)?;
            Ok((client, trial::arrive(server, visit, &id, &query)?))
        })
        .await?;
    let page = below(texts, &client, "trial-result");
    let page = match arrived {
        Arrived::Tokens(trial) => tokens(texts, &trial, page),
        Arrived::Refused(word, text) => page
            .notice(Tone::Bad, texts.say("trial-refused"))
            .facts(vec![(texts.say("trial-error"), Cell::code(word)), (texts.say("trial-why"), Cell::text(text))]),
    };
    let again = Action::go(trial::path(client.client_id.as_str()), texts.say("trial-again"));
    let back = Action::go(path(&client), texts.say("clients-to-client"));
    desk.page(&guest, page.block(Block::Actions(vec![again, back])))
}

fn tokens(texts: Texts, trial: &Trial, page: Page) -> Page {
    let refresh = texts.say(if trial.refreshable { "yes" } else { "no" });
    let page = page.notice(Tone::Good, texts.say("trial-worked")).facts(vec![
        (texts.say("trial-scope"), show::codes(trial.scope.split(' ').filter(|token| !token.is_empty()))),
        (texts.say("trial-expires-in"), Cell::number(trial.expires_in)),
        (texts.say("trial-refresh"), Cell::text(refresh)),
    ]);
    let page = match &trial.id_token {
        Some(token) => decoded(texts, "trial-id-token", token, page),
        None => page.block(Block::Text(texts.say("trial-no-id-token"))),
    };
    decoded(texts, "trial-access-token", &trial.access_token, page)
}

fn decoded(texts: Texts, name: &str, token: &DecodedToken, page: Page) -> Page {
    let name = texts.say(name);
    let part = |key: &str, value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        Block::Snippet(texts.say_with(key, "token", name.as_str()), text)
    };
    page.block(Block::Heading(name.clone()))
        .facts(vec![(texts.say("trial-token"), Cell::code(token.masked.as_str()))])
        .block(part("trial-header", &token.header))
        .block(part("trial-claims", &token.claims))
}
