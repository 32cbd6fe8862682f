//! What every handler of a page is given: who asks, in which language, and the ways to answer. One hop to the blocking pool
//! finds the session and runs the use case; whoever is not signed in is sent to sign in.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::domain::denial::Denial;
use crate::domain::page::PageRequest;
use crate::domain::role;
use crate::flows::console::{self, Visit};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, csrf};
use crate::http::edge::Edge;
use crate::http::error::{PageError, page_error};
use crate::http::kit::cell::Tone;
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::{Page, PageTemplate};
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

/// A form that was sent, with what came of it.
pub struct Sent<T> {
    /// Who sent it.
    pub guest: Guest,
    /// What was in it.
    pub form: Params,
    /// What came of it.
    pub result: FlowResult<T>,
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

/// Does this form change who may do what? Everything in the console does, but for these.
fn is_dangerous(path: &str) -> bool {
    let harmless = ["/console/sign-out", "/console/env-file", "/console/audit/verify", "/console/explain"];
    let harmless_below = ["/console/webhooks/", "/console/projects"];
    let changes = path.starts_with("/console/") || path.starts_with("/account/access-keys");
    changes
        && !harmless.contains(&path)
        && !harmless_below.iter().any(|start| path.starts_with(start))
        // Somebody's own sign-in, shown to themselves.
        && !path.ends_with("/try")
}

/// Ends a handler with this answer.
fn instead(response: HttpResponse) -> actix_web::Error {
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

    /// Reads a form, checks that the page it came from was ours, and runs a use case with it.
    pub async fn submit<T: Send + 'static>(
        &self,
        payload: web::Payload,
        flow: impl FnOnce(&Server, &Visit, &Params) -> FlowResult<T> + Send + 'static,
    ) -> actix_web::Result<Sent<T>> {
        let form = extract::form(&self.request, payload).await;
        let form = form.map_err(|denial| instead(self.error(None, &denial.into())))?.with_plain_line_breaks();
        let session = cookies::console(&self.request, &self.edge);
        let browser = cookies::browser(&self.request, &self.edge);
        let token = form.optional("csrf").ok().flatten().map(str::to_owned);
        let sender = (browser.as_deref(), session.as_deref());
        if let Err(denial) = pages::check_form(&self.request, &self.server, &self.edge, sender, token.as_deref()) {
            // A form of a session that has ended is stale too: the way back is to sign in.
            let (guest, ()) = self.read(|_, _| Ok(())).await?;
            return Err(instead(self.error(Some(&guest), &denial.into())));
        }
        if is_dangerous(self.path()) {
            self.prove(&form).await?;
        }
        let sent = form.clone();
        let (guest, result) = self.run(move |server, visit| flow(server, visit, &sent)).await?;
        Ok(Sent { guest, form, result })
    }

    /// The path below the issuer.
    fn path(&self) -> &str {
        let path = self.request.path();
        path.strip_prefix(self.edge.base_path.as_str()).unwrap_or(path)
    }

    /// Goes on where the password was given lately, or with the form; else asks for it, with a form that holds what was sent.
    async fn prove(&self, form: &Params) -> actix_web::Result<()> {
        let password = form.optional("password").ok().flatten().map(str::to_owned);
        let proven = self.run(move |server, visit| console::require_proof(server, visit, password.as_deref()));
        let (guest, proven) = proven.await?;
        let Err(error) = proven else { return Ok(()) };
        let kept = form.iter().filter(|(name, _)| !["csrf", "password"].contains(name));
        let kept = kept.map(|(name, value)| Field::kept(name, value));
        let again = Form::new(self.path(), "password-proof", self.texts.say("confirm-go-on")).danger();
        let page = Page::new("", self.texts.say("confirm-title"))
            .form(again.fields(kept).fields(Some(Field::proof(self.texts))).cancel("/console"));
        let told = page_error(&self.server, &error);
        let text = self.say_error(&error, &told);
        let response = self.render(told.status, Some(&guest), &page.notice(Tone::Warn, text));
        Err(instead(pages::with_retry_after(response, told.retry_after)))
    }

    /// The session and the use case in one hop. What a page does may hash a password: it takes the waiting lane.
    async fn run<T: Send + 'static>(
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
            Ok(Some((visit, proven, result)))
        });
        match ran.await {
            // Without the browser's cookie no form could be sent: signing in sets it.
            Ok(Some((visit, proven, result))) if !browser.is_empty() => Ok((Guest { visit, csrf, proven }, result)),
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
        let mut response = self.see_other(departure.location);
        let back = if is_page { here } else { "/console" };
        cookies::set_departure(&mut response, &self.edge, &departure.cookie, back);
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
    pub fn again(&self, guest: &Guest, page: Page, error: &FlowError) -> Shown {
        let told = page_error(&self.server, error);
        let text = self.say_error(error, &told);
        Ok(self.render(told.status, Some(guest), &page.notice(Tone::Bad, text)))
    }

    /// The page of a refusal or failure.
    pub fn error(&self, guest: Option<&Guest>, error: &FlowError) -> HttpResponse {
        let told = page_error(&self.server, error);
        let page = Page::new("", self.texts.say("error-title"))
            .notice(Tone::Bad, self.say_error(error, &told))
            .link("/console", self.texts.say("error-back"));
        pages::with_retry_after(self.render(told.status, guest, &page), told.retry_after)
    }

    fn say_error(&self, error: &FlowError, told: &PageError) -> String {
        say_error(self.texts, error, told)
    }

    fn render(&self, status: StatusCode, guest: Option<&Guest>, page: &page::Page) -> HttpResponse {
        let template = PageTemplate {
            frame: Frame::of(&self.request, &self.edge),
            texts: self.texts,
            script_version: &SCRIPT_VERSION,
            nav: guest
                .map(|guest| nav::groups(&self.server.config, self.texts, &guest.visit.caller.held))
                .unwrap_or_default(),
            username: guest.map(|guest| guest.visit.user.username.as_str()),
            csrf: guest.map(|guest| guest.csrf.as_str()).unwrap_or_default(),
            page,
        };
        pages::render(status, &template, POLICY.to_owned())
    }
}

/// What went wrong, in the reader's language where it is one of the usual things.
pub fn say_error(texts: Texts, error: &FlowError, told: &PageError) -> String {
    let FlowError::Denied(denial) = error else { return texts.say("error-failed") };
    match denial {
        Denial::LoginFailed => texts.say("error-login-failed"),
        Denial::PasswordNeeded => texts.say("error-password-needed"),
        Denial::PasswordWrong => texts.say("error-password-wrong"),
        Denial::NotConfirmed => texts.say("error-not-confirmed"),
        Denial::CsrfMismatch => texts.say("error-stale-form"),
        Denial::ConsoleSignInStale => texts.say("error-sign-in-stale"),
        Denial::LoginThrottled(seconds) => texts.say_with("error-throttled", "seconds", *seconds),
        Denial::BearerScopeMissing(scope) => texts.say_with("error-not-allowed", "scope", *scope),
        Denial::NotFound(_) => texts.say("error-not-found"),
        _ => texts.say_with("error-refused", "reason", told.text.clone()),
    }
}
