//! Making and editing access keys of one's own.

use actix_web::web;
use ipnet::IpNet;

use crate::domain::access_key::AccessKey;
use crate::domain::denial::Denial;
use crate::domain::user::User;
use crate::flows::Server;
use crate::flows::access_keys::{AccessKeyEdit, NewAccessKey};
use crate::flows::account::{Carrier, Person, access_keys, grantable_scopes};
use crate::flows::console::require_proof;
use crate::http::account::access_keys::{HOME, below, path_of, secret_page};
use crate::http::account::{chosen_scopes, lines, scope_fields, some};
use crate::http::kit::day;
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field, Form};
use crate::http::kit::page::Page;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// The lives that are offered, in days.
const LIVES: [u64; 3] = [30, 90, 365];
const DAY: u64 = 86_400;

fn scopes_of(texts: Texts, server: &Server, user: &User, key: Option<&AccessKey>) -> Vec<Field> {
    let mut offered = grantable_scopes(server, user, Carrier::AccessKey);
    // What it has comes first, also what its owner lost since: to be seen, and to be taken away.
    let held = key.map(|key| key.scope.clone()).unwrap_or_default();
    let lost = held.iter().filter(|token| !offered.iter().any(|(name, _)| name == token));
    let lost: Vec<_> = lost.map(|token| (token.to_owned(), String::new())).collect();
    offered.sort_by_key(|(name, _)| !held.contains(name));
    scope_fields(texts, lost.into_iter().chain(offered).collect(), &held)
}

fn addresses_field(texts: Texts, key: Option<&AccessKey>) -> Field {
    let known = key.map(|key| key.allowed_addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    Field::lines("addresses", texts.say("account-keys-addresses"), known.unwrap_or_default())
        .hint(texts.say("account-keys-addresses-hint"))
}

fn life_field(texts: Texts, server: &Server) -> Field {
    let most = server.config.access_keys.max_lifetime;
    let within = LIVES.into_iter().filter(|days| most.is_none_or(|most| days * DAY <= most.as_secs()));
    let mut choices: Vec<_> =
        within.map(|days| Choice::new(days.to_string(), texts.say_with("account-keys-days", "days", days))).collect();
    if most.is_none() {
        choices.push(Choice::new("never", texts.say("account-keys-never")));
    }
    choices.push(Choice::new("date", texts.say("account-keys-until-date")));
    Field::select("life", texts.say("column-expires"), choices)
}

fn new_page(texts: Texts, server: &Server, guest: &Guest, typed: Option<&Params>) -> Page {
    let environments = server.environments.iter().map(|environment| {
        let is_default = environment.name == server.config.server.default_environment;
        Choice::new(&*environment.name, &*environment.name).chosen(is_default)
    });
    let fields = [
        Field::text("name", texts.say("column-name"), "").hint(texts.say("account-keys-name-hint")).required(),
        Field::lines("description", texts.say("column-description"), ""),
        Field::select("environment", texts.say("column-environment"), environments.collect()),
    ];
    let rest = [
        life_field(texts, server),
        Field::last_day("until", texts.say("account-keys-date")).hint(texts.say("account-keys-date-hint")),
        addresses_field(texts, None),
    ];
    let fields = fields.into_iter().chain(scopes_of(texts, server, &guest.visit.user, None)).chain(rest);
    let form = Form::new(format!("{HOME}/new"), "key-create", texts.say("action-create")).once();
    let form = form.fields(fields).keep(typed).fields(guest.proof(texts)).cancel(HOME);
    Page::new(HOME, texts.say("account-keys-new")).below(HOME, texts.say("nav-own-access-keys")).form(form)
}

/// `GET /account/access-keys/new`
pub(super) async fn new(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|server, visit| access_keys::check_allowed(server, &Person::of(visit))).await?;
    desk.page(&guest, new_page(desk.texts, &desk.server, &guest, None))
}

fn networks(form: &Params) -> Result<Vec<IpNet>, Denial> {
    let text = lines(form, "addresses").unwrap_or_default();
    let words = text.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|word| !word.is_empty());
    let network = |word: &str| {
        let parsed = word.parse::<IpNet>().or_else(|_| word.parse::<std::net::IpAddr>().map(IpNet::from));
        parsed.map_err(|_| Denial::InvalidMember(format!("'{word}' is not an address or network such as 192.0.2.0/24")))
    };
    words.map(network).collect()
}

fn read_new(form: &Params) -> Result<NewAccessKey, Denial> {
    let wrong = |text: &str| Denial::InvalidMember(text.to_owned());
    let mut new = NewAccessKey {
        name: some(form, "name").unwrap_or_default(),
        description: lines(form, "description").unwrap_or_default(),
        environment: some(form, "environment"),
        scopes: chosen_scopes(form),
        allowed_addresses: Some(networks(form)?),
        ..NewAccessKey::default()
    };
    match some(form, "life").as_deref() {
        Some("never") => {}
        Some("date") => {
            let day = some(form, "until").ok_or_else(|| wrong("choose a day"))?;
            new.expires_at = Some(day::moment(form, "until", &day, true)?);
        }
        Some(days) => {
            let days: u64 = days.parse().map_err(|_| wrong("choose how long the key lives"))?;
            new.expires_in = Some(days.saturating_mul(DAY));
        }
        None => return Err(wrong("choose how long the key lives")),
    }
    Ok(new)
}

/// `POST /account/access-keys/new`
pub(super) async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, form, result } = desk
        .submit(payload, |server, visit, form| {
            let new = read_new(form)?;
            require_proof(server, visit, form.optional("password").ok().flatten())?;
            access_keys::create(server, &Person::of(visit), new)
        })
        .await?;
    match result {
        Ok(made) => desk.page(&guest, secret_page(&desk, "account-keys-made", &made.key, made.secret)),
        Err(error) => desk.again(&guest, new_page(desk.texts, &desk.server, &guest, Some(&form)), &error).await,
    }
}

fn edit_page(desk: &Desk, guest: &Guest, key: &AccessKey, typed: Option<&Params>) -> Page {
    let texts = desk.texts;
    let fields = [
        Field::text("name", texts.say("column-name"), &*key.name).required(),
        Field::lines("description", texts.say("column-description"), &*key.description),
    ];
    let scopes = scopes_of(texts, &desk.server, &guest.visit.user, Some(key));
    let fields = fields.into_iter().chain(scopes).chain([addresses_field(texts, Some(key))]);
    let form = Form::new(format!("{}/edit", path_of(key)), "key-save", texts.say("action-save"));
    below(texts, "account-keys-edit", key).form(form.fields(fields).keep(typed).cancel(path_of(key)))
}

/// `GET /account/access-keys/{id}/edit`
pub(super) async fn edit(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, key) = desk.read(move |server, visit| access_keys::show(server, &Person::of(visit), &id)).await?;
    desk.page(&guest, edit_page(&desk, &guest, &key, None))
}

/// `POST /account/access-keys/{id}/edit`
pub(super) async fn update(desk: Desk, payload: web::Payload, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let Sent { guest, form, result } = desk
        .submit(payload, move |server, visit, form| {
            let person = Person::of(visit);
            let key = access_keys::show(server, &person, &id)?;
            let changed = read_edit(form)
                .map_err(Into::into)
                .and_then(|edit| access_keys::update(server, &person, &id, edit).map(drop));
            Ok((key, changed))
        })
        .await?;
    match result {
        Ok((key, Ok(()))) => desk.done(&path_of(&key), "saved"),
        Ok((key, Err(error))) => desk.again(&guest, edit_page(&desk, &guest, &key, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn read_edit(form: &Params) -> Result<AccessKeyEdit, Denial> {
    Ok(AccessKeyEdit {
        name: Some(some(form, "name").unwrap_or_default()),
        description: Some(lines(form, "description").unwrap_or_default()),
        scopes: Some(chosen_scopes(form)),
        allowed_addresses: Some(networks(form)?),
        ..AccessKeyEdit::default()
    })
}
