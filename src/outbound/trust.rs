//! Whose certificates are believed on outgoing TLS: those of a file, or those that the system trusts.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The trusted certificates.
#[derive(Debug, Clone)]
pub struct TrustedRoots(Arc<Vec<CertificateDer<'static>>>);

/// There is nothing to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TrustError(String);

impl TrustedRoots {
    /// Reads the certificates of this PEM file, or the system's where none is named.
    pub fn load(file: Option<&Path>) -> Result<Self, TrustError> {
        let certificates = match file {
            Some(file) => CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect)
                .map_err(|error| TrustError(format!("outbound.ca_file {}: {error}", file.display())))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        // Systems carry the odd certificate that no library reads: it must not spoil the others.
        let mut store = RootCertStore::empty();
        let usable: Vec<_> =
            certificates.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok()).collect();
        match (usable.is_empty(), file) {
            (true, Some(file)) => {
                Err(TrustError(format!("outbound.ca_file {}: there is no certificate in it", file.display())))
            }
            _ => Ok(Self(Arc::new(usable))),
        }
    }

    /// The certificates, each as DER.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}
