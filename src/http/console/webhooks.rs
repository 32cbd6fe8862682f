//! `/console/webhooks`: where alerts go, and what became of them; and `/console/logout-deliveries`, the same for logout tokens.

use actix_web::web;

use crate::crypto::random::is_id;
use crate::domain::denial::Denial;
use crate::domain::logout_delivery::LogoutDeliveryFilter;
use crate::domain::webhook_delivery::{DeliveryFilter, DeliveryStatus, WebhookDelivery};
use crate::flows::{alerts, logout_deliveries};
use crate::http::kit::cell::{Button, Cell, Tone};
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

const HOME: &str = "/console/webhooks";
const LOGOUTS: &str = "/console/logout-deliveries";
/// The scope that sends.
const WRITE: &str = "alerts:write";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(web::resource("/console/webhooks/test").route(web::post().to(test)))
        .service(web::resource("/console/webhooks/resend").route(web::post().to(resend)))
        .service(web::resource(LOGOUTS).route(web::get().to(list_logouts)));
}

fn given(query: &Params, name: &'static str) -> Option<String> {
    query.optional(name).ok().flatten().map(str::to_owned)
}

fn statuses(texts: Texts, chosen: Option<DeliveryStatus>) -> Field {
    let all = [DeliveryStatus::Pending, DeliveryStatus::Delivered, DeliveryStatus::Dead];
    let mut choices = vec![Choice::new("", texts.say("audit-any")).chosen(chosen.is_none())];
    choices.extend(all.into_iter().map(|status| {
        let label = texts.say(&format!("delivery-{}", status.as_str()));
        Choice::new(status.as_str(), label).chosen(chosen == Some(status))
    }));
    Field::select("status", texts.say("column-status"), choices)
}

fn badge(texts: Texts, status: DeliveryStatus) -> Cell {
    let tone = match status {
        DeliveryStatus::Pending => Tone::Warn,
        DeliveryStatus::Delivered => Tone::Good,
        DeliveryStatus::Dead => Tone::Bad,
    };
    Cell::Badge(tone, texts.say(&format!("delivery-{}", status.as_str())))
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(is_id);
    let filter = DeliveryFilter {
        status: given(&query, "status").and_then(|status| DeliveryStatus::parse(&status)),
        endpoint: given(&query, "endpoint"),
        alert_id: given(&query, "alert_id"),
    };
    let (status, endpoint) = (filter.status, filter.endpoint.clone());
    let (guest, (found, endpoints)) = desk
        .read(move |server, visit| {
            let found = alerts::list_deliveries(server, &visit.caller, &filter, &page)?;
            let endpoints = server.config.alert_endpoints();
            Ok((found, endpoints.map(|(name, events)| (name.to_owned(), events.0.join(" "))).collect::<Vec<_>>()))
        })
        .await?;
    let may = guest.may(WRITE);
    let tried =
        found.items.first().filter(|_| given(&query, "tested").is_some()).and_then(|tried| outcome(texts, tried));
    let test = |name: &str| {
        let (action, label) = ("/console/webhooks/test".to_owned(), texts.say("webhook-test"));
        let id = Some(format!("test-{name}"));
        Cell::Button(Button { action, label, fields: vec![("endpoint", name.to_owned())], id })
    };
    let rows = endpoints
        .iter()
        .map(|(name, events)| vec![Cell::code(name), Cell::code(events), if may { test(name) } else { Cell::Nothing }]);
    let columns = ["webhook-endpoint", "webhook-events", "webhook-test"].map(|key| texts.say(key));
    let configured = Table::new(texts.say("webhook-endpoints"), columns).rows(rows).empty(texts.say("webhooks-empty"));
    let mut choices = vec![Choice::new("", texts.say("audit-any")).chosen(endpoint.is_none())];
    choices.extend(
        endpoints.iter().map(|(name, _)| Choice::new(name, name).chosen(endpoint.as_deref() == Some(name.as_str()))),
    );
    let columns = [
        "column-created",
        "webhook-endpoint",
        "webhook-event",
        "column-status",
        "delivery-attempts",
        "delivery-next",
        "delivery-error",
        "webhook-resend",
    ];
    let deliveries = Table::new(texts.say("webhook-deliveries"), columns.map(|key| texts.say(key)))
        .rows(found.items.into_iter().map(|delivery| row(texts, delivery, may)))
        .empty(texts.say("deliveries-empty"))
        .filters(vec![
            statuses(texts, status),
            Field::select("endpoint", texts.say("webhook-endpoint"), choices),
            Field::hidden("alert_id", given(&query, "alert_id").unwrap_or_default()),
        ])
        .pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-webhooks")).lead(texts.say("webhooks-lead"));
    let page = tried.into_iter().fold(page, |page, (tone, text)| page.notice(tone, text)).table(configured);
    desk.page(&guest, page.block(Block::Heading(texts.say("webhook-deliveries"))).table(deliveries))
}

/// What became of a test that did not arrive at once.
fn outcome(texts: Texts, delivery: &WebhookDelivery) -> Option<(Tone, String)> {
    let reason = delivery.last_error.clone().unwrap_or_default();
    match delivery.status {
        DeliveryStatus::Pending => Some((Tone::Warn, texts.say_with("webhook-test-pending", "reason", reason))),
        DeliveryStatus::Dead => Some((Tone::Bad, texts.say_with("webhook-test-dead", "reason", reason))),
        DeliveryStatus::Delivered => Some((Tone::Good, texts.say("done-webhook-tested"))),
    }
}

fn row(texts: Texts, delivery: WebhookDelivery, may: bool) -> Vec<Cell> {
    let is_pending = delivery.status == DeliveryStatus::Pending;
    let resend = Cell::Button(Button {
        action: "/console/webhooks/resend".to_owned(),
        label: texts.say("webhook-resend"),
        fields: vec![("id", delivery.id.clone())],
        id: Some(format!("resend-{}", delivery.id)),
    });
    vec![
        Cell::Time(delivery.created_at),
        Cell::code(delivery.endpoint),
        Cell::code(delivery.event_type),
        badge(texts, delivery.status),
        Cell::number(delivery.attempts),
        if is_pending { Cell::Time(delivery.next_attempt_at) } else { Cell::Nothing },
        Cell::maybe(delivery.last_error),
        if may && !is_pending { resend } else { Cell::Nothing },
    ]
}

async fn test(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, result, .. } = desk
        .submit(payload, |server, visit, form| {
            let name = form.optional("endpoint").ok().flatten().ok_or(Denial::NotFound("webhook"))?;
            alerts::test(server, &visit.caller, name)
        })
        .await?;
    match result {
        Ok(delivery) if delivery.status == DeliveryStatus::Delivered => desk.done(HOME, "webhook-tested"),
        // The list of this delivery alone says what became of it.
        Ok(delivery) => Ok(desk.go(&format!("{HOME}?tested=1&alert_id={}", delivery.alert_id))),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

async fn resend(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, result, .. } = desk
        .submit(payload, |server, visit, form| {
            let id = form.optional("id").ok().flatten().ok_or(Denial::NotFound("delivery"))?;
            alerts::resend(server, &visit.caller, id)
        })
        .await?;
    match result {
        Ok(_) => desk.done(HOME, "webhook-resent"),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

async fn list_logouts(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(is_id);
    let filter = LogoutDeliveryFilter {
        status: given(&query, "status").and_then(|status| DeliveryStatus::parse(&status)),
        client_id: given(&query, "client_id"),
    };
    let (status, client) = (filter.status, filter.client_id.clone().unwrap_or_default());
    let (guest, found) =
        desk.read(move |server, visit| logout_deliveries::list(server, &visit.caller, &filter, &page)).await?;
    let rows = found.items.into_iter().map(|delivery| {
        let is_pending = delivery.status == DeliveryStatus::Pending;
        vec![
            Cell::Time(delivery.created_at),
            Cell::code(delivery.client_id.0),
            Cell::code(delivery.user_id.0),
            badge(texts, delivery.status),
            Cell::number(delivery.attempts),
            if is_pending { Cell::Time(delivery.next_attempt_at) } else { Cell::Nothing },
            Cell::maybe(delivery.last_error),
        ]
    });
    let columns = [
        "logout-delivery-ended",
        "audit-client",
        "logout-delivery-user",
        "column-status",
        "delivery-attempts",
        "delivery-next",
        "delivery-error",
    ];
    let table = Table::new(texts.say("nav-logout-deliveries"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(texts.say("logout-delivery-empty"))
        .filters(vec![statuses(texts, status), Field::text("client_id", texts.say("audit-client"), client)])
        .pages(LOGOUTS, &query, found.next_cursor.as_deref());
    desk.page(
        &guest,
        Page::new(LOGOUTS, texts.say("nav-logout-deliveries")).lead(texts.say("logout-delivery-lead")).table(table),
    )
}
