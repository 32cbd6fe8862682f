//! The one HTTP client. It resolves a name once, looks at every address before it connects to any, follows no redirect,
//! uses no proxy, and waits for nothing longer than its limits.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};
use url::{Host, Url};

use crate::outbound::guard::is_public;
use crate::outbound::trust::TrustedRoots;

/// Longest wait for a name and for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for all of a call.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a document: somebody waits for it.
const GET_TIMEOUT: Duration = Duration::from_secs(5);
/// Most octets of an answer's head; the body of an answer to a POST is not read at all.
const MAX_HEAD: usize = 16 * 1024;
/// Most addresses of a name that are looked at.
const MAX_ADDRESSES: usize = 16;

/// Finds the addresses of a host and port: the system's way, or a test's.
pub type Lookup = Arc<dyn Fn(&str, u16) -> std::io::Result<Vec<SocketAddr>> + Send + Sync>;

/// A URL that may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTarget(&'static str);

/// Why a call came to nothing, in words without secrets and without a word of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CallError(String);

/// The client.
#[derive(Debug)]
pub struct HttpClient {
    agent: Agent,
    allow_private: bool,
}

/// Checks what can be seen of a URL without asking for its addresses: https, no credentials, no address that is not public.
/// Plain http passes only where private targets do.
pub fn check_target(url: &Url, allow_private: bool) -> Result<(), InvalidTarget> {
    if !(url.scheme() == "https" || (allow_private && url.scheme() == "http")) {
        return Err(InvalidTarget("the URL must be https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidTarget("the URL must not hold credentials"));
    }
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => return Err(InvalidTarget("the URL must have a host")),
    };
    if public || allow_private { Ok(()) } else { Err(InvalidTarget("the URL leads to an address that is not public")) }
}

impl HttpClient {
    /// A client that believes these certificates. With `allow_private` it calls any address; plain http goes nowhere but to
    /// addresses that are not public.
    pub fn new(roots: &TrustedRoots, allow_private: bool) -> Self {
        Self::with_lookup(roots, allow_private, Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())))
    }

    /// The same with another way to find addresses.
    pub fn with_lookup(roots: &TrustedRoots, allow_private: bool, lookup: Lookup) -> Self {
        let certificates: Vec<_> = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&certificates))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(!allow_private)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Else the environment could name one, and that would do the resolving.
            .proxy(None)
            .timeout_global(Some(TOTAL_TIMEOUT))
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .max_response_header_size(MAX_HEAD)
            // A connection that is kept would be used again without its address being looked at.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .user_agent(concat!("grantor/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = GuardedResolver { lookup, allow_private };
        Self { agent: Agent::with_parts(config, DefaultConnector::default(), resolver), allow_private }
    }

    /// Gets a document of at most `limit` octets. Errors on any status but 200.
    pub fn get(&self, url: &Url, limit: u64) -> Result<Vec<u8>, CallError> {
        check_target(url, self.allow_private).map_err(|error| CallError(error.to_string()))?;
        let request = self.agent.get(url.as_str()).header("accept", "application/json");
        let request = request.config().timeout_global(Some(GET_TIMEOUT)).build();
        let mut answer = request.call().map_err(|error| CallError(in_words(&error)))?;
        if answer.status() != StatusCode::OK {
            return Err(CallError(format!("the answer is {}", answer.status().as_u16())));
        }
        let body = answer.body_mut().with_config().limit(limit).read_to_vec();
        body.map_err(|_| CallError("the answer is too large, or was cut off".to_owned()))
    }

    /// Posts a JSON text with these headers; answers the status, whatever it is.
    pub fn post_json(&self, url: &Url, headers: &[(&str, String)], body: &str) -> Result<StatusCode, CallError> {
        self.post(url, "application/json", headers, body)
    }

    /// Posts an encoded form; answers the status, whatever it is.
    pub fn post_form(&self, url: &Url, body: &str) -> Result<StatusCode, CallError> {
        self.post(url, "application/x-www-form-urlencoded", &[], body)
    }

    fn post(
        &self,
        url: &Url,
        content_type: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> Result<StatusCode, CallError> {
        check_target(url, self.allow_private).map_err(|error| CallError(error.to_string()))?;
        let mut request = self.agent.post(url.as_str()).header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        // The body of the answer is dropped unread, and its connection with it: nobody fills our memory.
        request.send(body).map(|answer| answer.status()).map_err(|error| CallError(in_words(&error)))
    }
}

/// A sentence for the list of deliveries.
fn in_words(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "no answer in time".to_owned(),
        Error::HostNotFound => "the name has no address".to_owned(),
        Error::BadUri(_) => "the name has an address that may not be called".to_owned(),
        Error::ConnectionFailed => "no connection".to_owned(),
        Error::Tls(text) => format!("TLS: {text}"),
        Error::Rustls(error) => format!("TLS: {error}"),
        // What rustls refuses comes wrapped, for it is noticed while reading.
        Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => format!("TLS: {error}"),
            None => format!("no connection: {}", error.kind()),
        },
        Error::BodyExceedsLimit(_) => "the answer is too large".to_owned(),
        Error::LargeResponseHeader(..) => "the head of the answer is too large".to_owned(),
        _ => "the answer is not HTTP".to_owned(),
    }
}

/// Resolves once, and gives the connector only what may be called: there is no second look-up that could answer otherwise.
struct GuardedResolver {
    lookup: Lookup,
    allow_private: bool,
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GuardedResolver").field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}

impl Resolver for GuardedResolver {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let plain = uri.scheme_str() != Some("https");
        let host = uri.host().ok_or(Error::HostNotFound)?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(if plain { 80 } else { 443 });
        let found = self.look_up(host, port, &timeout)?;
        // One bad address among good ones is no accident: none of them is called.
        let may_call = |address: &SocketAddr| match is_public(address.ip()) {
            true => !plain,
            false => self.allow_private,
        };
        if !found.iter().all(may_call) {
            return Err(Error::BadUri("an address that may not be called".to_owned()));
        }
        let mut addresses = self.empty();
        found.into_iter().take(MAX_ADDRESSES).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

impl GuardedResolver {
    /// The system's look-up has no limit of its own: it runs on a thread that is left behind when it takes too long.
    fn look_up(&self, host: String, port: u16, timeout: &NextTimeout) -> Result<Vec<SocketAddr>, Error> {
        let (lookup, (sender, receiver)) = (Arc::clone(&self.lookup), mpsc::sync_channel(1));
        let run = move || drop(sender.send(lookup(&host, port)));
        std::thread::Builder::new().name("look-up".to_owned()).spawn(run)?;
        let limit = (*timeout.after).min(CONNECT_TIMEOUT);
        match receiver.recv_timeout(limit) {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) | Err(mpsc::RecvTimeoutError::Disconnected) => Err(Error::HostNotFound),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::Timeout(timeout.reason)),
        }
    }
}
