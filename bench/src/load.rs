//! The load generator: connections that are kept open, each with one request under way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::clock;

/// Makes the request of a number.
pub type Make = Arc<dyn Fn(u64) -> Request<Full<Bytes>> + Send + Sync>;

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// The next one as soon as the last one is answered.
    Closed,
    /// So many a second over all connections, whether the server keeps up or not.
    Open(u64),
}

/// What an answer must be for its figure to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A 2xx.
    Taken,
    /// Anything but a 2xx.
    Refused,
}

/// A load on a server.
#[derive(Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// Connections.
    pub connections: usize,
    /// How requests are sent.
    pub pace: Pace,
    /// Makes them.
    pub make: Make,
    /// The number of the next request.
    pub next: Arc<AtomicU64>,
    /// It ends with this number, if the time is not over before.
    pub last: u64,
    /// What each answer must be.
    pub expected: Expected,
    /// It ends when this is set, if not before.
    pub stop: Arc<AtomicBool>,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Requests that were answered.
    pub requests: u64,
    /// How long it took.
    pub seconds: f64,
    /// How long an answer took, in microseconds.
    pub latency: Histogram<u64>,
}

impl Measured {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

impl Load {
    /// Sends for so long, and measures.
    ///
    /// # Errors
    /// If any request is answered otherwise than expected: such a figure is none.
    pub async fn run(&self, duration: Duration) -> anyhow::Result<Measured> {
        let started = clock::instant();
        let connections = (0..self.connections).map(|position| {
            let connection = Connection { load: self.clone(), position };
            tokio::spawn(connection.run(duration))
        });
        let mut latency = clock::histogram()?;
        let mut failures: BTreeMap<String, u64> = BTreeMap::new();
        for connection in connections.collect::<Vec<_>>() {
            let (own, failed) = connection.await??;
            latency.add(own)?;
            for (what, count) in failed {
                *failures.entry(what).or_default() += count;
            }
        }
        if !failures.is_empty() {
            bail!("requests failed: {failures:?}");
        }
        Ok(Measured { requests: latency.len(), seconds: started.elapsed().as_secs_f64(), latency })
    }
}

struct Connection {
    load: Load,
    position: usize,
}

impl Connection {
    async fn run(self, duration: Duration) -> anyhow::Result<(Histogram<u64>, BTreeMap<String, u64>)> {
        let mut sender = connect(self.load.address).await?;
        let (mut latency, mut failures) = (clock::histogram()?, BTreeMap::new());
        let started = clock::instant();
        let mut timer = self.timer();
        loop {
            if let Some(timer) = &mut timer {
                timer.tick().await;
            }
            let number = self.load.next.fetch_add(1, Ordering::Relaxed);
            let is_over = number > self.load.last || self.load.stop.load(Ordering::Relaxed);
            if is_over || started.elapsed() >= duration {
                return Ok((latency, failures));
            }
            let request = (self.load.make)(number);
            let sent = clock::instant();
            let answer = sender.send_request(request).await.context("a request was not answered")?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            if status.is_success() == (self.load.expected == Expected::Taken) {
                latency.saturating_record(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
            } else {
                *failures.entry(format!("{status} {}", String::from_utf8_lossy(&body))).or_default() += 1;
            }
        }
    }

    /// The connections take turns, so that an open load is even.
    fn timer(&self) -> Option<tokio::time::Interval> {
        let Pace::Open(rate) = self.load.pace else { return None };
        let connections = u32::try_from(self.load.connections).unwrap_or(1);
        let period = Duration::from_secs(1) * connections / u32::try_from(rate).unwrap_or(1);
        let offset = period * u32::try_from(self.position).unwrap_or(0) / connections;
        Some(tokio::time::interval_at(tokio::time::Instant::now() + offset, period))
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("the server takes no connection")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // If it breaks, the next request says so.
    tokio::spawn(connection);
    Ok(sender)
}
