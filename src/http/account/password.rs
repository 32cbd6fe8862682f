//! `/account/password`: a new password, by whoever knows the old one.

use actix_web::web;
use zeroize::Zeroizing;

use crate::flows::account::Person;
use crate::flows::account::password::{self, PasswordChange};
use crate::http::kit::cell::Tone;
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::texts::Texts;

const HOME: &str = "/account/password";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(show)).route(web::post().to(change)));
}

fn page(texts: Texts) -> Page {
    let fields = [
        Field::password("old_password", texts.say("account-password-old"), "current-password"),
        Field::password("new_password", texts.say("account-password-new"), "new-password")
            .hint(texts.say("account-password-hint")),
        Field::password("new_password_again", texts.say("account-password-again"), "new-password"),
    ];
    let form = Form::new(HOME, "password-change", texts.say("account-password-change"));
    Page::new(HOME, texts.say("nav-password"))
        .lead(texts.say("account-password-lead"))
        .form(form.fields(fields))
        .block(Block::Text(texts.say("account-password-consequences")))
}

async fn show(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|_, _| Ok(())).await?;
    desk.page(&guest, page(desk.texts))
}

/// Were both new passwords the same?
enum Changed {
    Done,
    Differ,
}

async fn change(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, result, .. } = desk
        .submit(payload, |server, visit, form| {
            let secret = |name| Zeroizing::new(form.optional(name).ok().flatten().unwrap_or_default().to_owned());
            let (old, new) = (secret("old_password"), secret("new_password"));
            if new.as_bytes() != secret("new_password_again").as_bytes() {
                return Ok(Changed::Differ);
            }
            password::change(server, &Person::of(visit), PasswordChange { old, new }).map(|()| Changed::Done)
        })
        .await?;
    match result {
        // The pages' own grant has ended with all others: the way there leads through a new session of theirs.
        Ok(Changed::Done) => desk.done(HOME, "account-password-changed"),
        Ok(Changed::Differ) => {
            let page = page(desk.texts).notice(Tone::Bad, desk.texts.say("account-password-differ"));
            desk.page(&guest, page)
        }
        Err(error) => desk.again(&guest, page(desk.texts), &error).await,
    }
}
