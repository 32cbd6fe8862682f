//! Pages for people: plain forms that work without script, a strict policy on what they may load and where they may lead.

mod about_client;
pub mod consent;
pub mod device;
pub mod login;
pub mod logout;

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, X_FRAME_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use url::Url;

use crate::crypto::etag::etag;
use crate::domain::denial::Denial;
use crate::flows::error::FlowError;
use crate::flows::{Server, csrf};
use crate::http::edge::Edge;
use crate::http::error::{PageError, page_error};
use crate::http::kit::brand::KEEP;
use crate::http::kit::texts::Texts;
use crate::protocol::authorization_response::AuthorizationResponse;
use crate::protocol::redirect_uri::form_action_source;

const STYLE: &str = include_str!("../../../static/style.css");
const SCRIPT: &str = include_str!("../../../static/desk.js");
/// The one script: it submits the form of the form_post response mode. Its hash is in the policy.
const SUBMIT: &str = "document.forms[0].submit()";

/// The address of the stylesheet with a version, so that it can be cached for good.
static STYLE_VERSION: LazyLock<String> = LazyLock::new(|| etag(STYLE.as_bytes()).trim_matches('"').to_owned());
/// The same for the script.
pub(super) static SCRIPT_VERSION: LazyLock<String> =
    LazyLock::new(|| etag(SCRIPT.as_bytes()).trim_matches('"').to_owned());

/// What every page has.
pub(super) struct Frame {
    /// The path of the issuer.
    pub base: String,
    /// The version of the stylesheet.
    pub style_version: &'static str,
    /// The language.
    pub texts: Texts,
    /// What the server is called.
    pub brand: String,
    /// The version of its colours.
    pub brand_version: String,
    /// The page at which people begin.
    pub home: &'static str,
    /// The version of its icon.
    pub icon_version: String,
    /// The version of its logo, where it has one.
    pub logo_version: Option<String>,
}

impl Frame {
    /// In the reader's language.
    pub fn of(request: &HttpRequest, edge: &Edge) -> Self {
        Self {
            base: edge.base_path.clone(),
            style_version: &STYLE_VERSION,
            texts: Texts::of(request),
            brand: edge.brand.name.clone(),
            home: edge.first_page(),
            icon_version: edge.brand.icon_version().to_owned(),
            brand_version: edge.brand.version.clone(),
            logo_version: edge.brand.logo_version().map(str::to_owned),
        }
    }
}

/// Where the forms of a page may lead, besides this server: browsers hold the redirect after a form to it too.
enum FormTarget<'a> {
    Here,
    Client(&'a str),
}

/// What a page may load and where it may lead, with a picture of this origin on it.
fn policy_with_picture(target: &FormTarget<'_>, picture: Option<&str>) -> String {
    let plain = policy(target, None);
    match picture.and_then(|picture| Url::parse(picture).ok()) {
        Some(url) => plain.replace("img-src 'self'", &format!("img-src 'self' {}", url.origin().ascii_serialization())),
        None => plain,
    }
}

fn policy(target: &FormTarget<'_>, script: Option<&str>) -> String {
    let onward = match target {
        FormTarget::Here => None,
        FormTarget::Client(redirect_uri) => form_action_source(redirect_uri),
    };
    let script = script.map(|hash| format!("; script-src 'sha256-{hash}'")).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self'{}{}{script}",
        if onward.is_some() { " " } else { "" },
        onward.unwrap_or_default(),
    )
}

/// The policy of a page that leads nowhere and loads these addresses in frames.
fn policy_with_frames(frames: &[String]) -> String {
    let plain = policy(&FormTarget::Here, None);
    let mut origins: Vec<_> = frames.iter().filter_map(|address| form_action_source(address)).collect();
    origins.sort_unstable();
    origins.dedup();
    if origins.is_empty() { plain } else { format!("{plain}; frame-src {}", origins.join(" ")) }
}

pub(super) fn render(status: StatusCode, page: &impl Template, policy: String) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((CONTENT_SECURITY_POLICY, policy))
            .insert_header((X_FRAME_OPTIONS, "DENY"))
            // Not no-referrer: that would make browsers send `Origin: null` with our own forms.
            .insert_header((REFERRER_POLICY, "same-origin"))
            .body(html),
        Err(error) => {
            log::error!("a page could not be rendered: {error}");
            failed()
        }
    }
}

/// The answer where not even a page can be made.
pub fn failed() -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((CONTENT_TYPE, "text/plain"))
        .body("This page could not be made.\n")
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    text: String,
}

/// A refusal or failure that stays here: there is no client that could be told.
pub fn error(request: &HttpRequest, server: &web::Data<Server>, edge: &Edge, error: &FlowError) -> HttpResponse {
    let PageError { status, text, retry_after } = page_error(server, error);
    let frame = Frame::of(request, edge);
    let page = ErrorPage { text: frame.texts.of_domain(&text), frame };
    with_retry_after(render(status, &page, policy(&FormTarget::Here, None)), retry_after)
}

/// The same answer with `Retry-After`, where another try is worth it later.
pub(super) fn with_retry_after(mut response: HttpResponse, seconds: Option<u64>) -> HttpResponse {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    action: &'a str,
    parameters: Vec<(&'static str, &'a str)>,
    script: &'static str,
}

/// OAuth 2.0 Form Post Response Mode §2: a form that posts itself; a button where there is no script.
pub fn form_post(response: &AuthorizationResponse) -> HttpResponse {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SUBMIT.as_bytes()))
    });
    let page = FormPostPage { action: &response.redirect_uri, parameters: response.parameters(), script: SUBMIT };
    render(StatusCode::OK, &page, policy(&FormTarget::Client(&response.redirect_uri), Some(&HASH)))
}

/// `GET /static/style.css`
pub async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").insert_header(KEEP).body(STYLE)
}

/// `GET /static/desk.js`: what the pages of the console and the account can do without.
pub async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").insert_header(KEEP).body(SCRIPT)
}

/// Checks that a form was sent by the browser it was made for: by its token, and by what the browser says of its origin.
pub(super) fn check_form(
    request: &HttpRequest,
    server: &Server,
    edge: &Edge,
    (browser, session): (Option<&str>, Option<&str>),
    presented: Option<&str>,
) -> Result<(), Denial> {
    let origin = request.headers().get(actix_web::http::header::ORIGIN);
    if origin.is_some_and(|origin| origin.as_bytes() != edge.origin.as_bytes()) {
        return Err(Denial::CsrfMismatch);
    }
    csrf::check(server, browser, session, presented)
}
