//! `/account`: what people say of themselves.

use actix_web::web;

use crate::domain::profile::{Address, Profile};
use crate::domain::user::User;
use crate::flows::account::Person;
use crate::flows::account::profile::{self, OwnProfile};
use crate::flows::console::require_proof;
use crate::http::account::{lines, some};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Field, Form, Kind};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

const HOME: &str = "/account";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(show)).route(web::post().to(update)));
}

/// A line of text: its name, which is that of its claim, its label, its value, and the token of `autocomplete` (WCAG 2.2
/// §1.3.5).
fn line(name: &'static str, label: String, value: Option<&String>, autocomplete: &'static str) -> Field {
    Field::text(name, label, value.cloned().unwrap_or_default()).autocomplete(autocomplete)
}

fn address_of_page(name: &'static str, label: String, value: Option<&String>) -> Field {
    let kind = Kind::Text(value.cloned().unwrap_or_default(), 2048, "url");
    Field { kind, ..line(name, label, value, "url") }
}

fn fields(texts: Texts, user: &User) -> Vec<Field> {
    let profile = &user.profile;
    let none = Address::default();
    let address = profile.address.as_ref().unwrap_or(&none);
    let street = address.street_address.clone().unwrap_or_default();
    vec![
        line("name", texts.say("account-claim-name"), user.name.as_ref(), "name"),
        line("given_name", texts.say("account-claim-given-name"), profile.given_name.as_ref(), "given-name"),
        line("middle_name", texts.say("account-claim-middle-name"), profile.middle_name.as_ref(), "additional-name"),
        line("family_name", texts.say("account-claim-family-name"), profile.family_name.as_ref(), "family-name"),
        line("nickname", texts.say("account-claim-nickname"), profile.nickname.as_ref(), "nickname"),
        line("email", texts.say("account-claim-email"), user.email.as_ref(), "email")
            .hint(texts.say("account-email-hint")),
        line("phone_number", texts.say("account-claim-phone-number"), profile.phone_number.as_ref(), "tel")
            .hint(texts.say("account-phone-hint")),
        line("birthdate", texts.say("account-claim-birthdate"), profile.birthdate.as_ref(), "bday")
            .hint(texts.say("account-birthdate-hint")),
        line("gender", texts.say("account-claim-gender"), profile.gender.as_ref(), "sex"),
        line("locale", texts.say("account-claim-locale"), profile.locale.as_ref(), "language")
            .hint(texts.say("account-locale-hint")),
        line("zoneinfo", texts.say("account-claim-zoneinfo"), profile.zoneinfo.as_ref(), "off")
            .hint(texts.say("account-zoneinfo-hint")),
        Field::lines("street_address", texts.say("account-claim-street-address"), street),
        line("postal_code", texts.say("account-claim-postal-code"), address.postal_code.as_ref(), "postal-code"),
        line("locality", texts.say("account-claim-locality"), address.locality.as_ref(), "address-level2"),
        line("region", texts.say("account-claim-region"), address.region.as_ref(), "address-level1"),
        line("country", texts.say("account-claim-country"), address.country.as_ref(), "country-name"),
        address_of_page("website", texts.say("account-claim-website"), profile.website.as_ref()),
        address_of_page("profile", texts.say("account-claim-profile"), profile.profile.as_ref()),
        address_of_page("picture", texts.say("account-claim-picture"), profile.picture.as_ref()),
    ]
}

fn verified(texts: Texts, is_verified: bool) -> Cell {
    if is_verified {
        Cell::Badge(Tone::Good, texts.say("account-verified"))
    } else {
        Cell::Badge(Tone::Plain, texts.say("account-not-verified"))
    }
}

fn page(texts: Texts, guest: &Guest, typed: Option<&Params>) -> Page {
    let user = &guest.visit.user;
    let mut facts = vec![
        (texts.say("account-username"), Cell::text(&user.username)),
        (texts.say("account-since"), Cell::Time(user.created_at)),
    ];
    if user.email.is_some() {
        let is_verified = user.profile.email_verified == Some(true);
        facts.push((texts.say("account-claim-email"), verified(texts, is_verified)));
    }
    if user.profile.phone_number.is_some() {
        let is_verified = user.profile.phone_number_verified == Some(true);
        facts.push((texts.say("account-claim-phone-number"), verified(texts, is_verified)));
    }
    if !user.roles.is_empty() {
        facts.push((texts.say("account-roles"), Cell::Codes(user.roles.clone())));
    }
    // An address is what others may know an account by: another one is not set by whoever finds a browser open.
    let proof = guest.proof(texts).map(|field| Field { required: false, ..field });
    let proof = proof.map(|field| field.hint(texts.say("account-email-proof")));
    let form = Form::new(HOME, "profile-save", texts.say("action-save"));
    Page::new(HOME, texts.say("nav-profile"))
        .lead(texts.say("account-profile-lead"))
        .facts(facts)
        .block(Block::Heading(texts.say("account-profile-heading")))
        .form(form.fields(fields(texts, user)).fields(proof).keep(typed))
}

async fn show(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|_, _| Ok(())).await?;
    desk.page(&guest, page(desk.texts, &guest, None))
}

fn read(form: &Params, before: &User) -> OwnProfile {
    let known = before.profile.address.clone().unwrap_or_default();
    let address = Address {
        formatted: None,
        street_address: lines(form, "street_address"),
        locality: some(form, "locality"),
        region: some(form, "region"),
        postal_code: some(form, "postal_code"),
        country: some(form, "country"),
    };
    // The whole address, where something else wrote it: right as long as none of its parts is another one.
    let formatted = known.formatted.clone().filter(|_| Address { formatted: None, ..known } == address);
    let address = Address { formatted, ..address };
    let profile = Profile {
        given_name: some(form, "given_name"),
        family_name: some(form, "family_name"),
        middle_name: some(form, "middle_name"),
        nickname: some(form, "nickname"),
        profile: some(form, "profile"),
        picture: some(form, "picture"),
        website: some(form, "website"),
        gender: some(form, "gender"),
        birthdate: some(form, "birthdate"),
        zoneinfo: some(form, "zoneinfo"),
        locale: some(form, "locale"),
        phone_number: some(form, "phone_number"),
        address: (address != Address::default()).then_some(address),
        ..Profile::default()
    };
    OwnProfile { name: some(form, "name"), email: some(form, "email"), profile }
}

async fn update(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, form, result } = desk
        .submit(payload, |server, visit, form| {
            let person = Person::of(visit);
            let own = read(form, &person.user);
            if own.email != person.user.email {
                require_proof(server, visit, form.optional("password").ok().flatten())?;
            }
            profile::update(server, &person, own).map(drop)
        })
        .await?;
    match result {
        Ok(()) => desk.done(HOME, "saved"),
        Err(error) => desk.again(&guest, page(desk.texts, &guest, Some(&form)), &error).await,
    }
}
