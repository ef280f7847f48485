//! How TLS is spoken: rustls with ring, the bundled Mozilla roots, always verified.

use std::sync::Arc;

use hickory_resolver::net::NetError;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use thiserror::Error;

/// Why a client can't be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// One of the extra root certificates is not an X.509 certificate.
    #[error("invalid root certificate")]
    RootCertificate(#[source] rustls::Error),
    /// The TLS library refuses its own defaults.
    #[error("could not set up tls")]
    Tls(#[source] rustls::Error),
    /// The resolver could not be set up.
    #[error("could not set up the resolver")]
    Resolver(#[source] NetError),
}

/// Trusts the bundled roots and `extra_roots`; offers HTTP/2, then HTTP/1.1.
pub(crate) fn client_config(
    extra_roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, BuildError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in extra_roots {
        roots.add(root).map_err(BuildError::RootCertificate)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(BuildError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_is_no_certificate_is_refused() {
        let refused = client_config(vec![CertificateDer::from(vec![1, 2, 3])]);
        assert!(matches!(refused, Err(BuildError::RootCertificate(_))));
    }
}
