//! From a URI to a connection: name, TCP, third layer of the guard, TLS.
//!
//! Invariant: no byte is sent to a peer whose address was not checked.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use ipnet::IpNet;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower::Service;

use crate::{
    error::SendError,
    guard::check_address,
    resolve::{GuardedResolver, Resolve},
    stream::{Open, Stream},
};

/// TCP probes a silent connection after this, so that one whose peer is gone leaves the pool.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// Opens guarded connections. One pointer, because the HTTP client clones it for every request.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Inner>);

struct Inner {
    tcp: HttpConnector<GuardedResolver>,
    tls: TlsConnector,
    allow: Arc<[IpNet]>,
    timeout: Duration,
    open: Open,
}

impl Connector {
    /// `timeout` bounds the look-up, the connection and the TLS handshake together.
    pub(crate) fn new(
        names: Arc<dyn Resolve>,
        tls: Arc<rustls::ClientConfig>,
        allow: Arc<[IpNet]>,
        timeout: Duration,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver {
            names,
            allow: Arc::clone(&allow),
            timeout: timeout / 2, // the rest is for the connection
        });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        // Shared out among the addresses of a name, so that a dead one leaves time for the next.
        tcp.set_connect_timeout(Some(timeout));
        Self(Arc::new(Inner { tcp, tls: tls.into(), allow, timeout, open: Open::default() }))
    }

    /// The same with another TLS configuration.
    pub(crate) fn with_tls(&self, tls: Arc<rustls::ClientConfig>) -> Self {
        let Inner { tcp, allow, timeout, open, .. } = &*self.0;
        Self(Arc::new(Inner {
            tcp: tcp.clone(),
            tls: tls.into(),
            allow: Arc::clone(allow),
            timeout: *timeout,
            open: open.clone(),
        }))
    }

    /// The connections that it and those made from it have open.
    pub(crate) fn open(&self) -> Open {
        self.0.open.clone()
    }
}

impl Inner {
    async fn connect(&self, uri: Uri) -> Result<Stream, SendError> {
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().unwrap_or_default().to_owned();
        let tcp = self.tcp.clone().call(uri).await.map_err(SendError::from_tcp)?;
        check_peer(&host, tcp.inner(), &self.allow)?;
        let one = self.open.one();
        if !https {
            return Ok(Stream { io: tcp.into(), _one: one });
        }
        let tls = self.tls.connect(server_name(&host)?, TokioIo::new(tcp));
        Ok(Stream { io: tls.await.map_err(SendError::from_tls)?.into(), _one: one })
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, SendError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            tokio::time::timeout(inner.timeout, inner.connect(uri))
                .await
                .map_err(|_| SendError::ConnectTimeout)?
        })
    }
}

/// The third layer: what the socket says it is connected to, whatever was asked for.
fn check_peer(host: &str, stream: &TcpStream, allow: &[IpNet]) -> Result<(), SendError> {
    let peer = stream.peer_addr().map_err(SendError::from_tcp)?;
    Ok(check_address(host, peer.ip(), allow)?)
}

fn server_name(host: &str) -> Result<ServerName<'static>, SendError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).map_err(|error| SendError::Tls(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_connection_to_a_refused_peer_is_refused_whatever_the_name_said() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(address).await.unwrap();

        let refused = check_peer("example.com", &stream, &[]).unwrap_err();
        assert!(matches!(
            &refused,
            SendError::Blocked { host, address: peer } if host == "example.com" && *peer == address.ip()
        ));
        check_peer("example.com", &stream, &["127.0.0.0/8".parse().unwrap()]).unwrap();
    }

    #[test]
    fn the_brackets_of_an_ipv6_host_are_no_part_of_its_tls_name() {
        let name = server_name("[2606:4700::1]").unwrap();
        assert!(matches!(name, ServerName::IpAddress(_)));
    }
}
