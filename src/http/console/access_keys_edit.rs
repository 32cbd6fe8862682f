//! `/console/access-keys/new` and `.../edit`: making a key, whose secret is shown this once, and changing one.

use actix_web::web;

use crate::domain::access_key::AccessKey;
use crate::flows::Server;
use crate::flows::access_keys::{self, AccessKeyWithSecret};
use crate::flows::console::Visit;
use crate::flows::error::{FlowError, FlowResult};
use crate::http::console::access_keys::{HOME, WRITE, home};
use crate::http::console::access_keys_form::{Choices, fields, read_edit, read_new};
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::Form;
use crate::http::kit::page::{Block, Page, Secret};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/console/access-keys/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(
            web::resource("/console/access-keys/{id}/edit").route(web::get().to(edit)).route(web::post().to(update)),
        );
}

fn new_page(texts: Texts, choices: &Choices, typed: Option<&Params>) -> Page {
    let form = Form::new(format!("{HOME}/new"), "access-key-create", texts.say("action-create")).once();
    home(texts, texts.say("access-keys-new"))
        .lead(texts.say("access-keys-new-lead"))
        .form(form.fields(fields(texts, choices, None)).keep(typed).cancel(HOME))
}

async fn new(desk: Desk) -> Shown {
    let found = desk.read(|server, visit| {
        visit.caller.require(WRITE)?;
        Choices::read(server, &visit.caller)
    });
    let (guest, choices) = found.await?;
    desk.page(&guest, new_page(desk.texts, &choices, None))
}

/// The page that shows a secret: the only one that ever does.
pub fn secret_page(desk: &Desk, title: &str, made: AccessKeyWithSecret) -> Page {
    let texts = desk.texts;
    let AccessKeyWithSecret { key, secret } = made;
    let env = format!("{}={secret}", desk.server.config.access_keys.env_variable);
    let label = texts.say_with("access-keys-secret-of", "name", key.name.as_str());
    home(texts, texts.say(title))
        .link(format!("{HOME}/{}", key.id), texts.say("access-keys-to-key"))
        .block(Block::Secret(Secret { label, text: secret, env }))
        .block(Block::Text(texts.say("access-keys-secret-use")))
}

async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |server, visit, form| {
        visit.caller.require(WRITE)?;
        let choices = Choices::read(server, &visit.caller)?;
        let made =
            read_new(server, &visit.caller, form).and_then(|new| access_keys::create(server, &visit.caller, new));
        Ok((choices, made))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(made))) => desk.page(&guest, secret_page(&desk, "access-keys-made", made)),
        Ok((choices, Err(error))) => desk.again(&guest, new_page(desk.texts, &choices, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn edit_page(texts: Texts, choices: &Choices, key: &AccessKey, typed: Option<&Params>) -> Page {
    let path = format!("{HOME}/{}", key.id);
    let form = Form::new(format!("{path}/edit"), "access-key-save", texts.say("action-save"));
    home(texts, texts.say("access-keys-edit"))
        .below(path.clone(), key.name.as_str())
        .form(form.fields(fields(texts, choices, Some(key))).keep(typed).cancel(path))
}

fn find(server: &Server, visit: &Visit, id: &str) -> FlowResult<(AccessKey, Choices)> {
    visit.caller.require(WRITE)?;
    Ok((access_keys::show(server, &visit.caller, id)?, Choices::read(server, &visit.caller)?))
}

async fn edit(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, (key, choices)) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, edit_page(desk.texts, &choices, &key, None))
}

type Updated = (AccessKey, Choices, Result<(), FlowError>);

async fn update(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| -> FlowResult<Updated> {
        let (key, choices) = find(server, visit, &id)?;
        let done = read_edit(server, form).and_then(|edit| access_keys::update(server, &visit.caller, &id, edit));
        Ok((key, choices, done.map(drop)))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((key, _, Ok(()))) => desk.done(&format!("{HOME}/{}", key.id), "saved"),
        Ok((key, choices, Err(error))) => {
            desk.again(&guest, edit_page(desk.texts, &choices, &key, Some(&form)), &error).await
        }
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
