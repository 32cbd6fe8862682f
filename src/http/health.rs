//! Liveness: the process answers. Readiness: it can do its work.

use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, web};

use crate::flows::Server;
use crate::flows::error::Failure;
use crate::http::run::run;
use crate::protocol::signing_alg::SigningAlg;

/// Answers as long as the process does.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).body("ok\n")
}

/// Answers 200 while database and signing key are there, 503 otherwise.
pub async fn ready(server: web::Data<Server>) -> HttpResponse {
    let checked = run(&server, |server| {
        server.store.ping()?;
        let signing = server.keyring().signing_key(SigningAlg::RS256, server.clock.now()).is_some();
        if signing { Ok(()) } else { Err(Failure::Internal("there is no active signing key".to_owned()).into()) }
    });
    match checked.await {
        Ok(()) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).body("ready\n"),
        Err(error) => {
            log::warn!("not ready: {error:?}");
            let mut response = HttpResponse::ServiceUnavailable();
            response.insert_header((CACHE_CONTROL, "no-store")).insert_header((RETRY_AFTER, 2)).body("not ready\n")
        }
    }
}
