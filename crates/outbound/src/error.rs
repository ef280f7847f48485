//! Why an exchange failed, in classes that stay the same whatever library reports them.
//!
//! Invariant: a class is found by downcasting along the chain of causes, never by reading a text.

use std::{error::Error as StdError, io, net::IpAddr, sync::Arc};

use hyper_util::client::legacy;
use thiserror::Error;

use crate::{client::Response, guard::UrlError, resolve::ResolveError, stream::REFUSED};

/// Too many open files in the process: the number is the same on all systems like Unix, and has no stable kind.
const EMFILE: i32 = 24;
/// Too many open files on the machine.
const ENFILE: i32 = 23;

/// What a library said, kept for the log. Shared, because one failed connection may answer several
/// requests.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// Why no response came back. [`SendError::code`] is the class for programs.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The URL can't be a destination.
    #[error("invalid url")]
    InvalidUrl(#[source] UrlError),
    /// `CONNECT` would make the destination a proxy.
    #[error("the method connect is not supported")]
    UnsupportedMethod,
    /// The destination is not a public address and not allowed by the operator.
    #[error("blocked: {host} leads to {address}, which is not a public address")]
    Blocked {
        /// The host of the URL.
        host: String,
        /// The address it stands for, resolves to, or was connected to.
        address: IpAddr,
    },
    /// The host name could not be resolved.
    #[error("could not resolve {host}")]
    Dns {
        /// The host of the URL.
        host: String,
        /// What the resolver said.
        #[source]
        source: ResolveError,
    },
    /// Nothing listens on the port.
    #[error("connection refused")]
    ConnectionRefused,
    /// This machine has no files or no memory left for a connection. Nothing was sent, and the destination has no part in it.
    #[error("this machine has no files or no memory left for a connection")]
    Exhausted(#[source] Cause),
    /// No route to the destination.
    #[error("could not connect")]
    ConnectFailed(#[source] Cause),
    /// Name, connection and TLS handshake took longer than the connect timeout.
    #[error("connecting timed out")]
    ConnectTimeout,
    /// The certificate was not accepted, or no TLS session came about.
    #[error("tls failed")]
    Tls(#[source] Cause),
    /// The whole exchange took longer than the request's timeout.
    #[error("timed out")]
    Timeout,
    /// The other side closed or reset the connection before the response was complete.
    #[error("connection closed before the response was complete")]
    ConnectionClosed(#[source] Cause),
    /// What came back is not HTTP, or past a limit on its head.
    #[error("invalid response")]
    InvalidResponse(#[source] Cause),
    /// One of these happened after the head of the answer was there, and before its end.
    #[error("the answer broke off")]
    Interrupted {
        /// What had come.
        answer: Box<Response>,
        /// What happened.
        #[source]
        error: Box<SendError>,
    },
}

impl SendError {
    /// The class, stable across releases: for logs, metrics and clients of the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl(_) => "invalid_url",
            Self::UnsupportedMethod => "unsupported_method",
            Self::Blocked { .. } => "blocked_address",
            Self::Dns { .. } => "dns",
            Self::ConnectionRefused => "connection_refused",
            Self::Exhausted(_) => "local_limit",
            Self::ConnectFailed(_) => "connect_failed",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls(cause) => tls_code(cause.as_ref()),
            Self::Timeout => "timeout",
            Self::ConnectionClosed(_) => "connection_closed",
            Self::InvalidResponse(_) => "invalid_response",
            Self::Interrupted { error, .. } => error.code(),
        }
    }

    /// What had come of an answer that broke off.
    pub fn answer(&self) -> Option<&Response> {
        match self {
            Self::Interrupted { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whether the same request may go through later without any change of it.
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::InvalidUrl(_) | Self::UnsupportedMethod | Self::Blocked { .. })
    }

    /// Whether it was this machine that lacked something: then it says nothing about the destination.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Exhausted(_))
    }

    /// The class of a failure before the TLS handshake, the look-up included.
    pub(crate) fn from_tcp(error: impl StdError + Send + Sync + 'static) -> Self {
        if is_exhaustion(&error) {
            return Self::Exhausted(Arc::new(error));
        }
        if let Some(known) = find::<Self>(&error) {
            return known.clone();
        }
        match find::<io::Error>(&error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Self::ConnectionRefused,
            Some(io::ErrorKind::TimedOut) => Self::ConnectTimeout,
            _ => Self::ConnectFailed(Arc::new(error)),
        }
    }

    /// The class of a failure of the TLS handshake.
    pub(crate) fn from_tls(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Tls(Arc::new(error)),
            _ => Self::ConnectionClosed(Arc::new(error)),
        }
    }

    /// The class of a failure to get a response; of the connection too, if it was made for it.
    pub(crate) fn from_exchange(error: legacy::Error) -> Self {
        if let Some(known) = find::<Self>(&error) {
            return known.clone();
        }
        Self::from_transfer(error)
    }

    /// The class of a failure on an open connection.
    pub(crate) fn from_transfer(error: impl StdError + Send + Sync + 'static) -> Self {
        let class = classify(&error);
        let cause = Arc::new(error);
        match class {
            Class::Closed => Self::ConnectionClosed(cause),
            Class::Invalid => Self::InvalidResponse(cause),
            Class::Timeout => Self::Timeout,
            Class::Tls => Self::Tls(cause),
        }
    }
}

/// Whether it comes from too many open files, in this process or on this machine, or from too little memory. That no port is
/// free (`EADDRNOTAVAIL`) is none of it: it is also said of a destination without a route.
fn is_exhaustion(error: &(dyn StdError + 'static)) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
        error.kind() == io::ErrorKind::OutOfMemory || matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
    })
}

/// Whether the destination wants a certificate from us, or refuses the one that it got: its alert says so (RFC 8446,
/// section 6.2).
pub(crate) fn is_about_our_certificate(error: &(dyn StdError + 'static)) -> bool {
    use rustls::AlertDescription as Alert;
    matches!(
        find::<rustls::Error>(error),
        Some(rustls::Error::AlertReceived(
            Alert::CertificateRequired
                | Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError,
        ))
    )
}

fn tls_code(cause: &(dyn StdError + 'static)) -> &'static str {
    let is_refused = causes(cause).filter_map(io_kind).any(|kind| kind == REFUSED);
    if is_refused || is_about_our_certificate(cause) {
        "tls_client_certificate"
    } else if matches!(find::<rustls::Error>(cause), Some(rustls::Error::InvalidMessage(_))) {
        "not_tls"
    } else {
        "tls"
    }
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let of_http2 = error.downcast_ref::<h2::Error>().and_then(h2::Error::get_io);
    of_http2.or_else(|| error.downcast_ref::<io::Error>()).map(io::Error::kind)
}

impl From<UrlError> for SendError {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::Blocked { host, address } => Self::Blocked { host, address },
            other => Self::InvalidUrl(other),
        }
    }
}

enum Class {
    Closed,
    Invalid,
    Timeout,
    Tls,
}

/// The first cause that has a class decides; a connection that ends for a reason we don't know has
/// been closed.
fn classify(error: &(dyn StdError + 'static)) -> Class {
    causes(error).find_map(class_of).unwrap_or(Class::Closed)
}

fn class_of(error: &(dyn StdError + 'static)) -> Option<Class> {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return class_of_hyper(error);
    }
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        if let Some(kind) = error.get_io().map(io::Error::kind) {
            return class_of_io(kind);
        }
        // Ours to raise when the peer breaks the protocol; a reset that it sends is its way to close.
        return (!error.is_remote()).then_some(Class::Invalid);
    }
    if error.is::<rustls::Error>() {
        return Some(Class::Tls);
    }
    class_of_io(error.downcast_ref::<io::Error>()?.kind())
}

fn class_of_io(kind: io::ErrorKind) -> Option<Class> {
    match kind {
        REFUSED => Some(Class::Tls),
        io::ErrorKind::TimedOut => Some(Class::Timeout),
        // hyper's word for a chunked body that is none.
        io::ErrorKind::InvalidInput => Some(Class::Invalid),
        _ => None,
    }
}

fn class_of_hyper(error: &hyper::Error) -> Option<Class> {
    if error.is_parse() {
        return Some(Class::Invalid);
    }
    // The pings of an HTTP/2 connection went unanswered.
    error.is_timeout().then_some(Class::Timeout)
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// `error` and all its causes, outermost first. An [`io::Error`] that wraps another error leaves it
/// out of its `source`, and a [`Cause`] what it holds, so they are opened here.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        if let Some(cause) = error.downcast_ref::<Cause>() {
            return Some(&**cause);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(kind: io::ErrorKind, inner: impl StdError + Send + Sync + 'static) -> io::Error {
        io::Error::other(io::Error::new(kind, inner))
    }

    #[test]
    fn an_error_inside_an_io_error_is_a_cause() {
        let error = wrapped(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert!(find::<rustls::Error>(&error).is_some());
        assert!(matches!(SendError::from_transfer(error), SendError::Tls(_)));
    }

    #[test]
    fn the_kind_of_an_inner_io_error_counts() {
        for (kind, code) in [
            (io::ErrorKind::TimedOut, "timeout"),
            (io::ErrorKind::InvalidInput, "invalid_response"),
            (io::ErrorKind::BrokenPipe, "connection_closed"),
            (io::ErrorKind::UnexpectedEof, "connection_closed"),
        ] {
            let error = io::Error::other(io::Error::from(kind));
            assert_eq!(SendError::from_transfer(error).code(), code, "{kind}");
        }
    }

    #[test]
    fn a_protocol_error_found_here_is_an_invalid_response() {
        let error = h2::Error::from(h2::Reason::PROTOCOL_ERROR);
        assert_eq!(SendError::from_transfer(error).code(), "invalid_response");
    }

    #[test]
    fn failures_to_connect_keep_their_class() {
        let known = SendError::Blocked { host: "example.com".to_owned(), address: [127, 0, 0, 1].into() };
        let error = SendError::from_tcp(wrapped(io::ErrorKind::Other, known));
        assert_eq!(error.code(), "blocked_address");
        for (kind, code) in [
            (io::ErrorKind::ConnectionRefused, "connection_refused"),
            (io::ErrorKind::TimedOut, "connect_timeout"),
            (io::ErrorKind::HostUnreachable, "connect_failed"),
            (io::ErrorKind::NetworkUnreachable, "connect_failed"),
        ] {
            assert_eq!(SendError::from_tcp(io::Error::from(kind)).code(), code);
        }
    }

    #[test]
    fn a_shortage_of_our_own_is_not_the_destinations_failure() {
        for number in [EMFILE, ENFILE] {
            let error = io::Error::from_raw_os_error(number);
            let error = SendError::from_tcp(wrapped(io::ErrorKind::Other, error));
            assert!(error.is_local(), "{number}: {error:?}");
            assert_eq!(error.code(), "local_limit");
        }
        let source = crate::resolve::ResolveError::Failed(Arc::new(io::Error::from_raw_os_error(EMFILE)));
        let error = SendError::from_tcp(SendError::Dns { host: "example.com".to_owned(), source });
        assert!(error.is_local(), "{error:?}");
    }

    #[test]
    fn an_alert_about_our_certificate_has_its_own_code() {
        let tls = |error| SendError::from_tls(io::Error::new(io::ErrorKind::InvalidData, error)).code();
        let alert = |description| tls(rustls::Error::AlertReceived(description));
        assert_eq!(alert(rustls::AlertDescription::CertificateRequired), "tls_client_certificate");
        assert_eq!(alert(rustls::AlertDescription::HandshakeFailure), "tls");
        assert_eq!(tls(rustls::CertificateError::Expired.into()), "tls");
        assert_eq!(tls(rustls::InvalidMessage::InvalidContentType.into()), "not_tls");
    }

    #[test]
    fn a_handshake_cut_short_is_no_matter_of_certificates() {
        let error = SendError::from_tls(io::ErrorKind::UnexpectedEof.into());
        assert_eq!(error.code(), "connection_closed");
    }
}
