//! Servers that fail in one way each.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What the bomb becomes when it is unpacked: far more than the process may have.
const BOMB_BYTES: usize = 512 * 1_024 * 1_024;

/// What a server does with each request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers so, byte for byte, and closes.
    Answer(String),
    Close,
    ResetInBody,
    SlowHead,
    SlowBody,
    EndlessBody,
    EndlessHead,
    /// `100 Continue`, again and again.
    EndlessInterim,
    GzipBomb,
    /// Would answer 200 to who accepts its certificate.
    Tls(Certificate),
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    SelfSigned,
    Expired,
    OfAnotherName,
    OfUnknownAuthority,
}

/// A server that is running; it and its connections end when it is dropped.
pub struct Acting {
    act: Act,
    address: SocketAddr,
    counts: Arc<Counts>,
    /// The authority to trust, as PEM.
    ca: Option<String>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    all: AtomicUsize,
    open: AtomicUsize,
}

impl Acting {
    pub async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let (tls, ca) = match act {
            Act::Tls(certificate) => {
                let (config, ca) = certificate.server();
                (Some(TlsAcceptor::from(Arc::new(config))), ca)
            }
            _ => (None, None),
        };
        let bomb: Arc<[u8]> = if matches!(act, Act::GzipBomb) { bomb().into() } else { Arc::default() };
        let (script, counting) = (act.clone(), Arc::clone(&counts));
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (act, tls, bomb) = (script.clone(), tls.clone(), Arc::clone(&bomb));
                let counts = Arc::clone(&counting);
                connections.spawn(async move {
                    counts.all.fetch_add(1, Ordering::SeqCst);
                    counts.open.fetch_add(1, Ordering::SeqCst);
                    // Ends with an error when the client hangs up, which most are about.
                    let _ = serve(stream, act, tls, &bomb).await;
                    counts.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { act, address, counts, ca, accepting }
    }

    pub fn name(&self) -> String {
        format!("{:?}", self.act)
    }

    /// What its webhook has to have.
    pub fn settings(&self) -> Value {
        self.ca.as_ref().map_or_else(|| json!({}), |ca| json!({"tls": {"ca": ca}}))
    }

    pub fn url(&self) -> String {
        let scheme = if matches!(self.act, Act::Tls(_)) { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.counts.all.load(Ordering::SeqCst)
    }

    /// How many there are.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    act: Act,
    tls: Option<TlsAcceptor>,
    bomb: &[u8],
) -> std::io::Result<()> {
    if let Some(tls) = tls {
        let mut stream = tls.accept(stream).await?;
        return stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    }
    read_request(&mut stream).await?;
    let chunk = vec![b'x'; 16 * 1_024];
    match act {
        Act::Answer(answer) => stream.write_all(answer.as_bytes()).await?,
        Act::Close | Act::Tls(_) => {}
        Act::ResetInBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await?;
            stream.set_zero_linger()?;
        }
        Act::SlowHead => wait_for_end(&mut stream).await?,
        Act::SlowBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await?;
            wait_for_end(&mut stream).await?;
        }
        Act::EndlessBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
            forever(&mut stream, &chunk).await?;
        }
        Act::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?;
            forever(&mut stream, &chunk).await?;
        }
        Act::EndlessInterim => loop {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            tokio::task::yield_now().await;
        },
        Act::GzipBomb => {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                bomb.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(bomb).await?;
        }
    }
    Ok(())
}

async fn forever(stream: &mut TcpStream, chunk: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(chunk).await?;
    }
}

/// Until the client hangs up.
async fn wait_for_end(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read_to_end(&mut Vec::new()).await.map(|_| ())
}

/// A request with its body.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    loop {
        stream.read_buf(&mut request).await?;
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Ok(());
        }
    }
}

fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1_024 * 1_024];
    for _ in 0..BOMB_BYTES / zeros.len() {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

impl Certificate {
    /// A server with such a certificate, and the authority to trust that makes this the only fault.
    fn server(self) -> (rustls::ServerConfig, Option<String>) {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let name = if self == Self::OfAnotherName { "example.com" } else { "127.0.0.1" };
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if self == Self::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate: CertificateDer<'static> = match self {
            Self::SelfSigned => params.self_signed(&key).unwrap().der().clone(),
            _ => params.signed_by(&key, &authority).unwrap().der().clone(),
        };
        let is_trusted = matches!(self, Self::Expired | Self::OfAnotherName);
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
                .unwrap();
        (config, is_trusted.then(|| authority.as_ref().pem()))
    }
}
