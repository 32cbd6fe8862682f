//! What every request passes: the guard against plain HTTP, the headers of every answer, the count.

use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use ipnet::IpNet;

use crate::config::Config;
use crate::flows::Server;
use crate::http::address;
use crate::http::error::problem;
use crate::http::home;
use crate::http::kit::brand::Brand;
use crate::http::rate_headers::{self, Standing};

/// What the edge needs of the settings, worked out once.
pub struct Edge {
    /// The path of the issuer: all routes are below it.
    pub base_path: String,
    /// The origin of the issuer.
    pub origin: String,
    /// Is the issuer https? Then cookies are `Secure` only.
    pub https: bool,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the metadata of the admin API is found.
    pub resource_metadata_paths: Vec<String>,
    /// How the pages look.
    pub brand: Brand,
    /// Is there a console?
    pub console: bool,
    /// Are there account pages?
    pub account: bool,
    tls: bool,
    allow_plain: bool,
}

impl Edge {
    /// From the settings; `tls` tells whether this listener speaks it. Fails where the logo cannot be read.
    pub fn new(config: &Config, tls: bool) -> std::io::Result<Self> {
        Ok(Self {
            base_path: config.base_path(),
            origin: config.issuer_origin(),
            https: config.is_https(),
            trusted_proxies: config.server.trusted_proxies.clone(),
            resource_metadata_paths: resource_metadata_paths(config),
            tls,
            allow_plain: config.server.danger_plain_http,
            brand: Brand::open(&config.brand)?,
            console: config.console.enabled,
            account: config.account.enabled,
        })
    }

    /// May this request be served as it came? Over TLS, from this machine, or through a trusted proxy that itself was
    /// reached by https, and says so: one that says nothing may serve port 80 just as well.
    fn is_safe(&self, request: &ServiceRequest) -> bool {
        if self.tls || self.allow_plain {
            return true;
        }
        let Some(peer) = request.peer_addr().map(|address| address.ip().to_canonical()) else { return false };
        if address::is_trusted(peer, &self.trusted_proxies) {
            let scheme = request.headers().get("x-forwarded-proto").and_then(|value| value.to_str().ok());
            return !self.https || scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        }
        peer.is_loopback()
    }

    /// Did this come from a proxy whose word on addresses is believed?
    pub fn is_behind_trusted(&self, request: &HttpRequest) -> bool {
        request.peer_addr().is_some_and(|peer| address::is_trusted(peer.ip(), &self.trusted_proxies))
    }

    /// The page at which people begin who have chosen none.
    pub fn first_page(&self) -> &'static str {
        if self.account && !self.console { "/account" } else { "/console" }
    }

    /// The end client's address; None where a trusted proxy's word on it cannot be read.
    pub fn client_address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr().map(|address| address.ip());
        address::client_address(peer, request.headers(), &self.trusted_proxies)
    }

    /// The proxy behind which this client's address is not known; None where it is.
    pub fn hiding_proxy(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr().map(|address| address.ip().to_canonical());
        peer.filter(|_| self.client_address(request).is_none())
    }
}

/// Below the issuer, where whoever knows only that looks first, and where RFC 9728 §3.1 puts it for the admin API.
fn resource_metadata_paths(config: &Config) -> Vec<String> {
    let plain = format!("{}/.well-known/oauth-protected-resource", config.base_path());
    let inserted = config.admin_resource_metadata_path().filter(|path| *path != plain);
    std::iter::once(plain).chain(inserted).collect()
}

/// The outermost middleware.
pub async fn guard<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::EitherBody<B>>, Error> {
    let (Some(server), Some(edge)) =
        (request.app_data::<web::Data<Server>>().cloned(), request.app_data::<web::Data<Edge>>().cloned())
    else {
        return Ok(request.into_response(HttpResponse::InternalServerError()).map_into_right_body());
    };
    let started = server.clock.instant();
    let endpoint = endpoint(request.path().strip_prefix(edge.base_path.as_str()).unwrap_or(request.path()));
    // RFC 9110 §9.3.2: the same without the body, which the connection leaves out for what came as HEAD.
    if request.method() == Method::HEAD && is_page(endpoint) {
        request.head_mut().method = Method::GET;
    }
    let mut response = if edge.is_safe(&request) || endpoint == "health" {
        explain_method(next.call(request).await?)
    } else {
        let text = "this server is reached by https only";
        request.into_response(problem(StatusCode::FORBIDDEN, "plain_http", text)).map_into_right_body()
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if edge.https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Some(id) = response.request().extensions_id() {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    let standing = response.request().extensions().get::<Standing>().cloned();
    if let Some(Standing(windows)) = standing {
        rate_headers::set(response.headers_mut(), &windows, None, server.clock.now());
    }
    server.metrics.request(endpoint, response.status().as_u16(), server.clock.instant() - started);
    Ok(response)
}

/// The path below the issuer.
fn relative_path(request: &HttpRequest) -> &str {
    let base = request.app_data::<web::Data<Edge>>().map_or("", |edge| edge.base_path.as_str());
    request.path().strip_prefix(base).unwrap_or(request.path())
}

/// actix answers a wrong method with nothing but `Allow` (RFC 9110 §15.5.6); this says it in words too.
fn explain_method<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
) -> ServiceResponse<actix_web::body::EitherBody<B>> {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response.map_into_left_body();
    }
    let allow = response.headers().get(ALLOW).cloned();
    let request = response.request();
    let is_read = ["console", "account"].contains(&endpoint(relative_path(request)));
    let page = if is_read { home::other_method(request) } else { None };
    let for_machines =
        || problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address does not take this method");
    let mut explained = page.unwrap_or_else(for_machines);
    if let Some(allow) = allow {
        explained.headers_mut().insert(ALLOW, allow);
    }
    response.into_response(explained).map_into_right_body()
}

/// The request's identifier, where one was needed.
trait ExtensionsId {
    fn extensions_id(&self) -> Option<HeaderValue>;
}

impl ExtensionsId for HttpRequest {
    fn extensions_id(&self) -> Option<HeaderValue> {
        let id = self.extensions().get::<crate::http::extract::RequestId>().map(|id| id.0.clone())?;
        HeaderValue::from_str(&id).ok()
    }
}

/// A label for the count: bounded, whatever is asked for.
fn endpoint(path: &str) -> &'static str {
    match path {
        "/oauth/token" => "token",
        "/oauth/authorize" => "authorize",
        "/oauth/par" => "par",
        "/oauth/device_authorization" => "device_authorization",
        "/device" => "device",
        "/oauth/introspect" => "introspect",
        "/oauth/revoke" => "revoke",
        "/oauth/userinfo" => "userinfo",
        _ if path == "/oauth/register" || path.starts_with("/oauth/register/") => "register",
        "/.well-known/jwks.json" => "jwks",
        "/login" => "login",
        "/consent" => "consent",
        "/logout" => "logout",
        "/metrics" => "metrics",
        _ if path.starts_with("/health/") => "health",
        _ if path.starts_with("/.well-known/") => "metadata",
        "/v1/verify" | "/v1/verify/batch" => "verify",
        _ if path.starts_with("/v1/forward-auth/") => "forward_auth",
        _ if path.starts_with("/v1/") => "api",
        _ if path == "/console" || path.starts_with("/console/") => "console",
        _ if path == "/account" || path.starts_with("/account/") => "account",
        _ if path.starts_with("/static/") || path == "/favicon.ico" => "static",
        _ => "other",
    }
}

/// Is this what people look at?
fn is_page(endpoint: &str) -> bool {
    ["console", "account", "login", "consent", "logout", "device", "static", "other"].contains(&endpoint)
}

/// The answer to an address that does not exist, for machines.
pub fn not_found() -> HttpResponse {
    problem(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
}
