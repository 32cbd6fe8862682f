//! What the pages say of the way there: HTTPS only, TLS 1.3, mutual TLS with a CA of one's own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use grantor::config::Config;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use crate::platforms::{file, settings};
use crate::process::{Ended, Running, free_port, grantor_on, wait_for};
use crate::support::*;

on_both!(plain_http_is_refused);

/// "All API requests must be made over HTTPS. HTTP requests will be rejected."
fn plain_http_is_refused(engine: Engine) {
    for name in ["nfyio", "aetherflow"] {
        let test = TestServer::start_with(engine, |config: &mut Config| {
            *config = settings(name, config);
            config.server.issuer = format!("https://{}", config.server.bind);
        });
        let get = |proto: Option<&str>| {
            let mut request = http_client().get(test.url("/.well-known/oauth-authorization-server"));
            if let Some(proto) = proto {
                request = request.header("x-forwarded-proto", proto);
            }
            Answer::of(request)
        };
        assert_eq!((get(Some("https")).status.as_u16(), get(Some("http")).status.as_u16()), (200, 403), "{name}");
        let told = get(None);
        assert_eq!(told.status, 403);
        assert!(told.body.contains("https only"), "{}", told.body);
        assert!(get(Some("https")).header("strict-transport-security").contains("max-age"));
    }
}

/// A private CA in a folder, with a certificate for the server; and one for a client, with its key.
struct Authority {
    root: CertificateDer<'static>,
    client: (CertificateDer<'static>, PrivateKeyDer<'static>),
}

impl Authority {
    fn make(folder: &std::path::Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            (params.signed_by(&key, &ca).unwrap(), key)
        };
        let (certificate, key) = signed("localhost");
        std::fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
        std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("ca.crt"), ca.pem()).unwrap();
        let (certificate, key) = signed("client");
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self { root: ca.der().clone(), client: (certificate.der().clone(), key) }
    }

    /// GET of a document, with this version and with or without the client's certificate.
    fn get(
        &self,
        port: u16,
        version: &'static SupportedProtocolVersion,
        with: Option<&Self>,
    ) -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match with.map(|other| &other.client) {
            Some((certificate, key)) => {
                builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", port))?);
        write!(stream, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        match stream.read_to_string(&mut answer) {
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(answer),
        }
    }
}

/// The server as a process with the example's file, TLS of its own, and these settings.
fn serve(name: &str, test: &TestServer, folder: &std::path::Path, extra: &[(&str, String)]) -> Running {
    let port = free_port();
    let mut command = grantor_on(&test.database);
    command.args(["serve", "--config"]).arg(file(name));
    command.env("GRANTOR_SERVER__BIND", format!("127.0.0.1:{port}"));
    command.env("GRANTOR_SERVER__ISSUER", format!("https://localhost:{port}"));
    command.env("GRANTOR_SERVER__TLS_CERTIFICATE_FILE", folder.join("tls.crt"));
    command.env("GRANTOR_SERVER__TLS_PRIVATE_KEY_FILE", folder.join("tls.key"));
    for (name, value) in extra {
        command.env(name, value);
    }
    let running = Running::spawn(&mut command, port, folder);
    wait_for("serving", 60, || running.said().contains(" is served on ").then_some(()));
    running
}

/// NexaFlow: "For mutual TLS (mTLS) environments or custom CA certificates, configure the SDK client": its `ca` is ours.
#[test]
fn mutual_tls_with_a_private_ca() {
    let test = TestServer::start_now(Engine::Sqlite);
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (own, foreign) = (Authority::make(folder.path()), Authority::make(elsewhere.path()));
    let ca = folder.path().join("ca.crt").display().to_string();
    let running = serve("nexaflow", &test, folder.path(), &[("GRANTOR_SERVER__TLS_CLIENT_CA_FILE", ca)]);
    for version in [&TLS12, &TLS13] {
        let answer = own.get(running.port, version, Some(&own)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(own.get(running.port, version, None).is_err(), "no certificate");
        assert!(own.get(running.port, version, Some(&foreign)).is_err(), "one of another CA");
    }
    assert!(foreign.get(running.port, &TLS13, Some(&own)).is_err(), "the server's is not of a CA that is known there");
}

/// AetherFlow: "encrypted in transit using TLS 1.3".
#[test]
fn nothing_below_tls_1_3_where_it_is_configured() {
    let test = TestServer::start_now(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::make(folder.path());
    let running = serve("aetherflow", &test, folder.path(), &[("GRANTOR_SERVER__TLS_MIN_VERSION", "1.3".to_owned())]);
    assert!(authority.get(running.port, &TLS13, None).unwrap().starts_with("HTTP/1.1 200 OK"));
    assert!(authority.get(running.port, &TLS12, None).is_err());
}

#[test]
fn tls_settings_that_cannot_work_are_said() {
    let test = TestServer::start_now(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    Authority::make(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("empty"), "").unwrap();
    let check = |settings: &[(&str, &str)]| {
        let mut command = grantor_on(&test.database);
        for (name, value) in settings {
            command.env(format!("GRANTOR_SERVER__TLS_{name}"), value);
        }
        Ended::of(command.args(["config", "check"]), "")
    };
    check(&[("MIN_VERSION", "1.3")]).assert_refused(2, "tls_certificate_file", "config example");
    check(&[("CLIENT_CA_FILE", &path("ca.crt"))]).assert_refused(2, "tls_certificate_file", "config example");
    let own = [("CERTIFICATE_FILE", path("tls.crt")), ("PRIVATE_KEY_FILE", path("tls.key"))];
    for (file, word) in [("empty", "no certificate"), ("absent", "absent")] {
        let file = path(file);
        check(&[(own[0].0, &own[0].1), (own[1].0, &own[1].1), ("CLIENT_CA_FILE", &file)]).assert_refused(2, word, "");
    }
}
