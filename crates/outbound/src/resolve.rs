//! Names to addresses, and the second layer of the guard.
//!
//! Invariant: an address leaves [`GuardedResolver`] only after it was checked, and a name with one
//! refused address is refused whole: an answer that mixes public and private addresses is a trick
//! or a mistake, and picking from it would let the connection's retry pick the other.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ResolverConfig, ResolverOpts},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name as DnsName, RecordType},
    system_conf::read_system_conf,
};
use hyper_util::client::legacy::connect::dns::Name;
use ipnet::IpNet;
use thiserror::Error;
use tokio::time::timeout;

use crate::{
    error::{Cause, SendError},
    guard::{check_address, local_addresses},
};

/// A look-up in flight.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// The addresses of a name.
pub type Answer = Result<Vec<IpAddr>, ResolveError>;

/// Looks host names up. The system's configuration is used unless a test brings its own.
pub trait Resolve: Send + Sync {
    /// All addresses of `host`, an ASCII (punycode) name without port. Never asked for literals.
    fn resolve<'a>(&'a self, host: &'a str) -> Lookup<'a>;

    /// Where a URL without a port leads to, if not to the port of its scheme: tests can't listen there.
    fn port(&self) -> u16 {
        0
    }
}

/// Why a name has no usable address.
#[derive(Clone, Debug, Error)]
pub enum ResolveError {
    /// The name does not exist, or has no A or AAAA record.
    #[error("the name has no address")]
    NoAddress,
    /// No name server answered within half of the connect timeout.
    #[error("no name server answered in time")]
    Timeout,
    /// The look-up failed.
    #[error("the look-up failed")]
    Failed(#[source] Cause),
}

/// Answers cached, A and AAAA apart: some thousand destinations at a few hundred bytes each.
const CACHED_ANSWERS: u64 = 8192;

/// An answer is asked for again after this, whatever its own TTL says, so that a receiver that
/// moves is found in minutes.
const MAX_TTL: Duration = Duration::from_secs(300);

/// A name that is missing is asked for again after this: its owner may be about to create it.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(10);

/// How long an answer for one address family waits for the other's. Some name servers never answer
/// for IPv6; RFC 8305 (section 3) waits 50 ms, but a host with IPv6 only needs the slower answer.
const SECOND_ANSWER: Duration = Duration::from_millis(200);

/// The hosts file and the name servers that the system is configured with.
pub(crate) struct SystemResolver(TokioResolver);

impl SystemResolver {
    /// Reads the system's configuration. Without a usable one there are no name servers: names of
    /// the hosts file still resolve, all others fail with [`ResolveError`].
    pub(crate) fn from_system() -> Result<Self, NetError> {
        let (config, options) = read_system_conf().unwrap_or_else(|error| {
            tracing::warn!(%error, "no name server configured: host names will not resolve");
            (no_name_servers(), ResolverOpts::default())
        });
        Self::new(config, options)
    }

    fn new(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, NetError> {
        options.cache_size = CACHED_ANSWERS;
        options.positive_max_ttl = Some(MAX_TTL);
        options.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()?;
        Ok(Self(resolver))
    }

    async fn records(&self, name: DnsName, kind: RecordType) -> Answer {
        let found = self.0.lookup(name, kind).await.map_err(failure)?;
        Ok(found.answers().iter().filter_map(|record| record.data.ip_addr()).collect())
    }
}

fn no_name_servers() -> ResolverConfig {
    ResolverConfig::from_parts(None, Vec::new(), Vec::new())
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Lookup<'a> {
        Box::pin(async move {
            // Not `from_utf8`: it would run IDNA again and refuse underscores.
            let name = DnsName::from_ascii(host).map_err(|error| ResolveError::Failed(Arc::new(error)))?;
            let v4 = self.records(name.clone(), RecordType::A);
            let v6 = self.records(name, RecordType::AAAA);
            one_or_both(v4, v6).await
        })
    }
}

/// Both answers, IPv4 first: containers often have an IPv6 address and no IPv6 route. Once one is
/// there, the other has [`SECOND_ANSWER`] to follow.
async fn one_or_both(v4: impl Future<Output = Answer>, v6: impl Future<Output = Answer>) -> Answer {
    tokio::pin!(v4, v6);
    let mut found = tokio::select! {
        first = &mut v4 => with_second(first, v6).await,
        first = &mut v6 => with_second(first, v4).await,
    }?;
    found.sort_by_key(IpAddr::is_ipv6);
    Ok(found)
}

async fn with_second(first: Answer, second: impl Future<Output = Answer>) -> Answer {
    let Ok(mut found) = first else {
        return second.await;
    };
    if let Ok(Ok(more)) = timeout(SECOND_ANSWER, second).await {
        found.extend(more);
    }
    Ok(found)
}

fn failure(error: NetError) -> ResolveError {
    match error {
        NetError::Timeout => ResolveError::Timeout,
        error if error.is_no_records_found() => ResolveError::NoAddress,
        error => ResolveError::Failed(Arc::new(error)),
    }
}

/// Resolves through `names` and lets only permitted addresses through.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    pub(crate) names: Arc<dyn Resolve>,
    pub(crate) allow: Arc<[IpNet]>,
    /// For one look-up with all its retries.
    pub(crate) timeout: Duration,
}

impl GuardedResolver {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, SendError> {
        if let Some(local) = local_addresses(host, &self.allow) {
            return Ok(local?);
        }
        let found =
            self.look_up(host).await.map_err(|source| SendError::Dns { host: host.to_owned(), source })?;
        for address in &found {
            check_address(host, *address, &self.allow)?;
        }
        Ok(found)
    }

    async fn look_up(&self, host: &str) -> Answer {
        let found =
            timeout(self.timeout, self.names.resolve(host)).await.map_err(|_| ResolveError::Timeout)??;
        if found.is_empty() {
            return Err(ResolveError::NoAddress);
        }
        Ok(found)
    }
}

/// The form in which the connector asks; it sets the port where that is 0.
impl tower::Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, SendError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.addresses(name.as_str()).await?;
            let port = resolver.names.port();
            let found: Vec<_> = found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn answer(ips: &[&str]) -> Answer {
        Ok(ips.iter().map(|ip| ip.parse().unwrap()).collect())
    }

    #[tokio::test]
    async fn both_families_count_ipv4_first() {
        let (v4, v6) = (["1.1.1.1", "8.8.8.8"], ["2606:4700::1"]);
        let slow_v4 = async {
            tokio::task::yield_now().await;
            answer(&v4)
        };
        let found = one_or_both(slow_v4, ready(answer(&v6))).await;
        assert_eq!(found.unwrap(), answer(&["1.1.1.1", "8.8.8.8", "2606:4700::1"]).unwrap());
    }

    #[tokio::test]
    async fn one_family_is_enough_if_the_other_is_missing_or_silent() {
        let (v4, v6) = (|| ready(answer(&["1.1.1.1"])), || ready(answer(&["2606:4700::1"])));
        let missing = || ready(Err(ResolveError::NoAddress));
        assert_eq!(one_or_both(v4(), missing()).await.unwrap().len(), 1);
        assert_eq!(one_or_both(missing(), v6()).await.unwrap().len(), 1);
        assert_eq!(one_or_both(v4(), pending()).await.unwrap().len(), 1);
        assert_eq!(one_or_both(pending(), v6()).await.unwrap().len(), 1);
        assert!(one_or_both(missing(), missing()).await.is_err());
    }

    #[tokio::test]
    async fn without_name_servers_a_name_fails_and_nothing_panics() {
        let resolver = SystemResolver::new(no_name_servers(), ResolverOpts::default()).unwrap();
        for host in ["name.invalid", "my_service", "a.very.long.name.invalid.", "strange!name"] {
            assert!(resolver.resolve(host).await.is_err(), "{host}");
        }
    }

    #[test]
    fn the_system_configuration_is_taken_as_it_is() {
        assert!(SystemResolver::from_system().is_ok());
    }
}
