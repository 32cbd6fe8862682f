//! TLS 1.2 and 1.3 through rustls, with a certificate that can be read again while the server runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

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

/// The settings of the listener: TLS 1.2 and 1.3 with the suites that rustls holds to be safe.
pub fn server_config(certificate: &Arc<Certificate>) -> std::io::Result<ServerConfig> {
    let resolver: Arc<dyn ResolvesServerCert> = Arc::<Certificate>::clone(certificate);
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(std::io::Error::other)?;
    Ok(builder.with_no_client_auth().with_cert_resolver(resolver))
}
