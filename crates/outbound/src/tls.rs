//! How TLS is spoken: rustls with ring, the bundled Mozilla roots, always verified.

use std::{fmt, sync::Arc};

use hickory_resolver::net::NetError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
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

/// The bundled roots and `extra_roots`.
pub(crate) fn roots(extra_roots: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, BuildError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in extra_roots {
        roots.add(root).map_err(BuildError::RootCertificate)?;
    }
    Ok(Arc::new(roots))
}

/// Trusts these roots, and shows no certificate.
pub(crate) fn client_config(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, BuildError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(BuildError::Tls)?;
    Ok(with_protocols(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// Offers HTTP/2, then HTTP/1.1.
fn with_protocols(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Why [`TlsOptions`] can't be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No PEM, or no certificate in it.
    #[error("must be certificates as PEM: -----BEGIN CERTIFICATE-----")]
    Certificate,
    /// No PEM, no private key in it, or a key with a password or of a kind that is not known.
    #[error("must be a private key as PEM, without a password: RSA, ECDSA (P-256, P-384) or Ed25519")]
    Key,
    /// A certificate without a key.
    #[error("is required: a certificate proves something with its private key only")]
    KeyMissing,
    /// A key without a certificate.
    #[error("is required: a private key proves something with its certificate only")]
    CertificateMissing,
    /// They are no pair.
    #[error("is not the key of the client certificate: send both")]
    Mismatch,
    /// No PEM, or no certificate of an authority in it.
    #[error("must be the certificates of authorities as PEM: -----BEGIN CERTIFICATE-----")]
    Ca,
    /// The TLS library refuses its own defaults.
    #[error("could not set up tls")]
    Setup(#[source] rustls::Error),
}

impl TlsError {
    /// The member of [`TlsOptions`] that is at fault.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Certificate | Self::CertificateMissing => "client_certificate",
            Self::Key | Self::KeyMissing | Self::Mismatch | Self::Setup(_) => "client_key",
            Self::Ca => "ca",
        }
    }
}

/// How TLS is spoken with one destination, beyond what holds for all: a certificate that the client shows, and authorities
/// that are trusted besides the bundled ones. `Debug` shows nothing of it.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// The client's certificate as PEM, with the chain behind it if there is one.
    pub client_certificate: Option<String>,
    /// Its private key as PEM.
    pub client_key: Option<String>,
    /// Certificates of authorities as PEM.
    pub ca: Option<String>,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsOptions(••••)")
    }
}

impl TlsOptions {
    /// Whether they can be used, for who saves them.
    ///
    /// # Errors
    /// Says what is wrong; see [`TlsError`].
    pub fn check(&self) -> Result<(), TlsError> {
        self.config(&RootCertStore::empty()).map(|_| ())
    }

    /// The configuration of a client that trusts these roots as well.
    pub(crate) fn config(&self, roots: &RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
        let mut roots = roots.clone();
        if let Some(pem) = &self.ca {
            for authority in certificates(pem, TlsError::Ca)? {
                roots.add(authority).map_err(|_| TlsError::Ca)?;
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_root_certificates(roots);
        let (certificate, key) = match (&self.client_certificate, &self.client_key) {
            (None, None) => return Ok(with_protocols(builder.with_no_client_auth())),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) => return Err(TlsError::KeyMissing),
            (None, Some(_)) => return Err(TlsError::CertificateMissing),
        };
        let chain = certificates(certificate, TlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| TlsError::Key)?;
        let config = builder.with_client_auth_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
            rustls::Error::InvalidCertificate(_) => TlsError::Certificate,
            _ => TlsError::Key,
        })?;
        Ok(with_protocols(config))
    }
}

fn certificates(pem: &str, wrong: TlsError) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    parsed.ok().filter(|found| !found.is_empty()).ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_is_no_certificate_is_refused() {
        let refused = roots(vec![CertificateDer::from(vec![1, 2, 3])]);
        assert!(matches!(refused, Err(BuildError::RootCertificate(_))));
    }

    #[test]
    fn options_that_can_not_be_used_are_refused() {
        let own = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let check = |client_certificate: &str, client_key: &str, ca: &str| {
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let options = TlsOptions {
                client_certificate: given(client_certificate),
                client_key: given(client_key),
                ca: given(ca),
            };
            options.check().map_err(|error| format!("{error:?}"))
        };
        assert_eq!(check(&certificate, &key, &certificate), Ok(()));
        assert_eq!(check("", "", ""), Ok(()));
        for (certificate, key, ca, wrong) in [
            (&certificate[..], "", "", "KeyMissing"),
            ("", &key[..], "", "CertificateMissing"),
            (&certificate, &other, "", "Mismatch"),
            (&certificate, "no key", "", "Key"),
            (&certificate, &certificate, "", "Key"),
            ("no certificate", &key, "", "Certificate"),
            (&key, &key, "", "Certificate"),
            ("", "", "no authority", "Ca"),
            ("", "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "Ca"),
        ] {
            assert_eq!(check(certificate, key, ca), Err(wrong.to_owned()));
        }
    }
}
