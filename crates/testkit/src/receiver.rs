//! A webhook destination for tests: an HTTP server on loopback that records what arrives and answers as told.
//!
//! Speaks HTTP/1.1 and HTTP/2 (without TLS, by prior knowledge) on one port. It runs on the runtime that started it,
//! and everything that it has open ends when the handle is dropped.

mod reply;
mod serve;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use parking_lot::{Mutex, RwLock};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use reply::{Answer, Behaviour, Reply, always, fail_first};

/// One request as it arrived, whole.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// The HTTP version that it came in.
    pub version: Version,
    /// Its method.
    pub method: Method,
    /// The target without scheme and host, such as `/hook?a=1`.
    pub path_and_query: String,
    /// All its headers.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
    /// When the last byte of the body was there.
    pub arrived: Instant,
}

impl ReceivedRequest {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// The first header of that name, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it isn't JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("the body of {self:?} is not JSON"))
    }
}

/// A running receiver.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Owns the connections too.
    accepting: JoinHandle<()>,
}

/// Whether requests are kept or only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Requests,
    Count,
}

/// What the handle and the connections share.
#[derive(Debug)]
struct Shared {
    keep: Keep,
    routes: RwLock<HashMap<String, Route>>,
    otherwise: RwLock<Route>,
    requests: Mutex<Vec<ReceivedRequest>>,
    count: AtomicUsize,
    connections: AtomicUsize,
    arrival: Notify,
}

/// How a path answers, and how many requests it has seen since it does.
#[derive(Clone, Debug)]
struct Route {
    behaviour: Behaviour,
    seen: Arc<AtomicUsize>,
}

impl Route {
    fn new(behaviour: Behaviour) -> Route {
        Route { behaviour, seen: Arc::default() }
    }
}

impl Receiver {
    /// Starts one on a free port of 127.0.0.1. Until told otherwise it answers everything with 200 and `{}`.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start() -> anyhow::Result<Receiver> {
        Receiver::start_keeping(Keep::Requests).await
    }

    /// As [`start`](Receiver::start), but it only counts: for benchmarks, whose requests would fill the memory.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start_counting() -> anyhow::Result<Receiver> {
        Receiver::start_keeping(Keep::Count).await
    }

    async fn start_keeping(keep: Keep) -> anyhow::Result<Receiver> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("can't open a port for a receiver")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            keep,
            routes: RwLock::default(),
            otherwise: RwLock::new(Route::new(always(Answer::ok()))),
            requests: Mutex::default(),
            count: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            arrival: Notify::new(),
        });
        let accepting = tokio::spawn(serve::accept(listener, Arc::clone(&shared)));
        Ok(Receiver { address, shared, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path (with its leading slash) on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on `path` answers so. The behaviour counts the path's requests from here.
    pub fn on(&self, path: &str, behaviour: impl Into<Behaviour>) {
        self.shared.routes.write().insert(path.to_owned(), Route::new(behaviour.into()));
    }

    /// From now on every path that has no behaviour of its own answers so.
    pub fn otherwise(&self, behaviour: impl Into<Behaviour>) {
        *self.shared.otherwise.write() = Route::new(behaviour.into());
    }

    /// What has arrived so far, in order; empty on a receiver that only counts.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests.lock().clone()
    }

    /// How many requests have arrived so far.
    pub fn count(&self) -> usize {
        self.shared.count.load(Ordering::Acquire)
    }

    /// How many connections have been accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Acquire)
    }

    /// Waits until at least `count` requests have arrived since the start, and gives them all.
    ///
    /// # Errors
    /// When `timeout` passes first.
    pub async fn wait_for(&self, count: usize, timeout: Duration) -> anyhow::Result<Vec<ReceivedRequest>> {
        self.wait(&format!("{count} requests"), timeout, || self.count() >= count).await
    }

    /// Waits until the requests that have arrived satisfy `condition`, and gives them all. `what` names the condition
    /// in the error. On a receiver that only counts the condition never sees a request.
    ///
    /// # Errors
    /// When `timeout` passes first.
    pub async fn wait_until(
        &self,
        what: &str,
        timeout: Duration,
        condition: impl Fn(&[ReceivedRequest]) -> bool,
    ) -> anyhow::Result<Vec<ReceivedRequest>> {
        self.wait(what, timeout, || condition(&self.shared.requests.lock())).await
    }

    async fn wait(
        &self,
        what: &str,
        timeout: Duration,
        is_met: impl Fn() -> bool,
    ) -> anyhow::Result<Vec<ReceivedRequest>> {
        let met = async {
            loop {
                // Listens before it looks, so an arrival in between is not missed.
                let mut arrival = pin!(self.shared.arrival.notified());
                arrival.as_mut().enable();
                if is_met() {
                    return;
                }
                arrival.await;
            }
        };
        if tokio::time::timeout(timeout, met).await.is_err() {
            bail!("waited {timeout:?} in vain for {what}; {} requests have arrived", self.count());
        }
        Ok(self.requests())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// Notes that a request has arrived, and tells how to answer it.
    fn record(&self, request: ReceivedRequest) -> Reply {
        let route = self.routes.read().get(request.path()).cloned();
        let route = route.unwrap_or_else(|| self.otherwise.read().clone());
        let nth = route.seen.fetch_add(1, Ordering::AcqRel);
        let reply = route.behaviour.reply(&request, nth);

        if self.keep == Keep::Requests {
            self.requests.lock().push(request);
        }
        self.count.fetch_add(1, Ordering::AcqRel);
        self.arrival.notify_waiters();
        reply
    }
}

#[cfg(test)]
#[path = "receiver/tests.rs"]
mod tests;
