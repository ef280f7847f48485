//! Keys that senders publish and name in their messages, as Amazon SNS does: fetched through the guarded client from where
//! only the sender can put one, and kept for a while.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use http::{HeaderMap, Method};
use outbound::{Client, Request};
use parking_lot::Mutex;
use signature::{Algorithm, Scheme, SchemeKey, Secret, sns};
use tokio::sync::Semaphore;
use url::Url;

use crate::engine::Engine;
use crate::error::chain;
use crate::receive::{Received, Reply};
use crate::snapshot::Incoming;

/// How long a certificate is kept: what Amazon withdraws is gone a day later.
const KEPT_MS: i64 = 86_400_000;
/// How long it is remembered that there is none: whoever names one that does not exist asks us to ask for it.
const MISSED_MS: i64 = 60_000;
/// Certificates that are kept; Amazon has one at a time in each of its some 30 regions.
const MAX_KEPT: usize = 128;
/// Certificates that are fetched at once.
const FETCHES: usize = 4;
/// How long Amazon's own servers may take: it waits 15 s for our answer, and there may be two to ask.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What was fetched.
pub(crate) struct Certificates {
    client: Client,
    known: Mutex<HashMap<Url, Fetched>>,
    fetches: Semaphore,
}

struct Fetched {
    /// `None` if there was no key.
    key: Option<SchemeKey>,
    until: Timestamp,
}

impl Certificates {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, known: Mutex::default(), fetches: Semaphore::new(FETCHES) }
    }

    /// The key in the certificate at `url`, which must be of a place that is trusted.
    async fn key(&self, scheme: &Scheme, url: &Url, now: Timestamp) -> Option<SchemeKey> {
        if let Some(fetched) = self.known.lock().get(url).filter(|fetched| now < fetched.until) {
            return fetched.key.clone();
        }
        let _place = self.fetches.try_acquire().ok()?;
        let key = self.fetch(scheme, url).await;
        let until = now.plus_millis(if key.is_some() { KEPT_MS } else { MISSED_MS });
        let mut known = self.known.lock();
        if known.len() >= MAX_KEPT {
            known.retain(|_, fetched| now < fetched.until);
        }
        if known.len() < MAX_KEPT {
            known.insert(url.clone(), Fetched { key: key.clone(), until });
        }
        key
    }

    async fn fetch(&self, scheme: &Scheme, url: &Url) -> Option<SchemeKey> {
        let pem = self.get(url.clone()).await?;
        scheme.key(&Secret::new(str::from_utf8(&pem).ok()?)).ok()
    }

    /// What a trusted place answers with 200.
    pub(crate) async fn get(&self, url: Url) -> Option<Bytes> {
        let (method, headers) = (Method::GET, HeaderMap::new());
        let request =
            Request { method, url, headers, body: Bytes::new(), timeout: TIMEOUT, connect_timeout: None };
        match self.client.send(request).await {
            Ok(response) if response.status == 200 => Some(response.body),
            Ok(response) => {
                tracing::warn!(status = response.status, "a sender's own server refused what it offers");
                None
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "a sender's own server could not be reached");
                None
            }
        }
    }
}

impl Engine {
    /// Gives a request the key that its message names, if the scheme of its webhook, whose token it has, has such keys.
    ///
    /// # Errors
    /// If the key can't be had now: the sender is to come again.
    pub(crate) async fn fetch_sender_key(
        &self,
        incoming: &Incoming,
        request: &mut Received,
    ) -> Result<(), Reply> {
        let has_such_keys = |scheme: &&Scheme| scheme.algorithm == Algorithm::RsaSns;
        let Some(scheme) = incoming.scheme.as_ref().filter(has_such_keys) else { return Ok(()) };
        let Some(url) = sns::certificate_url(&request.body) else { return Ok(()) };
        request.sender_key = Box::pin(self.certificates.key(scheme, &url, self.now())).await;
        if request.sender_key.is_some() { Ok(()) } else { Err(Reply::unavailable()) }
    }
}
