//! What every handler of a page is given: who asks, in which language, and the ways to answer. One hop to the blocking pool
//! finds the session and runs the use case; whoever is not signed in is sent to sign in.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::domain::page::PageRequest;
use crate::domain::role;
use crate::flows::console::{self, Visit};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, csrf, single_use};
use crate::http::edge::Edge;
use crate::http::error::{PageError, page_error};
use crate::http::kit::cell::Tone;
use crate::http::kit::form::Field;
use crate::http::kit::page::{Page, PageTemplate};
use crate::http::kit::sentences::say_error;
pub use crate::http::kit::submit::Sent;
use crate::http::kit::texts::Texts;
use crate::http::kit::{nav, page};
use crate::http::pages::{self, Frame};
use crate::http::run::run_waiting;
use crate::http::{cookies, extract, pages::SCRIPT_VERSION};
use crate::protocol::params::Params;

/// What a handler answers: a page, or what is told instead of one.
pub type Shown = actix_web::Result<HttpResponse>;

/// The policy of these pages: everything from here, nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'";

/// What every handler of a page is given.
#[derive(Clone)]
pub struct Desk {
    /// The server.
    pub server: web::Data<Server>,
    /// The edge.
    pub edge: web::Data<Edge>,
    /// The request.
    pub request: HttpRequest,
    /// The texts in the reader's language.
    pub texts: Texts,
}

/// Somebody who is signed in.
pub struct Guest {
    /// Who, and what they may.
    pub visit: Visit,
    /// The token of their forms.
    pub csrf: String,
    /// The id of forms that are taken once.
    pub once: String,
    /// What the form that was sent has used up.
    pub(super) used: Option<String>,
    /// Was the password given lately?
    pub proven: bool,
}

impl Guest {
    /// Do they hold this scope?
    pub fn may(&self, scope: &str) -> bool {
        role::holds(&self.visit.caller.held, scope)
    }

    /// The field for the password, where it is asked for.
    pub fn proof(&self, texts: Texts) -> Option<Field> {
        (!self.proven).then(|| Field::proof(texts))
    }
}

impl actix_web::FromRequest for Desk {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let data = (request.app_data::<web::Data<Server>>(), request.app_data::<web::Data<Edge>>());
        std::future::ready(match data {
            (Some(server), Some(edge)) => Ok(Self {
                server: server.clone(),
                edge: edge.clone(),
                texts: Texts::of(request),
                request: request.clone(),
            }),
            _ => Err(actix_web::error::ErrorServiceUnavailable("the server is not set up")),
        })
    }
}

/// Ends a handler with this answer.
pub(super) fn instead(response: HttpResponse) -> actix_web::Error {
    actix_web::error::InternalError::from_response("answered", response).into()
}

impl Desk {
    /// Runs a use case for whoever is signed in.
    pub async fn read<T: Send + 'static>(
        &self,
        flow: impl FnOnce(&Server, &Visit) -> FlowResult<T> + Send + 'static,
    ) -> actix_web::Result<(Guest, T)> {
        let (guest, result) = self.run(flow).await?;
        match result {
            Ok(found) => Ok((guest, found)),
            Err(error) => Err(instead(self.error(Some(&guest), &error))),
        }
    }

    /// The path below the issuer, as the route was found by it: letters may have come as `%65`, and are the same letters
    /// (RFC 3986 §6.2.2.2).
    pub fn path(&self) -> &str {
        let path = self.request.match_info().as_str();
        path.strip_prefix(self.edge.base_path.as_str()).unwrap_or(path)
    }

    /// The session and the use case in one hop. What a page does may hash a password: it takes the waiting lane.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        flow: impl FnOnce(&Server, &Visit) -> FlowResult<T> + Send + 'static,
    ) -> actix_web::Result<(Guest, FlowResult<T>)> {
        let session = cookies::console(&self.request, &self.edge);
        let browser = cookies::browser(&self.request, &self.edge).unwrap_or_default();
        let source = extract::source(&self.request, &self.edge);
        let csrf = csrf::token(&self.server, &browser, session.as_deref());
        let ran = run_waiting(&self.server, move |server| {
            let Some(visit) = console::current(server, session.as_deref(), source)? else { return Ok(None) };
            let result = flow(server, &visit);
            // Asked again: the use case may just have proven it.
            let proven = console::is_proven(server, &visit);
            let once = single_use::issue(server, &visit)?;
            Ok(Some((Guest { visit, csrf, once, used: None, proven }, result)))
        });
        match ran.await {
            // Without the browser's cookie no form could be sent: signing in sets it.
            Ok(Some(found)) if !browser.is_empty() => Ok(found),
            Ok(_) => Err(instead(self.sign_in())),
            Err(error) => Err(instead(self.error(None, &error))),
        }
    }

    /// Sends the browser to sign in, and back here.
    fn sign_in(&self) -> HttpResponse {
        let departure = match console::depart(&self.server) {
            Ok(departure) => departure,
            Err(error) => return self.error(None, &error),
        };
        let path = self.request.uri().path_and_query().map_or("", |path| path.as_str());
        let here = path.strip_prefix(self.edge.base_path.as_str()).unwrap_or(path);
        let is_page = self.request.method() == actix_web::http::Method::GET;
        let mut response = self.see_other(departure.location.clone());
        let back = if is_page { here } else { self.edge.first_page() };
        cookies::set_departure(&self.request, &mut response, &self.edge, &departure, back);
        response
    }

    fn see_other(&self, location: String) -> HttpResponse {
        HttpResponse::SeeOther()
            .insert_header((LOCATION, location))
            .insert_header((actix_web::http::header::CACHE_CONTROL, "no-store"))
            .insert_header((REFERRER_POLICY, "same-origin"))
            .finish()
    }

    /// To a page of this server, which says what was done: `done-<key>` of the texts. RFC 9110 §15.4.4: a reload does not
    /// send the form again.
    pub fn done(&self, path: &str, key: &str) -> Shown {
        let separator = if path.contains('?') { '&' } else { '?' };
        Ok(self.see_other(format!("{}{path}{separator}done={key}", self.edge.base_path)))
    }

    /// To a page of this server.
    pub fn go(&self, path: &str) -> HttpResponse {
        self.see_other(format!("{}{path}", self.edge.base_path))
    }

    /// To an endpoint of this server, by its full address.
    pub fn away(&self, location: String) -> HttpResponse {
        self.see_other(location)
    }

    /// The query; unknown parameters are ignored, for people edit addresses by hand.
    pub fn query(&self) -> Params {
        extract::query(&self.request).unwrap_or_default()
    }

    /// Which page of a list is asked for; the first where the cursor is none of this list.
    pub fn page_request(&self, is_key: impl Fn(&str) -> bool) -> PageRequest {
        let query = self.query();
        let after = query.optional("cursor").ok().flatten().filter(|cursor| is_key(cursor));
        PageRequest::new(after.map(str::to_owned), None)
    }

    /// Answers with a page.
    pub fn page(&self, guest: &Guest, page: Page) -> Shown {
        let query = self.query();
        let done = query.optional("done").ok().flatten().map(|key| format!("done-{key}"));
        let page = match done.filter(|key| page.notice.is_none() && self.texts.has(key)) {
            Some(key) => page.notice(Tone::Good, self.texts.say(&key)),
            None => page,
        };
        Ok(self.render(StatusCode::OK, Some(guest), &page))
    }

    /// The page of a form that was refused, with the reason.
    pub async fn again(&self, guest: &Guest, page: Page, error: &FlowError) -> Shown {
        self.give_back(guest, error).await?;
        let told = page_error(&self.server, error);
        let text = self.say_error(error, &told);
        let answer = self.render(told.status, Some(guest), &page.notice(Tone::Bad, text));
        Ok(pages::with_retry_after(answer, told.retry_after))
    }

    /// The page of a refusal or failure.
    pub fn error(&self, guest: Option<&Guest>, error: &FlowError) -> HttpResponse {
        let told = page_error(&self.server, error);
        let page = Page::new("", self.texts.say("error-title"))
            .notice(Tone::Bad, self.say_error(error, &told))
            .link(self.edge.first_page(), self.texts.say("error-back"));
        pages::with_retry_after(self.render(told.status, guest, &page), told.retry_after)
    }

    /// A page that does not ask who reads it.
    pub fn plain(&self, status: StatusCode, page: &Page) -> HttpResponse {
        self.render(status, None, page)
    }

    pub(super) fn say_error(&self, error: &FlowError, told: &PageError) -> String {
        say_error(self.texts, error, told)
    }

    pub(super) fn render(&self, status: StatusCode, guest: Option<&Guest>, page: &page::Page) -> HttpResponse {
        let template = PageTemplate {
            frame: Frame::of(&self.request, &self.edge),
            texts: self.texts,
            script_version: &SCRIPT_VERSION,
            nav: guest
                .map(|guest| nav::groups(&self.server.config, self.texts, &guest.visit.caller.held))
                .unwrap_or_default(),
            username: guest.map(|guest| guest.visit.user.username.as_str()),
            csrf: guest.map(|guest| guest.csrf.as_str()).unwrap_or_default(),
            once: guest.map(|guest| guest.once.as_str()).unwrap_or_default(),
            page,
        };
        pages::render(status, &template, POLICY.to_owned())
    }
}
