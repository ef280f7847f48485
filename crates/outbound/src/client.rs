//! One request, one response, within one timeout.

use std::{fmt, future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{
        self,
        connect::{CaptureConnection, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    connect::Connector,
    error::SendError,
    guard::into_uri,
    resolve::{Resolve, SystemResolver},
    special::Special,
    stream::Open,
    tls::{self, BuildError, TlsError, TlsOptions},
};

/// How much of a response body is read, in bytes, unless the options say otherwise. Receivers answer
/// with a line; the log keeps 16 KiB of it.
pub const MAX_RESPONSE_BODY: usize = 64 * 1024;

/// What is buffered of an HTTP/1 response, in bytes, to find the end of its head: four times what
/// common servers allow in a request. Checked between reads, so a head a little longer may pass.
const MAX_RESPONSE_HEAD: usize = 32 * 1024;

/// Idle connections kept per host: what four webhooks with the default concurrency of 16 have in
/// flight. Deliveries start in bursts, one a commit, and whatever a burst has open beyond this is
/// opened again for the next: measured with bursts of 64, a limit of 16 cost three quarters of the
/// throughput.
const MAX_IDLE_PER_HOST: usize = 64;

/// Connections that are open beyond this are not kept after their exchange: some tens of KiB each with TLS. Who sends to ten
/// thousand hosts keeps none of them for long anyway.
const MAX_OPEN: usize = 4_096;

/// An idle connection is closed after this. Receivers often do it sooner; longer only holds memory.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A look-up, a connection and a TLS handshake take well under a second each on a working network.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What an HTTP/2 peer may send of one response before we read: never more than we would keep.
const HTTP2_STREAM_WINDOW: u32 = 64 * 1024;

/// The same for all responses of one connection: 16 at once.
const HTTP2_CONNECTION_WINDOW: u32 = 16 * HTTP2_STREAM_WINDOW;

/// An HTTP/2 connection is shared by all requests to a host, so a dead one must not wait for their
/// timeouts: it is pinged this often while it has requests in flight.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(10);

/// And given up when the ping is not answered within this.
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Headers that belong to the connection or to the URL (RFC 9110, sections 7.2 and 7.6.1; RFC 9112,
/// section 6). A caller's own would let one request pose as two on a shared connection.
const OWN_HEADERS: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
];

/// How a [`Client`] is set up. `default()` is right for production.
pub struct Options {
    /// Networks that may be reached although they are not global. Empty by default.
    pub allow_private: Vec<IpNet>,
    /// For look-up, connection and TLS handshake together. 10 s by default.
    pub connect_timeout: Duration,
    /// How much of a response body is read, in bytes. [`MAX_RESPONSE_BODY`] by default.
    pub max_response_body: usize,
    /// With as many connections open, another one is closed after its exchange: each takes a file of the process. 4,096 by
    /// default.
    pub max_open: usize,
    /// Root certificates trusted besides the bundled ones, in DER.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// In place of the system's hosts file and name servers. Its answers are guarded all the same.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allow_private: Vec::new(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            max_response_body: MAX_RESPONSE_BODY,
            max_open: MAX_OPEN,
            extra_roots: Vec::new(),
            resolver: None,
        }
    }
}

/// What to send. `Debug` shows neither query nor headers nor body.
pub struct Request {
    /// Any method but `CONNECT`.
    pub method: Method,
    /// An `http` or `https` URL.
    pub url: Url,
    /// Sent as they are, except those that frame the message (`Host`, `Content-Length`,
    /// `Transfer-Encoding`, `Connection`, `Upgrade`, `TE`), which are dropped.
    pub headers: HeaderMap,
    /// Sent with its `Content-Length`.
    pub body: Bytes,
    /// For the whole exchange, from the look-up to the last byte of the response.
    pub timeout: Duration,
    /// Until a connection is there, a kept one or a new one with look-up and TLS handshake, if that is to be less than
    /// [`Options::connect_timeout`].
    pub connect_timeout: Option<Duration>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What came back, a redirect as well as any other.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code, 100 to 999.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The first bytes of the body, as they came over the wire: at most [`Options::max_response_body`].
    pub body: Bytes,
    /// Whether there was more. The connection is then closed.
    pub truncated: bool,
}

/// An answer whose body is read as it comes, for as long as it comes.
#[derive(Debug)]
pub struct Opened {
    /// The status code.
    pub status: u16,
    body: Incoming,
}

impl Opened {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// If the connection fails.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SendError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(SendError::from_transfer)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The rest of the body, up to a limit.
    ///
    /// # Errors
    /// If the connection fails.
    pub async fn rest(&mut self, limit: usize) -> Result<Bytes, SendError> {
        read_body(&mut self.body, limit).await.map(|(body, _)| body)
    }
}

/// The guarded HTTP client. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: Http,
    allow: Arc<[IpNet]>,
    max_response_body: usize,
    max_open: usize,
    open: Open,
    special: Arc<Special>,
}

/// A client with its own connections.
pub(crate) type Http = legacy::Client<Connector, Full<Bytes>>;

impl Client {
    /// Sets up a client; connects to nothing yet. Reads the system's resolver configuration unless
    /// `options` bring a resolver; without one, host names fail with [`SendError::Dns`].
    pub fn new(options: Options) -> Result<Self, BuildError> {
        let allow: Arc<[IpNet]> = options.allow_private.into();
        let names = match options.resolver {
            Some(names) => names,
            None => Arc::new(SystemResolver::from_system().map_err(BuildError::Resolver)?),
        };
        let roots = tls::roots(options.extra_roots)?;
        let tls = tls::client_config(Arc::clone(&roots))?;
        let connector = Connector::new(names, tls, Arc::clone(&allow), options.connect_timeout);
        Ok(Self {
            special: Arc::new(Special::new(connector.clone(), roots)),
            open: connector.open(),
            http: pooled(connector),
            allow,
            max_response_body: options.max_response_body,
            max_open: options.max_open,
        })
    }

    /// The same client with the TLS options of one destination. Its connections are its own: they are kept for whoever has
    /// the same options, and nobody else is served by them.
    ///
    /// # Errors
    /// If the options can't be used.
    pub fn with_tls(&self, options: &TlsOptions) -> Result<Self, TlsError> {
        Ok(Self { http: self.special.client(options)?, ..self.clone() })
    }

    /// What sends.
    #[cfg(test)]
    pub(crate) fn http(&self) -> Http {
        self.http.clone()
    }

    /// Sends `request` and reads the response. Redirects are not followed, and nothing is sent
    /// twice unless a kept connection turns out to be closed before the first byte was written.
    pub async fn send(&self, request: Request) -> Result<Response, SendError> {
        let (timeout, connect_timeout) = (request.timeout, request.connect_timeout);
        let mut request = self.prepare(request)?;
        let connected = connect_timeout.map(|limit| (limit, capture_connection(&mut request)));
        let deadline = Instant::now() + timeout;
        let begun = async {
            let response = self.http.request(request);
            match connected {
                Some((limit, connected)) => tokio::select! {
                    response = response => response.map_err(SendError::from_exchange),
                    error = late(limit, connected) => Err(error),
                },
                None => response.await.map_err(SendError::from_exchange),
            }
        };
        let response = timeout_at(deadline, begun).await.map_err(|_| SendError::Timeout)??;
        self.read(response, deadline).await
    }

    /// Sends `request`, and gives the answer as soon as its head is there: until then the timeout counts, and for the body the
    /// caller sees to its end.
    ///
    /// # Errors
    /// The same as of [`send`](Self::send).
    pub async fn open(&self, request: Request) -> Result<Opened, SendError> {
        let timeout = request.timeout;
        let request = self.prepare(request)?;
        let response = tokio::time::timeout(timeout, self.http.request(request)).await;
        let response = response.map_err(|_| SendError::Timeout)?.map_err(SendError::from_exchange)?;
        let (head, body) = response.into_parts();
        Ok(Opened { status: head.status.as_u16(), body })
    }

    /// The first layer of the guard, and the form the library takes.
    fn prepare(&self, request: Request) -> Result<http::Request<Full<Bytes>>, SendError> {
        if request.method == Method::CONNECT {
            return Err(SendError::UnsupportedMethod);
        }
        let mut prepared = http::Request::new(Full::new(request.body));
        *prepared.method_mut() = request.method;
        *prepared.uri_mut() = into_uri(request.url, &self.allow)?;
        *prepared.headers_mut() = request.headers;
        for name in &OWN_HEADERS {
            prepared.headers_mut().remove(name);
        }
        if self.open.count() >= self.max_open {
            // Over HTTP/2, which shares one connection, the library leaves it out.
            prepared.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(prepared)
    }

    /// The rest of an answer, or what came of it until it broke off.
    async fn read(
        &self,
        response: http::Response<Incoming>,
        deadline: Instant,
    ) -> Result<Response, SendError> {
        let (head, mut body) = response.into_parts();
        let mut read = Vec::new();
        let end = timeout_at(deadline, read_into(&mut read, &mut body, self.max_response_body)).await;
        let end = end.unwrap_or(Err(SendError::Timeout));
        let answer = |truncated| Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body: read.into(),
            truncated,
        };
        match end {
            Ok(truncated) => Ok(answer(truncated)),
            Err(error) => {
                Err(SendError::Interrupted { answer: Box::new(answer(true)), error: Box::new(error) })
            }
        }
    }
}

/// Returns only if there is no connection within the limit.
async fn late(limit: Duration, mut connected: CaptureConnection) -> SendError {
    let connected = async { connected.wait_for_connection_metadata().await.is_some() };
    match tokio::time::timeout(limit, connected).await {
        Ok(_) => pending().await,
        Err(_) => SendError::ConnectTimeout,
    }
}

pub(crate) fn pooled(connector: Connector) -> Http {
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .http1_max_buf_size(MAX_RESPONSE_HEAD)
        // `X-Webhook-Event` as documented: names have no case, but some receivers compare them with.
        .http1_title_case_headers(true)
        .http2_initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .http2_initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
        .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT)
        .build(connector)
}

/// The body up to the limit, and whether there was more.
async fn read_body(body: &mut Incoming, limit: usize) -> Result<(Bytes, bool), SendError> {
    let mut read = Vec::new();
    let truncated = read_into(&mut read, body, limit).await?;
    Ok((read.into(), truncated))
}

/// Reads the body up to the limit, and says whether there was more. Copied, so that a short body does not hold on to the whole
/// buffer it was read into.
async fn read_into(read: &mut Vec<u8>, body: &mut Incoming, limit: usize) -> Result<bool, SendError> {
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(SendError::from_transfer)?.into_data() else {
            continue; // trailers
        };
        let room = limit - read.len();
        if data.len() > room {
            read.extend_from_slice(&data[..room]);
            return Ok(true);
        }
        read.extend_from_slice(&data);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Bearer hush".parse().unwrap());
        let request = Request {
            method: Method::POST,
            url: "https://example.com/hush?token=hush".parse().unwrap(),
            headers,
            body: "hush".into(),
            timeout: IDLE_TIMEOUT,
            connect_timeout: None,
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("example.com") && !shown.contains("hush"), "{shown}");
    }
}
