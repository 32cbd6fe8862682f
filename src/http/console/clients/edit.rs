//! Editing a client.

use actix_web::web;
use serde_json::{Value, json};

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::clients::{self, ClientMembers};
use crate::flows::console::Visit;
use crate::flows::error::FlowResult;
use crate::http::console::clients::{below, path};
use crate::http::console::fields::{self, ScopeOptions, many, number, or_null, shown, text};
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::{Choice, Field, Form};
use crate::http::kit::page::Page;
use crate::http::kit::texts::Texts;
use crate::protocol::origin::Origin;
use crate::protocol::params::Params;

/// A client with what the form offers.
struct Found {
    client: Client,
    scopes: ScopeOptions,
    plans: Vec<String>,
    /// The roles that this operator may hand out, or that the client has.
    roles: Vec<String>,
}

fn find(server: &Server, visit: &Visit, id: &str) -> FlowResult<Found> {
    let client = clients::show_to_change(server, &visit.caller, id)?;
    let may = |role: &&str| {
        let held = server.roles.scope_of(&[(*role).to_owned()]);
        visit.caller.may_hand_out(held.iter()).is_ok() || client.roles.iter().any(|own| own == role)
    };
    Ok(Found {
        roles: server.roles.names().filter(may).map(str::to_owned).collect(),
        scopes: ScopeOptions::of(server, &visit.caller),
        plans: fields::plans(server),
        client,
    })
}

fn page(texts: Texts, found: &Found, typed: Option<&Params>) -> Page {
    let path = path(&found.client);
    let form = Form::new(format!("{path}/edit"), "client-save", texts.say("action-save"));
    let all = basics(texts, found).into_iter().chain(limits(texts, found)).chain(appearance(texts, &found.client));
    below(texts, &found.client, "clients-edit").form(form.fields(all).keep(typed).cancel(path))
}

fn yes_or_no(texts: Texts, is: bool) -> Vec<Choice> {
    vec![Choice::new("yes", texts.say("yes")).chosen(is), Choice::new("no", texts.say("no")).chosen(!is)]
}

fn basics(texts: Texts, found: &Found) -> Vec<Field> {
    let client = &found.client;
    let mut all = vec![
        Field::text("client_name", texts.say("column-name"), &client.client_name).required(),
        Field::lines("description", texts.say("column-description"), &client.description),
        Field::lines("redirect_uris", texts.say("clients-redirect-uris"), many(&client.redirect_uris))
            .hint(texts.say("clients-one-a-line")),
        Field::lines(
            "allowed_origins",
            texts.say("clients-origins"),
            many(client.allowed_origins.iter().map(Origin::as_str)),
        )
        .hint(texts.say("clients-origins-hint")),
    ];
    all.extend(found.scopes.fields(texts, &client.scope));
    all.push(
        Field::lines("resources", texts.say("clients-resources"), many(&client.resources))
            .hint(texts.say("clients-resources-hint")),
    );
    if !client.is_public() {
        let choice = |role: &String| Choice::new(role, role).chosen(client.roles.contains(role));
        let roles = Field::checkboxes("roles", texts.say("clients-roles"), found.roles.iter().map(choice).collect());
        all.push(roles.hint(texts.say("clients-roles-hint")));
        let pkce = Field::select("require_pkce", texts.say("clients-pkce"), yes_or_no(texts, client.require_pkce));
        all.push(pkce);
        let introspect =
            Field::select("may_introspect", texts.say("clients-introspect"), yes_or_no(texts, client.may_introspect));
        all.push(introspect);
    }
    let first = Field::select("first_party", texts.say("clients-first-party"), yes_or_no(texts, client.first_party));
    all.push(first.hint(texts.say("clients-first-party-hint")));
    all
}

fn limits(texts: Texts, found: &Found) -> Vec<Field> {
    let client = &found.client;
    let limits = client.limits;
    let mut all: Vec<Field> = fields::plan(texts, &found.plans, client.plan.as_deref()).into_iter().collect();
    all.extend([
        Field::number("requests_per_minute", texts.say("limit-minute"), shown(limits.requests_per_minute))
            .hint(texts.say("limit-hint")),
        Field::number("requests_per_hour", texts.say("limit-hour"), shown(limits.requests_per_hour))
            .hint(texts.say("limit-hint")),
        Field::lines("allowed_addresses", texts.say("clients-networks"), many(&client.allowed_addresses))
            .hint(texts.say("clients-networks-hint")),
        Field::number(
            "access_token_lifetime",
            texts.say("clients-access-lifetime"),
            shown(client.access_token_lifetime),
        )
        .hint(texts.say("clients-lifetime-hint")),
        Field::number(
            "refresh_token_lifetime",
            texts.say("clients-refresh-lifetime"),
            shown(client.refresh_token_lifetime),
        )
        .hint(texts.say("clients-lifetime-hint")),
    ]);
    all
}

fn appearance(texts: Texts, client: &Client) -> Vec<Field> {
    let metadata = &client.metadata;
    let address = |name, key: &str, value: &Option<String>| {
        Field::text(name, texts.say(key), value.clone().unwrap_or_default()).longest(2000)
    };
    vec![
        address("client_uri", "clients-home", &metadata.client_uri),
        address("logo_uri", "clients-logo", &metadata.logo_uri),
        address("policy_uri", "clients-policy", &metadata.policy_uri),
        address("tos_uri", "clients-tos", &metadata.tos_uri),
        Field::lines("contacts", texts.say("clients-contacts"), many(&metadata.contacts)),
        Field::lines(
            "post_logout_redirect_uris",
            texts.say("clients-after-logout"),
            many(&metadata.post_logout_redirect_uris),
        )
        .hint(texts.say("clients-one-a-line")),
        address("backchannel_logout_uri", "clients-back-channel", &metadata.backchannel_logout_uri),
        address("frontchannel_logout_uri", "clients-front-channel", &metadata.frontchannel_logout_uri),
    ]
}

/// What was sent. Fields that a form for this client does not have stay as they are.
fn members(client: &Client, form: &Params) -> Result<ClientMembers, Denial> {
    let mut members = json!({
        "client_name": text(form, "client_name"),
        "description": text(form, "description"),
        "redirect_uris": fields::lines(form, "redirect_uris"),
        "allowed_origins": fields::lines(form, "allowed_origins"),
        "scope": fields::scopes(form).join(" "),
        "resources": fields::lines(form, "resources"),
        "first_party": fields::is_ticked(form, "first_party", "yes"),
        "requests_per_minute": number(form, "requests_per_minute")?,
        "requests_per_hour": number(form, "requests_per_hour")?,
        "allowed_addresses": fields::lines(form, "allowed_addresses"),
        "access_token_lifetime": number(form, "access_token_lifetime")?,
        "refresh_token_lifetime": number(form, "refresh_token_lifetime")?,
        "client_uri": or_null(form, "client_uri"),
        "logo_uri": or_null(form, "logo_uri"),
        "policy_uri": or_null(form, "policy_uri"),
        "tos_uri": or_null(form, "tos_uri"),
        "contacts": fields::lines(form, "contacts"),
        "post_logout_redirect_uris": fields::lines(form, "post_logout_redirect_uris"),
        "backchannel_logout_uri": or_null(form, "backchannel_logout_uri"),
        "frontchannel_logout_uri": or_null(form, "frontchannel_logout_uri"),
    });
    if let Some(members) = members.as_object_mut() {
        let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
        if form.iter().any(|(name, _)| name == "plan") {
            set("plan", or_null(form, "plan"));
        }
        if !client.is_public() {
            set("roles", fields::ticked(form, "roles").into());
            set("require_pkce", fields::is_ticked(form, "require_pkce", "yes").into());
            set("may_introspect", fields::is_ticked(form, "may_introspect", "yes").into());
        }
    }
    fields::members(members)
}

/// `GET /console/clients/{id}/edit`
pub async fn ask(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, found) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, page(desk.texts, &found, None))
}

/// `POST /console/clients/{id}/edit`
pub async fn update(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let found = find(server, visit, &id)?;
        let edit = members(&found.client, form).map_err(Into::into);
        let edited = edit.and_then(|members| clients::update(server, &visit.caller, &id, members));
        Ok((found, edited))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((found, Ok(_))) => desk.done(&path(&found.client), "saved"),
        Ok((found, Err(error))) => desk.again(&guest, page(desk.texts, &found, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
