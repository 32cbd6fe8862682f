//! Running the server until it is told to stop: listener, TLS, jobs, signals.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{CliError, CliResult};
use crate::config::Config;
use crate::flows::Server;
use crate::http::tls::{Certificate, Tls};
use crate::{http, jobs};

/// Starts logging as configured.
pub fn start_log(config: &Config) -> CliResult {
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(&config.log.filter).format_timestamp_millis();
    builder.try_init().map_err(CliError::failed)
}

/// Serves on this listener until SIGTERM or SIGINT; requests under way are finished first. `ready` runs once the server
/// is serving.
pub fn run_until_stopped(
    server: Server,
    listener: TcpListener,
    ready: impl FnOnce() -> CliResult + Send + 'static,
) -> CliResult {
    let tls = Tls::load(&server.config.server).map_err(CliError::usage)?;
    let metrics_address = server.config.metrics.bind;
    let server = Arc::new(server);
    let jobs = jobs::start(&server)?;
    let served = System::new().block_on(async {
        // Before the first request can be answered: whoever sees an answer may send a signal.
        let stops = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let metrics = match metrics_address {
            Some(address) => Some(http::serve_metrics(Arc::clone(&server), address)?),
            None => None,
        };
        let running = http::serve(Arc::clone(&server), listener, tls.as_ref())?;
        actix_web::rt::spawn(stop_on_signal(stops, running.handle()));
        let handles: Vec<_> = metrics.iter().map(actix_web::dev::Server::handle).collect();
        if let Some(metrics) = metrics {
            actix_web::rt::spawn(metrics);
        }
        actix_web::rt::spawn(reload_on_hangup(tls.map(|tls| tls.certificate)));
        let told = std::thread::spawn(ready);
        running.await?;
        for handle in handles {
            handle.stop(false).await;
        }
        told.join().unwrap_or_else(|_| Err(CliError::failed("the start message could not be printed")))
    });
    drop(jobs);
    server.close();
    log::info!("stopped");
    served
}

/// SIGTERM: take nothing new, finish what is under way, end. SIGINT, or a second signal: end at once.
async fn stop_on_signal((mut terminate, mut interrupt): (Signal, Signal), server: ServerHandle) {
    let drain = tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => false,
    };
    log::info!("stopping");
    let stopping = actix_web::rt::spawn(server.stop(drain));
    tokio::select! {
        _ = stopping => {}
        _ = terminate.recv() => server.stop(false).await,
        _ = interrupt.recv() => server.stop(false).await,
    }
}

/// SIGHUP: read the certificate again. Without one there is nothing to read, but the signal must not end the server.
async fn reload_on_hangup(certificate: Option<Arc<Certificate>>) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
    while hangups.recv().await.is_some() {
        match certificate.as_ref().map(|certificate| certificate.reload()) {
            Some(Ok(())) => log::info!("the certificate has been read again"),
            Some(Err(error)) => log::error!("the certificate in use stays: {error}"),
            None => log::info!("there is no certificate to read again"),
        }
    }
}
