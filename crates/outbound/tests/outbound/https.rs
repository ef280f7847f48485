//! TLS, and HTTP/2 through it.

use std::sync::Arc;

use http::{Response, Version};
use outbound::{Client, MAX_RESPONSE_BODY, Options, SendError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::{
    server::Server,
    support::{get, local_options, post},
};

/// An authority for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn root(&self) -> CertificateDer<'static> {
        self.0.as_ref().der().clone()
    }

    /// The configuration of a server for `name` that offers `protocols`.
    fn server(&self, name: &str, protocols: &[&str]) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        let provider = rustls::crypto::ring::default_provider();
        let mut config = rustls::ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    fn client(&self) -> Client {
        Client::new(Options { extra_roots: vec![self.root()], ..local_options() }).unwrap()
    }
}

fn url(server: &Server, host: &str) -> String {
    format!("https://{host}:{}/", server.address.port())
}

#[tokio::test]
async fn http2_where_the_server_has_it() {
    let authority = Authority::new();
    let tls = authority.server("localhost", &["h2", "http/1.1"]);
    let server = Server::https(tls, |request| async move {
        assert_eq!(request.version(), Version::HTTP_2);
        Response::new(request.uri().to_string().into())
    })
    .await;
    let client = authority.client();

    for _ in 0..5 {
        let response = client.send(post(url(&server, "localhost"), "x")).await.unwrap();
        assert_eq!(response.body, url(&server, "localhost"));
    }

    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn http1_where_it_has_not() {
    let authority = Authority::new();
    for protocols in [&["http/1.1"][..], &[]] {
        let server = Server::https(authority.server("127.0.0.1", protocols), |request| async move {
            assert_eq!(request.version(), Version::HTTP_11);
            Response::default()
        })
        .await;

        let response = authority.client().send(get(url(&server, "127.0.0.1"))).await.unwrap();
        assert_eq!(response.status, 200);
    }
}

#[tokio::test]
async fn a_long_http2_body_is_cut() {
    let authority = Authority::new();
    let server = Server::https(authority.server("localhost", &["h2"]), |_| async {
        Response::new(vec![b'a'; 10 * MAX_RESPONSE_BODY].into())
    })
    .await;
    let client = authority.client();

    // More than the connection's window in all: what is not read must be given back to it.
    for _ in 0..40 {
        let response = client.send(get(url(&server, "localhost"))).await.unwrap();
        assert_eq!((response.body.len(), response.truncated), (MAX_RESPONSE_BODY, true));
    }
}

#[tokio::test]
async fn a_stream_that_the_server_resets_is_closed() {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server("localhost", &["h2"])));
    let server = Server::raw(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_reset(h2::Reason::INTERNAL_ERROR);
            }
        }
    })
    .await;

    let error = authority.client().send(get(url(&server, "localhost"))).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectionClosed(_)), "{error:?}");
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let server =
        Server::https(Authority::new().server("localhost", &["h2"]), |_| async { Response::default() }).await;

    let error = Authority::new().client().send(get(url(&server, "localhost"))).await.unwrap_err();
    assert!(matches!(error, SendError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let server =
        Server::https(authority.server("other.example.com", &["h2"]), |_| async { Response::default() })
            .await;

    for host in ["localhost", "127.0.0.1"] {
        let error = authority.client().send(get(url(&server, host))).await.unwrap_err();
        assert!(matches!(error, SendError::Tls(_)), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let server = Server::http(|_| async { Response::default() }).await;

    let error = Authority::new().client().send(get(url(&server, "127.0.0.1"))).await.unwrap_err();
    assert!(matches!(error, SendError::Tls(_)), "{error:?}");
}
