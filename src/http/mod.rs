//! actix-web, and nothing of store or diesel (layer 4): the one route table and the middleware stack.

mod account;
mod address;
pub mod api;
mod console;
mod cookies;
mod cors;
mod edge;
mod error;
mod extract;
mod forward_auth;
mod health;
mod home;
mod json;
mod kit;
mod limits;
mod metrics;
mod oauth;
mod pages;
mod rate_headers;
mod respond;
mod run;
pub mod tls;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server as RunningServer;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};

use crate::flows::Server;
use edge::Edge;

/// Longest wait for the head of a request: a slow client holds a connection, not a thread.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Serves on this listener, with TLS where it is given.
pub fn serve(server: Arc<Server>, listener: TcpListener, tls: Option<&tls::Tls>) -> std::io::Result<RunningServer> {
    let workers = worker_threads(server.config.server.workers);
    let shutdown = server.config.server.shutdown_timeout.as_secs();
    let edge = web::Data::new(Edge::new(&server.config, tls.is_some())?);
    let data = web::Data::from(server);
    let http = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .app_data(edge.clone())
            .wrap(from_fn(edge::guard))
            .configure(|routes| self::routes(routes, &edge))
            .default_service(web::to(home::not_found))
    })
    .workers(workers)
    .worker_max_blocking_threads(run::THREADS_PER_WORKER)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .disable_signals()
    .shutdown_timeout(shutdown);
    let http = match tls {
        Some(tls) => http.listen_rustls_0_23(listener, tls::server_config(tls)?)?,
        None => http.listen(listener)?,
    };
    Ok(http.run())
}

/// Serves only `/metrics` on an address of its own.
pub fn serve_metrics(server: Arc<Server>, address: SocketAddr) -> std::io::Result<RunningServer> {
    let data = web::Data::from(server);
    let app = move || App::new().app_data(data.clone()).route("/metrics", web::get().to(metrics::on_own_address));
    Ok(HttpServer::new(app).workers(1).disable_signals().bind(address)?.run())
}

fn worker_threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

/// Every route of the server. Whoever looks for the code behind an address starts here.
fn routes(config: &mut web::ServiceConfig, edge: &Edge) {
    let base = edge.base_path.as_str();
    // RFC 8414 §3.1: for an issuer with a path, the well-known part stands before that path.
    if !base.is_empty() {
        let inserted = format!("/.well-known/oauth-authorization-server{base}");
        config.service(cors::document(&inserted, oauth::metadata::show));
        let inserted = format!("/.well-known/openid-configuration{base}");
        config.service(cors::document(&inserted, oauth::metadata::show));
    }
    if !base.is_empty() {
        // Browsers look for it there.
        config.service(web::resource("/favicon.ico").route(web::get().to(kit::brand::icon)));
        config.service(web::resource(base).route(web::get().to(home::show)));
    }
    // RFC 9728 §3.1: the same for the path of a resource.
    for path in &edge.resource_metadata_paths {
        config.service(cors::document(path, oauth::resource_metadata::show));
    }
    config.service(
        web::scope(base)
            .service(cors::document("/.well-known/oauth-authorization-server", oauth::metadata::show))
            .service(cors::document("/.well-known/openid-configuration", oauth::metadata::show))
            .service(cors::document("/.well-known/jwks.json", oauth::jwks::show))
            .service(cors::form("/oauth/par", oauth::par::push))
            .service(cors::form("/oauth/device_authorization", oauth::device_authorization::authorize))
            .service(cors::form("/oauth/token", oauth::token::exchange))
            .service(cors::form("/oauth/revoke", oauth::revoke::revoke))
            .service(cors::bearer("/oauth/userinfo", oauth::userinfo::show, oauth::userinfo::submit))
            .service(web::resource("/oauth/introspect").route(web::post().to(oauth::introspect::introspect)))
            .service(
                web::resource("/oauth/authorize")
                    .route(web::get().to(oauth::authorize::show))
                    .route(web::post().to(oauth::authorize::repeat)),
            )
            .service(
                web::resource("/health/live").route(web::get().to(health::live)).route(web::head().to(health::live)),
            )
            .service(
                web::resource("/health/ready").route(web::get().to(health::ready)).route(web::head().to(health::ready)),
            )
            .service(web::resource("/metrics").route(web::get().to(metrics::behind_token)))
            .service(web::resource("/v1/forward-auth/{dialect}{path:(/.*)?}").route(web::route().to(forward_auth::ask)))
            .service(web::resource("/oauth/register").route(web::post().to(oauth::register::register)))
            .service(
                web::resource("/oauth/register/{client_id}")
                    .route(web::get().to(oauth::register::show))
                    .route(web::put().to(oauth::register::update))
                    .route(web::delete().to(oauth::register::delete)),
            )
            .configure(page_routes)
            .configure(|routes| console::routes(routes, edge))
            .configure(|routes| account::routes(routes, edge))
            .service(api::scope())
            .default_service(web::to(home::not_found)),
    );
}

/// What people see.
fn page_routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/").route(web::get().to(home::show)))
        .service(web::resource("/favicon.ico").route(web::get().to(kit::brand::icon)))
        .service(web::resource("/static/icon").route(web::get().to(kit::brand::icon)))
        .service(
            web::resource("/login")
                .route(web::get().to(pages::login::show))
                .route(web::post().to(pages::login::submit)),
        )
        .service(
            web::resource("/consent")
                .route(web::get().to(pages::consent::show))
                .route(web::post().to(pages::consent::submit)),
        )
        .service(
            web::resource("/logout")
                .route(web::get().to(pages::logout::show))
                .route(web::post().to(pages::logout::submit)),
        )
        .service(web::resource("/static/style.css").route(web::get().to(pages::style)))
        .service(web::resource("/static/brand.css").route(web::get().to(kit::brand::colours)))
        .service(web::resource("/static/logo").route(web::get().to(kit::brand::logo)))
        .service(web::resource("/static/desk.js").route(web::get().to(pages::script)))
        .service(
            web::resource("/device")
                .route(web::get().to(pages::device::show))
                .route(web::post().to(pages::device::submit)),
        );
}
