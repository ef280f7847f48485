//! What may be reached: the public Internet, and what the operator allows besides.
//!
//! Pure: no look-up and no connection is made here. Neighbours: `address` knows which addresses
//! are public; `resolve` and `connect` ask again with the addresses that only they learn of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{Uri, uri::InvalidUri};
use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

use crate::address::is_global;

/// What `localhost` and the names below it mean, without asking anyone (RFC 6761, section 6.3).
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Why a URL can't be a destination.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Neither `http` nor `https`.
    #[error("the scheme must be http or https")]
    Scheme,
    /// `https://user:password@…`: it would be sent nowhere and shown everywhere.
    #[error("a url must not hold a user name or a password")]
    Userinfo,
    /// There is nothing to connect to.
    #[error("the url has no host")]
    NoHost,
    /// The host is an address, or a name of the local machine, that is refused.
    #[error("{host} leads to {address}, which is not a public address")]
    Blocked {
        /// The host as the URL spells it, normalised.
        host: String,
        /// The address it stands for.
        address: IpAddr,
    },
    /// Too long for a request line, or with bytes that can't stand in one.
    #[error("the url can't be sent over http")]
    Unsendable,
}

impl From<InvalidUri> for UrlError {
    fn from(_: InvalidUri) -> Self {
        Self::Unsendable
    }
}

/// Refuses `url` if it can be told, without looking a name up, that it must not be a destination:
/// a scheme other than http and https, user name or password, no host, or a host that is an address
/// neither global nor in one of `allow`.
///
/// The parser of [`Url`] has turned every spelling of an IPv4 address (decimal, octal, hexadecimal,
/// short, full-width digits, percent-encoded) into the address itself, as the WHATWG URL standard
/// demands of http URLs.
pub fn check_url(url: &Url, allow: &[IpNet]) -> Result<(), UrlError> {
    check_host(url, allow)?;
    Uri::try_from(url.as_str())?;
    Ok(())
}

/// [`check_url`], giving the URL in the form the HTTP library takes.
pub(crate) fn into_uri(url: Url, allow: &[IpNet]) -> Result<Uri, UrlError> {
    check_host(&url, allow)?;
    Ok(Uri::try_from(String::from(url))?)
}

/// Refuses `address`, reached as `host`, unless it is global or in one of `allow`.
pub(crate) fn check_address(host: &str, address: IpAddr, allow: &[IpNet]) -> Result<(), UrlError> {
    if is_global(address) || is_allowed(address, allow) {
        return Ok(());
    }
    Err(UrlError::Blocked { host: host.to_owned(), address })
}

/// The addresses that `name` has by definition, if it is a name of this machine: those that are
/// allowed, as we list them ourselves and need not suspect a mixed answer.
pub(crate) fn local_addresses(name: &str, allow: &[IpNet]) -> Option<Result<Vec<IpAddr>, UrlError>> {
    if !is_localhost(name) {
        return None;
    }
    let allowed: Vec<IpAddr> = LOOPBACK.into_iter().filter(|address| is_allowed(*address, allow)).collect();
    if allowed.is_empty() {
        return Some(check_address(name, LOOPBACK[0], allow).map(|()| allowed));
    }
    Some(Ok(allowed))
}

fn check_host(url: &Url, allow: &[IpNet]) -> Result<(), UrlError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Userinfo);
    }
    let text = url.host_str().unwrap_or_default();
    match url.host() {
        None => Err(UrlError::NoHost),
        Some(Host::Ipv4(address)) => check_address(text, address.into(), allow),
        Some(Host::Ipv6(address)) => check_address(text, address.into(), allow),
        Some(Host::Domain(name)) => local_addresses(name, allow).map_or(Ok(()), |found| found.map(drop)),
    }
}

/// A v4-mapped address is allowed with the IPv4 address it maps.
fn is_allowed(address: IpAddr, allow: &[IpNet]) -> bool {
    let canonical = address.to_canonical();
    allow.iter().any(|net| net.contains(&address) || net.contains(&canonical))
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}
