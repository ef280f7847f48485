//! Clients for destinations with TLS options of their own: one for each set of options, so that no connection that was made
//! with one destination's certificate serves another.
//!
//! Invariant: at most [`MAX_CLIENTS`] are kept; the one that was asked for longest ago makes room.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::RootCertStore;
use sha2::{Digest, Sha256};

use crate::{
    client::{Http, pooled},
    connect::Connector,
    tls::{TlsError, TlsOptions},
};

/// Sets of options whose connections are kept. Each costs some 100 KiB with its roots, and what its connections cost;
/// beyond that many a destination has its handshake again.
const MAX_CLIENTS: usize = 256;

pub(crate) struct Special {
    connector: Connector,
    roots: Arc<RootCertStore>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    clients: HashMap<[u8; 32], Used>,
    /// Counts what was asked for: a clock that needs no time.
    asked: u64,
}

struct Used {
    http: Http,
    last: u64,
}

impl Special {
    pub(crate) fn new(connector: Connector, roots: Arc<RootCertStore>) -> Self {
        Self { connector, roots, kept: Mutex::default() }
    }

    /// The client for these options.
    pub(crate) fn client(&self, options: &TlsOptions) -> Result<Http, TlsError> {
        let key = fingerprint(options);
        if let Some(http) = self.kept().find(&key) {
            return Ok(http);
        }
        // Made outside the lock: reading a key takes a while.
        let http = pooled(self.connector.with_tls(options.config(&self.roots)?));
        Ok(self.kept().keep(key, http))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, key: &[u8; 32]) -> Option<Http> {
        self.asked += 1;
        let used = self.clients.get_mut(key)?;
        used.last = self.asked;
        Some(used.http.clone())
    }

    /// Keeps it, unless somebody else was faster.
    fn keep(&mut self, key: [u8; 32], http: Http) -> Http {
        if let Some(found) = self.find(&key) {
            return found;
        }
        if self.clients.len() >= MAX_CLIENTS {
            let oldest = self.clients.iter().min_by_key(|(_, used)| used.last).map(|(key, _)| *key);
            oldest.map(|key| self.clients.remove(&key));
        }
        self.clients.insert(key, Used { http: http.clone(), last: self.asked });
        http
    }
}

/// Names a set of options. What stands in memory is no key that could be read from it.
fn fingerprint(options: &TlsOptions) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [&options.client_certificate, &options.client_key, &options.ca] {
        let text = part.as_deref().unwrap_or_default();
        // Lengths, so that no two sets have the same text.
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, Options};

    fn options(ca: Option<&str>, key: Option<&str>) -> TlsOptions {
        TlsOptions { ca: ca.map(Into::into), client_key: key.map(Into::into), client_certificate: None }
    }

    #[test]
    fn other_options_have_another_name() {
        let all = [
            options(None, None),
            options(Some("a"), None),
            options(None, Some("a")),
            options(Some("ab"), None),
        ];
        let names: std::collections::HashSet<_> = all.iter().map(fingerprint).collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(fingerprint(&all[1]), fingerprint(&options(Some("a"), None)));
    }

    #[tokio::test]
    async fn the_one_that_was_asked_for_longest_ago_makes_room() {
        let client = Client::new(Options { resolver: Some(Arc::new(Nobody)), ..Options::default() }).unwrap();
        let http = client.with_tls(&TlsOptions::default()).unwrap().http();
        let mut kept = Kept::default();
        for number in 0..=u8::MAX {
            kept.keep([number; 32], http.clone());
        }
        assert!(kept.find(&[0; 32]).is_some());
        kept.keep([1; 32], http.clone());
        let mut another = [0; 32];
        another[0] = 9;
        kept.keep(another, http);
        assert_eq!(kept.clients.len(), MAX_CLIENTS);
        assert!(
            kept.find(&[2; 32]).is_none() && kept.find(&[0; 32]).is_some() && kept.find(&another).is_some()
        );
    }

    struct Nobody;

    impl crate::Resolve for Nobody {
        fn resolve<'a>(&'a self, _: &'a str) -> crate::Lookup<'a> {
            Box::pin(async { Err(crate::ResolveError::NoAddress) })
        }
    }
}
