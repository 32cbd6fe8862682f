//! `/v1/audit-events` and its export

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};

use crate::domain::audit_event::AuditEvent;
use crate::domain::audit_filter::AuditFilter;
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::flows::audit_export::{self, AuditExport, ExportFormat};
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::{Server, audit};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, page};
use crate::http::error::api_error;
use crate::http::run::run_waiting;
use crate::protocol::params::Params;

/// The parameters that say which events are wanted.
const FILTER: [&str; 14] = [
    "action",
    "class",
    "outcome",
    "actor_kind",
    "actor_id",
    "target_kind",
    "target_id",
    "client_id",
    "address",
    "request_id",
    "since",
    "until",
    "q",
    "order",
];

fn rfc3339(name: &str, text: &str) -> Result<DateTime<Utc>, Denial> {
    let malformed =
        |_| Denial::MalformedRequest(format!("{name} must be a time such as 2026-01-31T12:00:00Z (RFC 3339)"));
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(malformed)
}

/// Which events are wanted; `time` reads a time by its name.
pub fn filter(
    params: &Params,
    time: impl Fn(&'static str, &str) -> Result<DateTime<Utc>, Denial>,
) -> Result<AuditFilter, Denial> {
    let text = |name| {
        let read = params.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()))?;
        // No database takes a NUL into a text.
        match read {
            Some(text) if text.contains('\0') => Err(Denial::MalformedRequest(format!("{name} holds a NUL"))),
            read => Ok(read.map(str::to_owned)),
        }
    };
    let time = |name| text(name)?.map(|text| time(name, &text)).transpose();
    let word = |name, known: &[&str]| match text(name)? {
        Some(word) if !known.contains(&word.as_str()) => {
            Err(Denial::MalformedRequest(format!("{name} must be one of {}", known.join(", "))))
        }
        word => Ok(word),
    };
    Ok(AuditFilter {
        action: text("action")?,
        class: word("class", &["security", "administration", "access"])?,
        outcome: word("outcome", &["success", "failure"])?,
        actor_kind: text("actor_kind")?,
        actor_id: text("actor_id")?,
        target_kind: text("target_kind")?,
        target_id: text("target_id")?,
        client_id: text("client_id")?,
        address: text("address")?.map(canonical),
        request_id: text("request_id")?,
        since: time("since")?,
        until: time("until")?,
        search: text("q")?.map(|search| search.trim().to_owned()).filter(|search| !search.is_empty()),
        person: None,
        oldest_first: word("order", &["newest", "oldest"])?.as_deref() == Some("oldest"),
    })
}

/// An address in the one spelling in which it is stored.
fn canonical(text: String) -> String {
    text.parse::<std::net::IpAddr>().map_or(text, |address| address.to_canonical().to_string())
}

fn known(further: &[&'static str]) -> Vec<&'static str> {
    FILTER.into_iter().chain(further.iter().copied()).collect()
}

/// A page of audit events.
#[utoipa::path(get, path = "/v1/audit-events", tag = "audit",
    description = "Newest first, or `order=oldest`. `q` finds an action, actor, target, client, address or request; from three characters on \
        also what begins so. A username in full finds what is by or on that user. At most some thousand events are looked at for one page: it can be short or empty and still have a `next_cursor`, \
        with which the search goes on. By time it may miss what an instance wrote whose clock was wrong by more than an hour.",
    params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query), ("action" = Option<String>, Query), ("class" = Option<String>, Query),
    ("outcome" = Option<String>, Query), ("actor_kind" = Option<String>, Query), ("actor_id" = Option<String>, Query), ("target_kind" = Option<String>, Query),
    ("target_id" = Option<String>, Query), ("client_id" = Option<String>, Query), ("address" = Option<String>, Query), ("request_id" = Option<String>, Query),
    ("since" = Option<DateTime<Utc>>, Query), ("until" = Option<DateTime<Utc>>, Query), ("q" = Option<String>, Query), ("order" = Option<String>, Query)),
    responses((status = 200, body = Page<AuditEvent>), (status = "4XX", body = Problem)), security(("bearer" = ["audit-events:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let read = |params: Params| -> Result<(AuditFilter, PageRequest), Denial> {
        Ok((filter(&params, rfc3339)?, page(&params, |cursor| cursor.parse::<i64>().is_ok())?))
    };
    match api.query(&known(&["cursor", "limit"])).and_then(read) {
        Ok((filter, page)) => {
            api.answer(api.run(move |server, caller| audit::list(server, caller, &filter, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// All events of a filter, as a stream.
#[utoipa::path(get, path = "/v1/audit-events/export", tag = "audit",
    description = "The same filter as the list, without pages. `format=jsonl` gives one JSON object a line, the last of which says how many there \
        were and how the chain stands; `format=csv` gives CSV in which no cell is a formula. The header Audit-Chain tells the chain's state when it began.",
    params(("format" = Option<String>, Query), ("action" = Option<String>, Query), ("class" = Option<String>, Query),
    ("outcome" = Option<String>, Query), ("actor_kind" = Option<String>, Query), ("actor_id" = Option<String>, Query), ("target_kind" = Option<String>, Query),
    ("target_id" = Option<String>, Query), ("client_id" = Option<String>, Query), ("address" = Option<String>, Query), ("request_id" = Option<String>, Query),
    ("since" = Option<DateTime<Utc>>, Query), ("until" = Option<DateTime<Utc>>, Query), ("q" = Option<String>, Query), ("order" = Option<String>, Query)),
    responses((status = 200, description = "The events.", content_type = "application/x-ndjson"), (status = "4XX", body = Problem)), security(("bearer" = ["audit-events:read"])))]
pub async fn export(api: Api) -> HttpResponse {
    let read = |params: Params| -> Result<(AuditFilter, ExportFormat), Denial> {
        let format = params.optional("format").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
        let format = format.map_or(Some(ExportFormat::JsonLines), ExportFormat::parse);
        let format = format.ok_or_else(|| Denial::MalformedRequest("format must be jsonl or csv".to_owned()))?;
        Ok((filter(&params, rfc3339)?, format))
    };
    let (filter, format) = match api.query(&known(&["format"])).and_then(read) {
        Ok(read) => read,
        Err(denial) => return api.unreadable(denial).await,
    };
    let begin = move |server: &Server, caller: &Caller| {
        Ok((audit_export::begin(server, caller, filter, format)?, caller.clone()))
    };
    match api.run(begin).await {
        Ok((export, caller)) => stream(&api.server, export, caller, format),
        Err(error) => api_error(&api.server, error),
    }
}

/// The answer that hands out an export that has begun.
pub fn stream(server: &web::Data<Server>, export: AuditExport, caller: Caller, format: ExportFormat) -> HttpResponse {
    let content_type = match format {
        ExportFormat::JsonLines => "application/x-ndjson",
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
    };
    let name = format!("attachment; filename=\"audit-events.{}\"", format.as_str());
    let chain = export.chain_header();
    let body = ExportBody { server: server.clone(), caller, next: Next::Waiting(Box::new(export)) };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("audit-chain", chain))
        .body(body)
}

type Part = FlowResult<(AuditExport, Option<String>)>;

enum Next {
    Waiting(Box<AuditExport>),
    Reading(Pin<Box<dyn Future<Output = Part>>>),
    Done,
}

/// An export as the body of an answer: the next part is read when the one before is taken.
struct ExportBody {
    server: web::Data<Server>,
    caller: Caller,
    next: Next,
}

impl MessageBody for ExportBody {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        loop {
            match std::mem::replace(&mut self.next, Next::Done) {
                Next::Done => return Poll::Ready(None),
                Next::Waiting(export) => {
                    let (server, caller) = (self.server.clone(), self.caller.clone());
                    self.next = Next::Reading(Box::pin(async move {
                        run_waiting(&server, move |server| {
                            let mut export = *export;
                            let part = export.next(server, &caller)?;
                            Ok((export, part))
                        })
                        .await
                    }));
                }
                Next::Reading(mut reading) => match reading.as_mut().poll(context) {
                    Poll::Pending => {
                        self.next = Next::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok((export, Some(part)))) => {
                        self.next = Next::Waiting(Box::new(export));
                        // An empty part would end the stream.
                        if !part.is_empty() {
                            return Poll::Ready(Some(Ok(part.into())));
                        }
                    }
                    Poll::Ready(Ok((_, None))) => return Poll::Ready(None),
                    // The connection is cut: nobody takes what there is for all.
                    Poll::Ready(Err(error)) => {
                        log::error!("an export was cut off: {error:?}");
                        return Poll::Ready(Some(Err(std::io::Error::other("the export was cut off"))));
                    }
                },
            }
        }
    }
}
