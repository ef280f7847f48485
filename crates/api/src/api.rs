//! What every handler has at hand.

use std::net::IpAddr;
use std::sync::Arc;

use domain::network::Network;
use engine::{Engine, Snapshot};
use http::{HeaderMap, Uri};
use metrics_exporter_prometheus::PrometheusHandle;
use store::{StoreError, Work};

use crate::BASE;
use crate::document::Document;
use crate::passwords::Passwords;
use crate::problem::Problem;
use crate::sender;

/// How often a change is decided again because another one came first, before the caller is told to come again.
pub(crate) const STALE_TRIES: usize = 10;

/// What the interface is built on.
pub struct ApiState {
    /// The use cases.
    pub engine: Engine,
    /// How the server is reached from outside, such as `https://example.com`, without a slash at its end.
    pub public_url: Arc<str>,
    /// The measurements.
    pub metrics: PrometheusHandle,
    /// Whether `/metrics` needs no key.
    pub metrics_public: bool,
    /// The most bytes of a body.
    pub max_body: usize,
    /// Proxies whose word about the sender's address, and about how it came, counts.
    pub trusted_proxies: Vec<Network>,
    /// Whether plain HTTP is taken although the public URL is https.
    pub allow_http: bool,
}

/// [`ApiState`] with the document that describes the interface. Clones share it.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    state: ApiState,
    document: Document,
    passwords: Passwords,
}

impl Api {
    /// Both together.
    pub(crate) fn new(state: ApiState, document: Document) -> Self {
        Self(Arc::new(Inner { state, document, passwords: Passwords::default() }))
    }

    /// The use cases.
    pub fn engine(&self) -> &Engine {
        &self.0.state.engine
    }

    /// The OpenAPI document.
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// What hashes the passwords of people.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Whether the server is reached over HTTPS.
    pub fn is_https(&self) -> bool {
        self.0.state.public_url.starts_with("https://")
    }

    /// The measurements.
    pub fn metrics(&self) -> &PrometheusHandle {
        &self.0.state.metrics
    }

    /// Whether `/metrics` needs no key.
    pub fn metrics_public(&self) -> bool {
        self.0.state.metrics_public
    }

    /// The most bytes of a body.
    pub fn max_body(&self) -> usize {
        self.0.state.max_body
    }

    /// Proxies whose word about senders counts.
    pub fn trusted_proxies(&self) -> &[Network] {
        &self.0.state.trusted_proxies
    }

    /// Whether plain HTTP is taken although the public URL is https.
    pub fn allows_http(&self) -> bool {
        self.0.state.allow_http
    }

    /// The address of a sender, where proxies stand in between.
    pub fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        sender::address(peer, headers, &self.0.state.trusted_proxies)
    }

    /// Whether a request is refused because it came over plain HTTP.
    pub fn refuses_http(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let state = &self.0.state;
        let wants_https = self.is_https() && !state.allow_http;
        wants_https && !sender::is_secure(peer, headers, &state.trusted_proxies)
    }

    /// The address of something below [`BASE`], for use from outside.
    pub fn public_url(&self, path: &str) -> String {
        format!("{}{BASE}{path}", self.0.state.public_url.trim_end_matches('/'))
    }

    /// The address of a page, for people.
    pub fn page_url(&self, path: &str) -> String {
        format!("{}{path}", self.0.state.public_url.trim_end_matches('/'))
    }

    /// The address of a request as its sender was given it.
    pub fn given_url(&self, uri: &Uri) -> String {
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        format!("{}{target}", self.0.state.public_url.trim_end_matches('/'))
    }

    /// The configuration as it is stored now, whichever node changed it: one cheap query if it has not changed.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn configuration(&self) -> Result<Arc<Snapshot>, Problem> {
        self.engine().refresh().await?;
        Ok(self.engine().snapshot())
    }

    /// Decides by the configuration and writes, again if that has changed meanwhile.
    ///
    /// # Errors
    /// That of `decide`, and those of the database.
    pub async fn decide<W: Work>(
        &self,
        decide: impl Fn(&Snapshot) -> Result<W, Problem>,
    ) -> Result<W::Output, Problem> {
        for _ in 0..STALE_TRIES {
            let work = decide(&*self.configuration().await?)?;
            match self.engine().write(work).await {
                Err(StoreError::StaleConfig) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(StoreError::StaleConfig.into())
    }
}
