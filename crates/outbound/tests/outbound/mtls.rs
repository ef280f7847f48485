//! Servers that ask for a client's certificate, and authorities that only one destination is trusted with.

use std::sync::Arc;

use http::Response;
use outbound::{Client, SendError, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, pki_types::PrivateKeyDer, server::WebPkiClientVerifier};
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsAcceptor;

use crate::{
    server::{Server, serve},
    support::{get, local_client},
};

/// An authority for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    /// A certificate for `name` with its key, both as PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A server on 127.0.0.1 that takes clients of this authority only, and says who answers.
    async fn server(&self, protocol: &str) -> Server {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.0.as_ref().der().clone()).unwrap();
        let clients =
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Server::raw(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                match acceptor.accept(stream).into_fallible().await {
                    Ok(stream) => serve(stream, |_| async { Response::new("welcome".into()) }).await,
                    // Reads on, so that the alert is not lost in a reset of the connection.
                    Err((_, mut stream)) => drop(stream.read_to_end(&mut Vec::new()).await),
                }
            }
        })
        .await
    }
}

fn options(authority: Option<&Authority>, client: Option<(String, String)>) -> TlsOptions {
    let (client_certificate, client_key) = client.unzip();
    TlsOptions { client_certificate, client_key, ca: authority.map(Authority::pem) }
}

async fn code(client: &Client, server: &Server) -> &'static str {
    let url = format!("https://{}/", server.address);
    client.send(get(url)).await.map_or_else(|error| error.code(), |_| "none")
}

#[tokio::test]
async fn who_shows_the_right_certificate_is_served() {
    for protocol in ["h2", "http/1.1"] {
        let authority = Authority::new();
        let server = authority.server(protocol).await;
        let url = format!("https://{}/", server.address);
        let client = local_client();
        let special = client.with_tls(&options(Some(&authority), Some(authority.issue("us")))).unwrap();

        for _ in 0..3 {
            assert_eq!(special.send(get(&url)).await.unwrap().body, "welcome");
        }
        assert_eq!(server.accepted(), 1, "the connection is kept");
    }
}

#[tokio::test]
async fn who_shows_none_or_another_is_told_so() {
    for protocol in ["h2", "http/1.1"] {
        let authority = Authority::new();
        let server = authority.server(protocol).await;
        let client = local_client();
        for shown in [None, Some(Authority::new().issue("somebody"))] {
            let special = client.with_tls(&options(Some(&authority), shown)).unwrap();
            assert_eq!(code(&special, &server).await, "tls_client_certificate");
        }
    }
}

#[tokio::test]
async fn an_authority_is_trusted_for_its_own_destination_only() {
    let authority = Authority::new();
    let server = authority.server("h2").await;
    let client = local_client();
    let special = client.with_tls(&options(Some(&authority), Some(authority.issue("us")))).unwrap();

    assert_eq!(code(&special, &server).await, "none");
    for other in [
        client.clone(),
        client.with_tls(&options(None, Some(authority.issue("us")))).unwrap(),
        client.with_tls(&options(Some(&Authority::new()), Some(authority.issue("us")))).unwrap(),
    ] {
        let error = other.send(get(format!("https://{}/", server.address))).await.unwrap_err();
        assert!(matches!(error, SendError::Tls(_)), "{error:?}");
        assert_ne!(error.code(), "tls_client_certificate");
    }
}

#[tokio::test]
async fn a_connection_with_a_certificate_serves_nobody_else() {
    let authority = Authority::new();
    let server = authority.server("h2").await;
    let client = local_client();
    let one = client.with_tls(&options(Some(&authority), Some(authority.issue("one")))).unwrap();
    let other = client.with_tls(&options(Some(&authority), Some(authority.issue("other")))).unwrap();
    let without = client.with_tls(&options(Some(&authority), None)).unwrap();

    assert_eq!(code(&one, &server).await, "none");
    assert_eq!(code(&without, &server).await, "tls_client_certificate");
    assert_eq!(code(&other, &server).await, "none");
    assert_eq!(code(&one, &server).await, "none");
    assert_eq!(server.accepted(), 3);
}

#[tokio::test]
async fn own_options_do_not_open_what_is_private() {
    let authority = Authority::new();
    let server = authority.server("h2").await;
    let strict = Client::new(outbound::Options::default()).unwrap();
    let special = strict.with_tls(&options(Some(&authority), Some(authority.issue("us")))).unwrap();

    assert_eq!(code(&special, &server).await, "blocked_address");
    assert_eq!(server.accepted(), 0);
}
