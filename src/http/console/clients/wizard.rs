//! Registering a client by the question that people can answer: what are you building? The answer sets what is safe for it
//! (`docs/apps`), and asks only for what nobody else can know.

use actix_web::web;
use serde_json::{Map, Value, json};
use url::Url;

use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::clients::{self, ClientMembers, ClientWithSecret};
use crate::flows::console::Visit;
use crate::flows::error::FlowResult;
use crate::http::console::clients::{HOME, WRITE, home, path, snippet};
use crate::http::console::fields::{self, ScopeOptions};
use crate::http::kit::cell::Cell;
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field, Form};
use crate::http::kit::page::{Action, Block, Page, Secret};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::scope::{OPENID, Scope};

/// What is being built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Built {
    SinglePageApp,
    WebApp,
    NativeApp,
    Machine,
    ResourceServer,
}

impl Built {
    const ALL: [Self; 5] = [Self::SinglePageApp, Self::WebApp, Self::NativeApp, Self::Machine, Self::ResourceServer];

    /// As in the address, with the texts of its name and of what it is.
    const fn said(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::SinglePageApp => ("single-page-app", "build-spa", "build-spa-hint"),
            Self::WebApp => ("web-app", "build-web", "build-web-hint"),
            Self::NativeApp => ("native-app", "build-native", "build-native-hint"),
            Self::Machine => ("machine", "build-machine", "build-machine-hint"),
            Self::ResourceServer => ("resource-server", "build-api", "build-api-hint"),
        }
    }

    fn parse(text: &str) -> Result<Self, Denial> {
        Self::ALL.into_iter().find(|built| built.said().0 == text).ok_or(Denial::NotFound("page"))
    }

    fn path(self) -> String {
        format!("{HOME}/new/{}", self.said().0)
    }

    /// Do people sign in?
    const fn has_users(self) -> bool {
        matches!(self, Self::SinglePageApp | Self::WebApp | Self::NativeApp)
    }

    const fn redirect_hint(self) -> &'static str {
        match self {
            Self::NativeApp => "build-redirect-native",
            _ => "build-redirect-web",
        }
    }

    /// What is set without a question.
    fn settings(self) -> Value {
        match self {
            Self::SinglePageApp => json!({
                "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
            }),
            Self::NativeApp => json!({
                "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
                "application_type": "native",
            }),
            Self::WebApp => json!({ "token_endpoint_auth_method": "client_secret_basic", "require_pkce": true }),
            Self::Machine => json!({
                "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"],
            }),
            Self::ResourceServer => json!({
                "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"],
                "may_introspect": true,
            }),
        }
    }
}

/// What the form offers.
#[derive(Clone, Default)]
struct Options {
    scopes: ScopeOptions,
    environments: Vec<String>,
    environment: String,
}

fn options(server: &Server, visit: &Visit) -> Options {
    Options {
        scopes: ScopeOptions::of(server, &visit.caller),
        environments: server.environments.iter().map(|environment| environment.name.clone()).collect(),
        environment: server.config.server.default_environment.clone(),
    }
}

/// `GET /console/clients/new`
pub async fn choose(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|_, visit| Ok(visit.caller.require(WRITE)?)).await?;
    let texts = desk.texts;
    let rows = Built::ALL.map(|built| {
        let (_, name, hint) = built.said();
        vec![Cell::link(built.path(), texts.say(name)), Cell::text(texts.say(hint))]
    });
    let columns = ["build-column", "column-description"].map(|key| texts.say(key));
    let table = Table::new(texts.say("clients-build"), columns).rows(rows);
    desk.page(&guest, home(texts, "clients-new").lead(texts.say("clients-build-lead")).table(table))
}

fn page(texts: Texts, built: Built, options: &Options, typed: Option<&Params>) -> Page {
    let (_, name, hint) = built.said();
    let form = Form::new(built.path(), "client-create", texts.say("action-create")).once();
    home(texts, name)
        .below(format!("{HOME}/new"), texts.say("clients-new"))
        .lead(texts.say(hint))
        .form(form.fields(questions(texts, built, options)).keep(typed).cancel(format!("{HOME}/new")))
}

fn questions(texts: Texts, built: Built, options: &Options) -> Vec<Field> {
    let mut asked = vec![
        Field::text("client_name", texts.say("column-name"), "").hint(texts.say("clients-name-hint")).required(),
        Field::text("description", texts.say("column-description"), "").longest(2000),
    ];
    if options.environments.len() > 1 {
        let choice = |name: &String| Choice::new(name, name).chosen(*name == options.environment);
        let choices = options.environments.iter().map(choice).collect();
        asked.push(Field::select("environment", texts.say("column-environment"), choices));
    }
    if built.has_users() {
        let redirect = Field::lines("redirect_uris", texts.say("clients-redirect-uris"), "");
        asked.push(redirect.hint(texts.say(built.redirect_hint())).required());
    }
    if built == Built::WebApp {
        let back = Field::lines("post_logout_redirect_uris", texts.say("clients-after-logout"), "");
        asked.push(back.hint(texts.say("build-after-logout-hint")));
        let refresh = Choice::new("yes", texts.say("build-offline")).hint(texts.say("build-offline-hint"));
        asked.push(Field::checkboxes("offline", texts.say("build-while-away"), vec![refresh]));
    }
    if built == Built::Machine {
        let by_key = Field::text("jwks_uri", texts.say("build-jwks-uri"), "").longest(2000);
        asked.push(by_key.hint(texts.say("build-jwks-uri-hint")));
        asked.push(Field::lines("jwks", texts.say("build-jwks"), "").hint(texts.say("build-jwks-hint")));
    }
    if !built.has_users() {
        let networks = Field::lines("allowed_addresses", texts.say("clients-networks"), "");
        asked.push(networks.hint(texts.say("clients-networks-hint")));
    }
    if built != Built::ResourceServer {
        let usual = if built.has_users() { Scope::from_tokens([OPENID, "profile"]) } else { Scope::default() };
        asked.extend(options.scopes.fields(texts, &usual));
    }
    asked
}

/// The origins of these addresses that a browser's page can have.
fn origins(redirect_uris: &[String]) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for url in redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok()) {
        let origin = url.origin().ascii_serialization();
        if url.scheme().starts_with("http") && !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

fn members(built: Built, form: &Params) -> Result<ClientMembers, Denial> {
    let mut members: Map<String, Value> = built.settings().as_object().cloned().unwrap_or_default();
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    set("client_name", fields::text(form, "client_name").into());
    set("description", fields::text(form, "description").into());
    let environment = fields::text(form, "environment");
    if !environment.is_empty() {
        set("environment", environment.into());
    }
    if built.has_users() {
        let redirect_uris = fields::lines(form, "redirect_uris");
        if built == Built::SinglePageApp {
            set("allowed_origins", origins(&redirect_uris).into());
        }
        set("redirect_uris", redirect_uris.into());
    }
    if built == Built::WebApp {
        let away = fields::is_ticked(form, "offline", "yes");
        let grants: &[&str] = if away { &["authorization_code", "refresh_token"] } else { &["authorization_code"] };
        set("grant_types", json!(grants));
        set("post_logout_redirect_uris", fields::lines(form, "post_logout_redirect_uris").into());
    }
    if built == Built::Machine {
        let (uri, keys) = (fields::or_null(form, "jwks_uri"), fields::text(form, "jwks"));
        if !uri.is_null() || !keys.is_empty() {
            set("token_endpoint_auth_method", "private_key_jwt".into());
        }
        set("jwks_uri", uri);
        if !keys.is_empty() {
            let keys = serde_json::from_str::<Value>(&keys);
            set("jwks", keys.map_err(|_| Denial::InvalidMember("jwks must be a JSON Web Key Set".to_owned()))?);
        }
    }
    if !built.has_users() {
        set("allowed_addresses", fields::lines(form, "allowed_addresses").into());
    }
    if built != Built::ResourceServer {
        let mut scopes = fields::scopes(form);
        if built.has_users() && members.get("grant_types").is_some_and(|grants| grants.to_string().contains("refresh"))
        {
            // What asks for the refresh token that the grant gives.
            scopes.push("offline_access".to_owned());
        }
        members.insert("scope".to_owned(), scopes.join(" ").into());
    }
    fields::members(Value::Object(members))
}

/// `GET /console/clients/new/{kind}`
pub async fn ask(desk: Desk, kind: web::Path<String>) -> Shown {
    let kind = kind.into_inner();
    let (guest, (built, options)) = desk
        .read(move |server, visit| {
            visit.caller.require(WRITE)?;
            Ok((Built::parse(&kind)?, options(server, visit)))
        })
        .await?;
    desk.page(&guest, page(desk.texts, built, &options, None))
}

/// `POST /console/clients/new/{kind}`
pub async fn create(desk: Desk, kind: web::Path<String>, payload: web::Payload) -> Shown {
    let kind = kind.into_inner();
    let texts = desk.texts;
    let sent = desk.submit(payload, move |server, visit, form| {
        let built = Built::parse(&kind)?;
        let made = make(server, visit, built, form);
        Ok((built, options(server, visit), made))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, _, Ok(made))) => created(&desk, &guest, made),
        Ok((built, options, Err(error))) => desk.again(&guest, page(texts, built, &options, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn make(server: &Server, visit: &Visit, built: Built, form: &Params) -> FlowResult<ClientWithSecret> {
    visit.caller.require(WRITE)?;
    clients::create(server, &visit.caller, members(built, form)?)
}

fn created(desk: &Desk, guest: &Guest, made: ClientWithSecret) -> Shown {
    let (texts, issuer) = (desk.texts, &desk.server.config.server.issuer);
    let ClientWithSecret { client, client_secret } = made;
    let env = snippet::env(issuer, &client, client_secret.as_deref());
    let mut page = home(texts, "clients-created").facts(vec![
        (texts.say("column-name"), Cell::text(client.client_name.as_str())),
        (texts.say("column-client-id"), Cell::code(client.client_id.as_str())),
        (texts.say("clients-issuer"), Cell::code(issuer)),
    ]);
    page = match client_secret {
        Some(text) => page.block(Block::Secret(Secret { label: texts.say("clients-secret"), text, env })),
        None => page.block(Block::Text(texts.say("clients-without-secret"))),
    };
    if let Some(code) = snippet::of(issuer, &client) {
        page = page.block(Block::Snippet(texts.say("clients-snippet"), code));
    }
    desk.page(guest, page.block(Block::Actions(vec![Action::go(path(&client), texts.say("clients-to-client"))])))
}
