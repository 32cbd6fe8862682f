//! `GET|POST /login`: the query is the authorization request that the user came with, if any.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use zeroize::Zeroizing;

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::authorize::Trusted;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::limits::Door;
use crate::flows::login::LiveSession;
use crate::flows::password_check::LoginAttempt;
use crate::flows::{Server, authorize, csrf, login, pushed_requests, reauthentication};
use crate::http::edge::Edge;
use crate::http::error::{PageError, page_error};
use crate::http::kit::sentences::say_error;
use crate::http::kit::texts::{Language, Texts};
use crate::http::pages::about_client::AboutClient;
use crate::http::pages::{self, FormTarget, Frame, policy, policy_with_picture, render};
use crate::http::run::{run, run_waiting};
use crate::http::{cookies, extract, limits, respond};
use crate::protocol::params::Params;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: Frame,
    query: &'a str,
    csrf: String,
    client_name: Option<&'a str>,
    username: &'a str,
    error: Option<&'a str>,
    about: AboutClient<'a>,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    frame: Frame,
    csrf: String,
    username: &'a str,
    account: bool,
}

/// The client that sent the user here, where its answer goes, and whom it expects.
struct Sender {
    client: Box<Client>,
    redirect_uri: String,
    login_hint: Option<String>,
}

/// The client that sent the user here, with its request as it stands: pushed ahead, or in the query.
fn find_trusted(server: &Server, params: &Params) -> FlowResult<Option<(Trusted, Params)>> {
    // Whose device it is, is told only by the page that counts wrong codes.
    if params.iter().next().is_none() || is_for_device(params) {
        return Ok(None);
    }
    let resolved = pushed_requests::resolve(server, params)?;
    Ok(Some((authorize::trust(server, &resolved)?, resolved)))
}

fn sender(trusted: &Trusted, params: &Params) -> Sender {
    Sender {
        client: Box::new(trusted.client.clone()),
        redirect_uri: trusted.redirect_uri.clone(),
        // OpenID Connect Core §3.1.2.1: a hint about what the user may type to sign in.
        login_hint: params.optional("login_hint").ok().flatten().filter(|hint| hint.len() <= 100).map(str::to_owned),
    }
}

/// What to show to whom is, or is not, signed in.
enum Shown {
    Form(Option<Sender>),
    Onward,
    SignedIn(Box<LiveSession>),
}

fn decide(server: &Server, params: &Params, session: Option<&str>) -> FlowResult<Shown> {
    Ok(match (find_trusted(server, params)?, login::current(server, session)?) {
        (Some((trusted, resolved)), Some(live)) if !authorize::needs_login(server, &resolved, &trusted, &live) => {
            Shown::Onward
        }
        (Some((trusted, resolved)), _) => Shown::Form(Some(sender(&trusted, &resolved))),
        (None, Some(_)) if is_for_device(params) => Shown::Onward,
        (None, Some(live)) => Shown::SignedIn(Box::new(live)),
        (None, None) => Shown::Form(None),
    })
}

fn form(
    request: &HttpRequest,
    (server, edge): (&web::Data<Server>, &Edge),
    sender: Option<&Sender>,
    failed: Option<(PageError, &str)>,
) -> HttpResponse {
    let (browser, is_new) = match cookies::browser_or_new(request, edge) {
        Ok(found) => found,
        Err(error) => return pages::error(request, server, edge, &FlowError::Failed(error.into())),
    };
    let (error, username) = failed.unzip();
    let about = sender.map(|sender| AboutClient::of(&sender.client)).unwrap_or_default();
    let logo = about.logo;
    let page = LoginPage {
        frame: Frame::of(request, edge),
        query: request.query_string(),
        csrf: csrf::token(server, &browser, None),
        client_name: sender.map(|sender| sender.client.client_name.as_str()),
        username: username.or(sender.and_then(|sender| sender.login_hint.as_deref())).unwrap_or_default(),
        error: error.as_ref().map(|error| error.text.as_str()),
        about,
    };
    let target = sender.map_or(FormTarget::Here, |sender| FormTarget::Client(&sender.redirect_uri));
    let status = error.as_ref().map_or(StatusCode::OK, |error| error.status);
    let retry_after = error.as_ref().and_then(|error| error.retry_after);
    let mut response = pages::with_retry_after(render(status, &page, policy_with_picture(&target, logo)), retry_after);
    if is_new {
        cookies::set_browser(&mut response, edge, &browser);
    }
    response
}

/// What was wrong, in the reader's language.
pub(super) fn told(request: &HttpRequest, server: &web::Data<Server>, error: &FlowError) -> PageError {
    let (told, texts) = (page_error(server, error), Texts::of(request));
    if texts.0 == Language::English { told } else { PageError { text: say_error(texts, error, &told), ..told } }
}

/// Shows the form, or goes on where the user is signed in already.
pub async fn show(request: HttpRequest, server: web::Data<Server>, edge: web::Data<Edge>) -> HttpResponse {
    let params = match extract::query(&request) {
        Ok(params) => params,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let session = cookies::session(&request, &edge);
    match run(&server, move |server| decide(server, &params, session.as_deref())).await {
        Ok(Shown::Onward) => onward(&request, &edge, None),
        Ok(Shown::SignedIn(live)) => signed_in(&request, &server, &edge, &live),
        Ok(Shown::Form(sender)) => form(&request, (&server, &edge), sender.as_ref(), None),
        Err(error) => pages::error(&request, &server, &edge, &error),
    }
}

/// Does somebody sign in to decide on a device (RFC 8628 §3.3)?
fn is_for_device(params: &Params) -> bool {
    params.iter().next().is_some() && params.iter().all(|(name, _)| name == "user_code")
}

/// Back to the authorization request, as it came or with the proof that the user signed in for it.
fn onward(request: &HttpRequest, edge: &Edge, proven: Option<&str>) -> HttpResponse {
    match proven.unwrap_or_else(|| request.query_string()) {
        "" => respond::see_other(&format!("{}/login", edge.base_path)),
        query if extract::query(request).is_ok_and(|params| is_for_device(&params)) => {
            respond::see_other(&format!("{}/device?{query}", edge.base_path))
        }
        query => respond::see_other(&format!("{}/oauth/authorize?{query}", edge.base_path)),
    }
}

fn signed_in(request: &HttpRequest, server: &web::Data<Server>, edge: &Edge, live: &LiveSession) -> HttpResponse {
    match cookies::browser_or_new(request, edge) {
        Ok((browser, is_new)) => {
            let csrf = csrf::token(server, &browser, None);
            let page = SignedInPage {
                frame: Frame::of(request, edge),
                csrf,
                username: &live.user.username,
                account: edge.account,
            };
            let mut response = render(StatusCode::OK, &page, policy(&FormTarget::Here, None));
            if is_new {
                cookies::set_browser(&mut response, edge, &browser);
            }
            response
        }
        Err(error) => pages::error(request, server, edge, &FlowError::Failed(error.into())),
    }
}

/// What the form sends.
struct Submitted {
    csrf: Option<String>,
    username: String,
    password: Zeroizing<String>,
}

fn read(form: &Params) -> Result<Submitted, Denial> {
    let text = |name| form.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()));
    Ok(Submitted {
        csrf: text("csrf")?.map(str::to_owned),
        username: text("username")?.unwrap_or_default().to_owned(),
        password: Zeroizing::new(text("password")?.unwrap_or_default().to_owned()),
    })
}

/// Signs the user in and goes on with the authorization request.
pub async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    if let Err(error) = limits::check(&request, &server, &edge, Door::Login).await {
        return pages::error(&request, &server, &edge, &error);
    }
    let parsed = match (extract::form(&request, payload).await, extract::query(&request)) {
        (Ok(form), Ok(query)) => read(&form).map(|submitted| (submitted, query)),
        (Err(denial), _) | (_, Err(denial)) => Err(denial),
    };
    let (submitted, query) = match parsed {
        Ok(parsed) => parsed,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let browser = cookies::browser(&request, &edge);
    let checked = pages::check_form(&request, &server, &edge, (browser.as_deref(), None), submitted.csrf.as_deref());
    if let Err(denial) = checked {
        return pages::error(&request, &server, &edge, &denial.into());
    }
    let previous = cookies::session(&request, &edge);
    let source = extract::source(&request, &edge);
    let username = submitted.username.clone();
    let done = run_waiting(&server, move |server| {
        let found = find_trusted(server, &query)?;
        let sender = found.as_ref().map(|(trusted, resolved)| sender(trusted, resolved));
        let client_id = sender.as_ref().map(|sender| sender.client.client_id.0.clone());
        let attempt = LoginAttempt { username: submitted.username, password: submitted.password, client_id, source };
        let signed_in = login::sign_in(server, &attempt, previous.as_deref()).map(|cookie| {
            let prove = |(trusted, resolved): (Trusted, Params)| {
                let proven = reauthentication::prove(server, &trusted.client, &resolved, &cookie)?;
                Some(reauthentication::with_proof(&query, &proven))
            };
            (found.and_then(prove), cookie)
        });
        Ok((sender, signed_in))
    });
    match done.await {
        Ok((_, Ok((proven, cookie)))) => {
            let mut response = onward(&request, &edge, proven.as_deref());
            cookies::set_session(&mut response, &edge, &cookie);
            response
        }
        Ok((sender, Err(error @ FlowError::Denied(Denial::LoginFailed | Denial::LoginThrottled(_))))) => {
            let told = told(&request, &server, &error);
            form(&request, (&server, &edge), sender.as_ref(), Some((told, &username)))
        }
        Ok((_, Err(error))) | Err(error) => pages::error(&request, &server, &edge, &error),
    }
}
