//! Whose certificates are believed on outgoing TLS: those that the system trusts, and those of a file beside them.

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
    /// Reads the certificates that the system trusts, and those of this PEM file.
    pub fn load(file: Option<&Path>) -> Result<Self, TrustError> {
        let own: Vec<CertificateDer<'static>> = match file {
            Some(file) => CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect)
                .map_err(|error| TrustError(format!("outbound.ca_file {}: {error}", file.display())))?,
            None => Vec::new(),
        };
        let usable = |certificates: Vec<CertificateDer<'static>>| {
            // Systems carry the odd certificate that no library reads: it must not spoil the others.
            let mut store = RootCertStore::empty();
            certificates.into_iter().filter(move |certificate| store.add(certificate.clone()).is_ok())
        };
        let mut believed: Vec<_> = usable(own).collect();
        if let (true, Some(file)) = (believed.is_empty(), file) {
            return Err(TrustError(format!("outbound.ca_file {}: there is no certificate in it", file.display())));
        }
        believed.extend(usable(rustls_native_certs::load_native_certs().certs));
        Ok(Self(Arc::new(believed)))
    }

    /// The certificates, each as DER.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}
