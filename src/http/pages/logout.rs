//! `GET|POST /logout`: the end-session endpoint (OpenID Connect RP-Initiated Logout 1.0) and its pages, all at this address.
//! A POST with a form token is the answer to our own question; any other is a client's request.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use url::form_urlencoded::Serializer;

use crate::domain::denial::Denial;
use crate::flows::error::FlowError;
use crate::flows::logout::{self, Question, SignedOut, Step};
use crate::flows::{Server, csrf};
use crate::http::edge::Edge;
use crate::http::oauth::authorize::MAX_QUERY;
use crate::http::pages::{self, FormTarget, Frame, policy, policy_with_frames, render};
use crate::http::run::run;
use crate::http::{cookies, extract, respond};
use crate::protocol::params::Params;

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    frame: Frame,
    query: &'a str,
    csrf: String,
    client_name: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage<'a> {
    frame: Frame,
    frames: &'a [String],
    return_to: Option<&'a str>,
}

/// Signs out where a client's request proves enough; else asks, for a link alone must not do it.
pub async fn show(request: HttpRequest, server: web::Data<Server>, edge: web::Data<Edge>) -> HttpResponse {
    let params = match extract::query(&request) {
        Ok(params) => params,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let session = cookies::session(&request, &edge);
    let source = extract::source(&request, &edge);
    match run(&server, move |server| logout::begin(server, &params, session.as_deref(), source)).await {
        Ok(Step::Ask(question)) => ask(&request, &server, &edge, &question),
        Ok(Step::SignedOut(done)) => signed_out(&request, &edge, &done),
        Err(error) => pages::error(&request, &server, &edge, &error),
    }
}

fn ask(request: &HttpRequest, server: &web::Data<Server>, edge: &Edge, question: &Question) -> HttpResponse {
    let (browser, is_new) = match cookies::browser_or_new(request, edge) {
        Ok(found) => found,
        Err(error) => return pages::error(request, server, edge, &FlowError::Failed(error.into())),
    };
    let page = LogoutPage {
        frame: Frame::of(request, edge),
        query: request.query_string(),
        csrf: csrf::token(server, &browser, None),
        client_name: question.client_name.as_deref(),
    };
    let target = question.return_to.as_deref().map_or(FormTarget::Here, FormTarget::Client);
    let mut response = render(StatusCode::OK, &page, policy(&target, None));
    if is_new {
        cookies::set_browser(&mut response, edge, &browser);
    }
    response
}

/// The last page; where there is nothing to load, the browser goes back at once.
pub fn signed_out(request: &HttpRequest, edge: &Edge, done: &SignedOut) -> HttpResponse {
    let mut response = match &done.return_to {
        Some(return_to) if done.frames.is_empty() => respond::see_other(return_to),
        return_to => {
            let page = SignedOutPage {
                frame: Frame::of(request, edge),
                frames: &done.frames,
                return_to: return_to.as_deref(),
            };
            render(StatusCode::OK, &page, policy_with_frames(&done.frames))
        }
    };
    cookies::remove_session(&mut response, edge);
    response
}

/// The answer to our question, or a client's request by POST.
pub async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let (form, query) = match (extract::form(&request, payload).await, extract::query(&request)) {
        (Ok(form), Ok(query)) => (form, query),
        (Err(denial), _) | (_, Err(denial)) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let token = match form.optional("csrf") {
        Ok(Some(token)) => token,
        Ok(None) => return repeat(&request, &server, &edge, query.joined(form)),
        Err(error) => {
            return pages::error(&request, &server, &edge, &Denial::MalformedRequest(error.to_string()).into());
        }
    };
    let browser = cookies::browser(&request, &edge);
    if let Err(denial) = pages::check_form(&request, &server, &edge, (browser.as_deref(), None), Some(token)) {
        return pages::error(&request, &server, &edge, &denial.into());
    }
    let session = cookies::session(&request, &edge);
    let source = extract::source(&request, &edge);
    match run(&server, move |server| logout::confirm(server, &query, session.as_deref(), source)).await {
        Ok(done) => signed_out(&request, &edge, &done),
        Err(error) => pages::error(&request, &server, &edge, &error),
    }
}

/// RP-Initiated Logout §2: POST must be supported. One from another site carries no `SameSite` cookie, so it is repeated by
/// GET, as at the authorization endpoint.
fn repeat(request: &HttpRequest, server: &web::Data<Server>, edge: &Edge, params: Params) -> HttpResponse {
    let query = Serializer::new(String::new()).extend_pairs(params.iter()).finish();
    if query.len() > MAX_QUERY {
        let denial = Denial::MalformedRequest("the logout request is too long".to_owned());
        return pages::error(request, server, edge, &denial.into());
    }
    respond::see_other(&format!("{}/logout?{query}", edge.base_path))
}
