//! `/console/explain`: why was this refused? By a credential, or by the identifier of a request.

use actix_web::web;
use zeroize::Zeroizing;

use crate::domain::denial::Denial;
use crate::domain::refusal::{ExplainedStep, StepOutcome};
use crate::flows::Server;
use crate::flows::console::Visit;
use crate::flows::error::FlowResult;
use crate::flows::explain::{self, Explained, Explanation, Named};
use crate::flows::refusals::ExplainedRefusal;
use crate::http::api;
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

const HOME: &str = "/console/explain";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(show)).route(web::post().to(ask)));
}

fn form(texts: Texts, what: &str, typed: Option<&Params>) -> Form {
    let further = [
        Field::text("scope", texts.say("explain-scope"), "").hint(texts.say("explain-scope-hint")),
        Field::text("address", texts.say("audit-address"), "").hint(texts.say("explain-optional")),
        Field::text("audience", texts.say("explain-audience"), "").hint(texts.say("explain-optional")),
        Field::text("environment", texts.say("column-environment"), "").hint(texts.say("explain-optional")),
        Field::text("project", texts.say("explain-project"), "").hint(texts.say("explain-optional")),
    ];
    // What was pasted may be secret: it is not sent back.
    let what = Field::text("what", texts.say("explain-what"), what).hint(texts.say("explain-what-hint")).required();
    let fields = std::iter::once(what).chain(further.map(|field| field.keep(typed)));
    Form::new(HOME, "explain", texts.say("explain-ask")).fields(fields)
}

fn home(texts: Texts, what: &str, typed: Option<&Params>) -> Page {
    Page::new(HOME, texts.say("nav-explain")).lead(texts.say("explain-lead")).form(form(texts, what, typed))
}

/// Is this the form of a request's identifier?
fn is_request_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn answer(server: &Server, visit: &Visit, named: Named, params: &Params) -> FlowResult<Explained> {
    match named {
        Named::Id(text) if is_request_id(&text) => explain::explain_request(server, &visit.caller, &text),
        named => explain::explain(server, &visit.caller, named, &api::hypothetical(params)?),
    }
}

async fn show(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let what = query.optional("credential_id").ok().flatten().or(query.optional("request_id").ok().flatten());
    let what = what.map(str::to_owned);
    let (asked, params) = (what.clone(), query.clone());
    let (guest, found) = desk
        .read(move |server, visit| {
            let may = ["access-keys:read", "clients:read"].map(|scope| visit.caller.require(scope));
            if may.iter().all(Result::is_err) {
                return Err(Denial::BearerScopeMissing("access-keys:read").into());
            }
            asked.map(|text| answer(server, visit, Named::Id(text), &params)).transpose()
        })
        .await?;
    let page = home(texts, what.as_deref().unwrap_or_default(), Some(&query));
    desk.page(&guest, found.iter().fold(page, |page, found| explained(page, texts, found)))
}

async fn ask(desk: Desk, payload: web::Payload) -> Shown {
    let texts = desk.texts;
    let Sent { guest, form, result } = desk
        .submit(payload, |server, visit, form| {
            let what = form.optional("what").ok().flatten().unwrap_or_default().trim();
            if what.is_empty() {
                return Err(Denial::InvalidMember("what is missing".to_owned()).into());
            }
            let named = if is_request_id(what) {
                Named::Id(what.to_owned())
            } else {
                Named::Secret(Zeroizing::new(what.to_owned()))
            };
            answer(server, visit, named, form)
        })
        .await?;
    match result {
        Ok(found) => desk.page(&guest, explained(home(texts, "", Some(&form)), texts, &found)),
        Err(error) => desk.again(&guest, home(texts, "", Some(&form)), &error).await,
    }
}

fn explained(page: Page, texts: Texts, found: &Explained) -> Page {
    if found.explanations.is_empty() && found.refusals.is_empty() {
        return page.block(Block::Notice(Tone::Warn, texts.say("explain-no-refusal")));
    }
    let page = found.explanations.iter().fold(page, |page, found| explanation(page, texts, found));
    let page = match (found.explanations.is_empty(), found.refusals.is_empty()) {
        (false, false) => page.block(Block::Heading(texts.say("explain-latest"))),
        _ => page,
    };
    found.refusals.iter().fold(page, |page, found| refusal(page, texts, found))
}

fn explanation(page: Page, texts: Texts, found: &Explanation) -> Page {
    let title = match &found.credential_id {
        Some(id) if found.name.is_empty() => id.clone(),
        Some(id) => format!("{} ({id})", found.name),
        None => texts.say("explain-unknown"),
    };
    let tone = if found.valid { Tone::Good } else { Tone::Bad };
    let page = page
        .block(Block::Heading(title))
        .block(Block::Notice(tone, texts.say(&format!("explain-code-{}", found.code))));
    let mut facts = Vec::new();
    if let Some(kind) = found.credential_type {
        facts.push((texts.say("explain-kind"), Cell::text(texts.say(&format!("explain-kind-{kind}")))));
    }
    if let Some(masked) = &found.masked {
        facts.push((texts.say("explain-masked"), Cell::code(masked)));
    }
    if let Some(owner) = &found.owner {
        facts.push((texts.say("column-owner"), Cell::Several(vec![Cell::text(owner.kind()), Cell::code(owner.id())])));
    }
    let page = if facts.is_empty() { page } else { page.facts(facts) };
    page.block(steps(texts, &found.steps))
}

fn refusal(page: Page, texts: Texts, found: &ExplainedRefusal) -> Page {
    let refusal = &found.refusal;
    let credential = refusal.credential_id.as_ref().map(|id| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("credential_id", id).finish();
        Cell::link(format!("{HOME}?{query}"), id.as_str())
    });
    let mut facts = vec![
        (texts.say("audit-when"), Cell::Time(refusal.occurred_at)),
        (texts.say("explain-door"), Cell::text(texts.say(&format!("explain-door-{}", refusal.door.as_str())))),
        (texts.say("explain-told"), Cell::text(&refusal.message)),
        (texts.say("explain-credential"), credential.unwrap_or(Cell::Nothing)),
        (texts.say("explain-asked-by"), Cell::maybe(refusal.asked_by.as_ref())),
        (texts.say("audit-address"), Cell::maybe(refusal.address.as_ref())),
        (texts.say("audit-request"), Cell::code(&refusal.request_id)),
    ];
    for (name, value) in &refusal.asked {
        let key = format!("explain-fact-{name}");
        let label = if texts.has(&key) { texts.say(&key) } else { name.clone() };
        facts.push((label, Cell::code(value)));
    }
    page.facts(facts).block(steps(texts, &found.steps))
}

fn steps(texts: Texts, steps: &[ExplainedStep]) -> Block {
    let step = |found: &ExplainedStep| {
        let tone = match found.outcome {
            StepOutcome::Passed => Tone::Good,
            StepOutcome::Failed => Tone::Bad,
            StepOutcome::NotAsked => Tone::Plain,
        };
        let fact = |(name, value): (&&str, &String)| {
            let label = texts.say(&format!("explain-fact-{name}"));
            format!("{label}: {value}")
        };
        let facts: Vec<String> = found.facts.iter().map(fact).collect();
        (tone, texts.say(&format!("explain-step-{}", found.step)), facts.join("; "))
    };
    Block::Steps(steps.iter().map(step).collect())
}
