//! Deleting a client: its name is typed, for it does not come back.

use actix_web::web;

use crate::domain::client::Client;
use crate::flows::clients;
use crate::flows::console::require_proof;
use crate::http::console::clients::{HOME, WRITE, below, path};
use crate::http::kit::confirm::{Confirm, check_typed};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::page::{Action, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// The way to the question, for whoever may delete this client.
pub fn action(texts: Texts, guest: &Guest, client: &Client) -> Option<Action> {
    guest.may(WRITE).then(|| Action::danger(format!("{}/delete", path(client)), texts.say("action-delete")))
}

fn question(texts: Texts, guest: &Guest, client: &Client, typed: Option<&Params>) -> Page {
    let confirm = Confirm {
        action: format!("{}/delete", path(client)),
        text: texts.say_with("clients-delete-text", "name", client.client_name.as_str()),
        submit: texts.say("action-delete"),
        id: "client-delete".to_owned(),
        typed: Some(client.client_name.clone()),
        fields: Vec::new(),
        cancel: path(client),
    };
    below(texts, client, "clients-delete").confirm(texts, guest, confirm, typed)
}

/// `GET /console/clients/{id}/delete`
pub async fn ask(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let found = desk.read(move |server, visit| {
        visit.caller.require(WRITE)?;
        clients::show(server, &visit.caller, &id)
    });
    let (guest, client) = found.await?;
    desk.page(&guest, question(desk.texts, &guest, &client, None))
}

/// `POST /console/clients/{id}/delete`
pub async fn delete(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        visit.caller.require(WRITE)?;
        let client = clients::show(server, &visit.caller, &id)?;
        let deleted = check_typed(form, &client.client_name).map_err(Into::into).and_then(|()| {
            require_proof(server, visit, form.optional("password").ok().flatten())?;
            clients::delete(server, &visit.caller, &id, &client.client_name)
        });
        Ok((client, deleted))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(()))) => desk.done(HOME, "deleted"),
        Ok((client, Err(error))) => {
            desk.again(&guest, question(desk.texts, &guest, &client, Some(&form)), &error).await
        }
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
