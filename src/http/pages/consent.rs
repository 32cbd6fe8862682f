//! `GET|POST /consent`: the query is the authorization request that the user is asked about.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::domain::denial::Denial;
use crate::flows::authorize::{ConsentQuestion, Step};
use crate::flows::error::FlowError;
use crate::flows::{Server, consent, csrf, pushed_requests};
use crate::http::edge::Edge;
use crate::http::oauth::authorize::go;
use crate::http::pages::about_client::AboutClient;
use crate::http::pages::{self, FormTarget, Frame, policy_with_picture, render};
use crate::http::run::run;
use crate::http::{cookies, extract};
use crate::protocol::params::Params;

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    frame: Frame,
    query: &'a str,
    csrf: String,
    question: &'a ConsentQuestion,
    about: AboutClient<'a>,
}

/// Asks the user, or goes on where there is nothing to ask.
pub async fn show(request: HttpRequest, server: web::Data<Server>, edge: web::Data<Edge>) -> HttpResponse {
    let params = match extract::query(&request) {
        Ok(params) => params,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let session = cookies::session(&request, &edge);
    match run(&server, move |server| pushed_requests::advance(server, &params, session.as_deref())).await {
        Ok(Step::Consent(question)) => ask(&request, &server, &edge, &question),
        Ok(step) => go(&request, &edge, &step),
        Err(error) => pages::error(&request, &server, &edge, &error),
    }
}

fn ask(request: &HttpRequest, server: &web::Data<Server>, edge: &Edge, question: &ConsentQuestion) -> HttpResponse {
    let (browser, is_new) = match cookies::browser_or_new(request, edge) {
        Ok(found) => found,
        Err(error) => return pages::error(request, server, edge, &FlowError::Failed(error.into())),
    };
    let session = cookies::session(request, edge);
    let csrf = csrf::token(server, &browser, session.as_deref());
    let about = AboutClient::of(&question.client);
    let policy = policy_with_picture(&FormTarget::Client(&question.redirect_uri), about.logo);
    let page = ConsentPage { frame: Frame::of(request, edge), query: request.query_string(), csrf, question, about };
    let mut response = render(StatusCode::OK, &page, policy);
    if is_new {
        cookies::set_browser(&mut response, edge, &browser);
    }
    response
}

/// The token and the answer of the form: a clear yes or a clear no.
fn read(form: &Params) -> Result<(Option<String>, bool), Denial> {
    let text = |name| form.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()));
    let token = text("csrf")?.map(str::to_owned);
    let allow = match text("decision")? {
        Some("allow") => true,
        Some("deny") => false,
        _ => return Err(Denial::MalformedRequest("decision must be allow or deny".to_owned())),
    };
    Ok((token, allow))
}

/// Records the answer and goes on.
pub async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let parsed = match (extract::form(&request, payload).await, extract::query(&request)) {
        (Ok(form), Ok(query)) => read(&form).map(|(token, allow)| (token, allow, query)),
        (Err(denial), _) | (_, Err(denial)) => Err(denial),
    };
    let (browser, session) = (cookies::browser(&request, &edge), cookies::session(&request, &edge));
    let checked = parsed.and_then(|(token, allow, query)| {
        let tied_to = (browser.as_deref(), session.as_deref());
        pages::check_form(&request, &server, &edge, tied_to, token.as_deref())?;
        Ok((allow, query))
    });
    let (allow, query) = match checked {
        Ok(checked) => checked,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let source = extract::source(&request, &edge);
    match run(&server, move |server| consent::decide(server, &query, session.as_deref(), allow, source)).await {
        Ok(step) => go(&request, &edge, &step),
        Err(error) => pages::error(&request, &server, &edge, &error),
    }
}
