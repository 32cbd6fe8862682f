//! `GET|POST /logout`: ends the session of this browser, after a click.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::domain::denial::Denial;
use crate::flows::error::FlowError;
use crate::flows::{Server, csrf, login};
use crate::http::edge::Edge;
use crate::http::pages::{self, FormTarget, Frame, policy, render};
use crate::http::run::run;
use crate::http::{cookies, extract};

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage {
    frame: Frame,
    csrf: String,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage {
    frame: Frame,
}

/// Asks whether to sign out: a link alone must not do it.
pub async fn show(request: HttpRequest, server: web::Data<Server>, edge: web::Data<Edge>) -> HttpResponse {
    match cookies::browser_or_new(&request, &edge) {
        Ok((browser, is_new)) => {
            let page = LogoutPage { frame: Frame::new(&edge), csrf: csrf::token(&server, &browser, None) };
            let mut response = render(StatusCode::OK, &page, policy(&FormTarget::Here, None));
            if is_new {
                cookies::set_browser(&mut response, &edge, &browser);
            }
            response
        }
        Err(error) => pages::error(&server, &edge, &FlowError::Failed(error.into())),
    }
}

/// Signs out.
pub async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let browser = cookies::browser(&request, &edge);
    let checked = extract::form(&request, payload).await.and_then(|form| {
        let token = form.optional("csrf").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
        pages::check_form(&request, &server, &edge, (browser.as_deref(), None), token)
    });
    if let Err(denial) = checked {
        return pages::error(&server, &edge, &denial.into());
    }
    let session = cookies::session(&request, &edge);
    let source = extract::source(&request, &edge);
    match run(&server, move |server| login::sign_out(server, session.as_deref(), source)).await {
        Ok(()) => {
            let page = SignedOutPage { frame: Frame::new(&edge) };
            let mut response = render(StatusCode::OK, &page, policy(&FormTarget::Here, None));
            cookies::remove_session(&mut response, &edge);
            response
        }
        Err(error) => pages::error(&server, &edge, &error),
    }
}
