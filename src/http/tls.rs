//! TLS 1.2 and 1.3 through rustls, mutual where configured, with a certificate that can be read again while the server
//! runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use crate::config::{self, TlsVersion};

/// The certificate in use, and where it came from.
#[derive(Debug)]
pub struct Certificate {
    certificate_file: PathBuf,
    private_key_file: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("TLS: {0}")]
pub struct CertificateError(String);

impl Certificate {
    /// Reads both files.
    pub fn load(certificate_file: &Path, private_key_file: &Path) -> Result<Self, CertificateError> {
        let current = RwLock::new(Arc::new(read(certificate_file, private_key_file)?));
        Ok(Self {
            certificate_file: certificate_file.to_owned(),
            private_key_file: private_key_file.to_owned(),
            current,
        })
    }

    /// Reads both files again; what was in use stays when they cannot be used.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let fresh = Arc::new(read(&self.certificate_file, &self.private_key_file)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(certificate_file: &Path, private_key_file: &Path) -> Result<CertifiedKey, CertificateError> {
    let failed = |file: &Path, error: &dyn std::fmt::Display| CertificateError(format!("{}: {error}", file.display()));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate_file)
        .and_then(Iterator::collect)
        .map_err(|error| failed(certificate_file, &error))?;
    if chain.is_empty() {
        return Err(failed(certificate_file, &"there is no certificate in this file"));
    }
    let key = PrivateKeyDer::from_pem_file(private_key_file).map_err(|error| failed(private_key_file, &error))?;
    let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
    certified.map_err(|error| failed(private_key_file, &error))
}

/// The authorities whose certificates clients must show (RFC 8446 §4.4.2.4).
#[derive(Debug)]
pub struct ClientAuthorities(Arc<RootCertStore>);

impl ClientAuthorities {
    /// Reads the file. Unlike the certificate it is read once.
    pub fn load(file: &Path) -> Result<Self, CertificateError> {
        let failed = |error: &dyn std::fmt::Display| CertificateError(format!("{}: {error}", file.display()));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
            let certificate = certificate.map_err(|error| failed(&error))?;
            roots.add(certificate).map_err(|error| failed(&error))?;
        }
        if roots.is_empty() {
            return Err(failed(&"there is no certificate in this file"));
        }
        Ok(Self(Arc::new(roots)))
    }
}

/// What the listener speaks.
#[derive(Debug)]
pub struct Tls {
    /// What it shows.
    pub certificate: Arc<Certificate>,
    /// Whose certificates it demands; None for no mutual TLS.
    pub client_authorities: Option<ClientAuthorities>,
    /// The lowest version.
    pub min_version: TlsVersion,
}

impl Tls {
    /// Reads the files that the settings name; None where there is no TLS here.
    pub fn load(settings: &config::ServerConfig) -> Result<Option<Self>, CertificateError> {
        let (Some(certificate), Some(key)) = (&settings.tls_certificate_file, &settings.tls_private_key_file) else {
            return Ok(None);
        };
        Ok(Some(Self {
            certificate: Arc::new(Certificate::load(certificate, key)?),
            client_authorities: settings.tls_client_ca_file.as_deref().map(ClientAuthorities::load).transpose()?,
            min_version: settings.tls_min_version,
        }))
    }
}

/// The settings of the listener: TLS with the suites that rustls holds to be safe.
pub fn server_config(tls: &Tls) -> std::io::Result<ServerConfig> {
    use rustls::version::{TLS12, TLS13};
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions: &[_] = match tls.min_version {
        TlsVersion::Tls12 => &[&TLS13, &TLS12],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(std::io::Error::other)?;
    let builder = match &tls.client_authorities {
        None => builder.with_no_client_auth(),
        Some(ClientAuthorities(roots)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(std::io::Error::other)?)
        }
    };
    let resolver: Arc<dyn ResolvesServerCert> = Arc::<Certificate>::clone(&tls.certificate);
    Ok(builder.with_cert_resolver(resolver))
}
