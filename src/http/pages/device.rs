//! `GET|POST /device` (RFC 8628 §3.3): a person types the code that a device shows, signs in, and decides.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::domain::audit_event::Source;
use crate::domain::denial::Denial;
use crate::flows::device::{self, DeviceAnswer, DeviceQuestion, DeviceStep, Typed};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::limits::Door;
use crate::flows::{Server, csrf};
use crate::http::edge::Edge;
use crate::http::pages::about_client::AboutClient;
use crate::http::pages::login;
use crate::http::pages::{self, FormTarget, Frame, policy, policy_with_picture, render};
use crate::http::run::run;
use crate::http::{cookies, extract, limits, respond};
use crate::protocol::params::Params;

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage<'a> {
    frame: Frame,
    csrf: String,
    user_code: &'a str,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "device_consent.html")]
struct DeviceConsentPage<'a> {
    frame: Frame,
    csrf: String,
    question: &'a DeviceQuestion,
    about: AboutClient<'a>,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DeviceDonePage {
    frame: Frame,
    allowed: bool,
}

/// What server, settings and request a page is made for.
struct Asked<'a> {
    request: &'a HttpRequest,
    server: &'a web::Data<Server>,
    edge: &'a Edge,
}

/// Who typed a code, in a form that can go to another thread.
struct Person {
    session: Option<String>,
    browser: Option<String>,
    source: Source,
}

impl Person {
    fn typed<'a>(&'a self, text: &'a str) -> Typed<'a> {
        Typed { text, session: self.session.as_deref(), browser: self.browser.as_deref(), source: self.source.clone() }
    }
}

impl Asked<'_> {
    fn person(&self) -> Person {
        Person {
            session: cookies::session(self.request, self.edge),
            browser: cookies::browser(self.request, self.edge),
            source: extract::source(self.request, self.edge),
        }
    }

    /// A page with a form that is tied to this browser, and to its session where there is one.
    fn page<T: Template>(&self, status: StatusCode, make: impl FnOnce(Frame, String) -> T) -> HttpResponse {
        self.page_with_picture((status, None), make)
    }

    /// The same with a picture of this address on it.
    fn page_with_picture<T: Template>(
        &self,
        (status, picture): (StatusCode, Option<&str>),
        make: impl FnOnce(Frame, String) -> T,
    ) -> HttpResponse {
        let (browser, is_new) = match cookies::browser_or_new(self.request, self.edge) {
            Ok(found) => found,
            Err(error) => return pages::error(self.request, self.server, self.edge, &FlowError::Failed(error.into())),
        };
        let session = cookies::session(self.request, self.edge);
        let page = make(Frame::of(self.request, self.edge), csrf::token(self.server, &browser, session.as_deref()));
        let mut response = render(status, &page, policy_with_picture(&FormTarget::Here, picture));
        if is_new {
            cookies::set_browser(&mut response, self.edge, &browser);
        }
        response
    }

    fn form(&self, user_code: &str) -> HttpResponse {
        self.page(StatusCode::OK, |frame, csrf| DevicePage { frame, csrf, user_code, error: None })
    }

    /// The form once more with what was wrong, or the page of an error that no other code would help with.
    fn failed(&self, error: &FlowError, user_code: &str) -> HttpResponse {
        match error {
            FlowError::Denied(Denial::UserCodeUnknown | Denial::LoginThrottled(_)) => {
                let told = login::told(self.request, self.server, error);
                let text = Some(told.text.as_str());
                let page = self.page(told.status, |frame, csrf| DevicePage { frame, csrf, user_code, error: text });
                pages::with_retry_after(page, told.retry_after)
            }
            other => pages::error(self.request, self.server, self.edge, other),
        }
    }

    fn sign_in(&self, user_code: &str) -> HttpResponse {
        respond::see_other(&format!("{}/login?user_code={user_code}", self.edge.base_path))
    }
}

fn user_code(params: &Params) -> Result<Option<&str>, Denial> {
    params.optional("user_code").map_err(|error| Denial::MalformedRequest(error.to_string()))
}

/// Shows the form. With a code in the address and a session, asks at once: the page shows the code to compare.
pub async fn show(request: HttpRequest, server: web::Data<Server>, edge: web::Data<Edge>) -> HttpResponse {
    let asked = Asked { request: &request, server: &server, edge: &edge };
    let params = match extract::query(&request) {
        Ok(params) => params,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let text = match user_code(&params) {
        Ok(Some(text)) => text.to_owned(),
        Ok(None) => return asked.form(""),
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let person = asked.person();
    if person.session.is_none() {
        return asked.form(&text);
    }
    let typed = text.clone();
    let found = match limits::check(&request, &server, &edge, Door::Device).await {
        Ok(()) => run(&server, move |server| device::question(server, &person.typed(&typed))).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(question)) => ask(&asked, &question),
        Ok(None) => asked.form(&text),
        Err(error) => asked.failed(&error, &text),
    }
}

async fn look(asked: &Asked<'_>, person: Person, text: String) -> FlowResult<DeviceStep> {
    limits::check(asked.request, asked.server, asked.edge, Door::Device).await?;
    run(asked.server, move |server| device::look(server, &person.typed(&text))).await
}

fn ask(asked: &Asked<'_>, question: &DeviceQuestion) -> HttpResponse {
    let about = AboutClient::of(&question.client);
    let picture = (StatusCode::OK, about.logo);
    asked.page_with_picture(picture, |frame, csrf| DeviceConsentPage { frame, csrf, question, about })
}

/// What the forms send.
struct Submitted {
    text: String,
    /// The answer, on the second form.
    allow: Option<bool>,
}

fn read(form: &Params) -> Result<Submitted, Denial> {
    let allow = match form.optional("decision").map_err(|error| Denial::MalformedRequest(error.to_string()))? {
        None => None,
        Some("allow") => Some(true),
        Some("deny") => Some(false),
        Some(_) => return Err(Denial::MalformedRequest("decision must be allow or deny".to_owned())),
    };
    Ok(Submitted { text: user_code(form)?.unwrap_or_default().to_owned(), allow })
}

/// Takes a code, or the answer.
pub async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let asked = Asked { request: &request, server: &server, edge: &edge };
    let person = asked.person();
    let checked = extract::form(&request, payload).await.and_then(|form| {
        let csrf = form.optional("csrf").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
        let tied_to = (person.browser.as_deref(), person.session.as_deref());
        pages::check_form(&request, &server, &edge, tied_to, csrf)?;
        read(&form)
    });
    let submitted = match checked {
        Ok(submitted) => submitted,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let text = submitted.text.clone();
    match submitted.allow {
        None => match look(&asked, person, submitted.text).await {
            Ok(DeviceStep::Ask(code)) => respond::see_other(&format!("{}/device?user_code={code}", edge.base_path)),
            Ok(DeviceStep::Login(code)) => asked.sign_in(&code),
            Err(error) => asked.failed(&error, &text),
        },
        Some(allow) => decide(&asked, person, text, allow).await,
    }
}

async fn decide(asked: &Asked<'_>, person: Person, text: String, allow: bool) -> HttpResponse {
    let typed = text.clone();
    match run(asked.server, move |server| device::decide(server, &person.typed(&typed), allow)).await {
        Ok(DeviceAnswer::Recorded) => {
            let page = DeviceDonePage { frame: Frame::of(asked.request, asked.edge), allowed: allow };
            render(StatusCode::OK, &page, policy(&FormTarget::Here, None))
        }
        Ok(DeviceAnswer::Login(code)) => asked.sign_in(&code),
        Err(error) => asked.failed(&error, &text),
    }
}
