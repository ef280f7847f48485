//! The only way out: an HTTP client that refuses private destinations.
//!
//! A URL that a user typed must not reach what only this machine can reach (server-side request
//! forgery). Three layers see to it, each enough by itself for the case it is made for:
//!
//! 1. **The URL**: [`check_url`] refuses address literals in every spelling, when a webhook is
//!    saved and again before each request.
//! 2. **The name**: every address the resolver returns is checked, and only checked addresses are
//!    connected to, so a name that changes its mind between two look-ups gains nothing.
//! 3. **The peer**: the address of the connected socket is checked before a byte is sent.
//!
//! Invariants: redirects are never followed; TLS is always verified, also with a destination's own [`TlsOptions`]; every exchange ends within
//! its timeout, but for the body of [`Client::open`]; at most [`MAX_RESPONSE_BODY`] bytes of a response, or what the options say, are kept; no header and no query
//! string is ever logged.
//!
//! Neighbours: `engine` sends deliveries through [`Client`], `api` calls [`check_url`]. No other
//! crate opens a connection to an address that a user supplied.

mod address;
mod client;
mod connect;
mod error;
mod guard;
mod resolve;
mod special;
mod stream;
mod tls;

pub use address::is_global;
pub use client::{Client, MAX_RESPONSE_BODY, Opened, Options, Request, Response};
pub use error::{Cause, SendError};
pub use guard::{UrlError, check_url};
pub use ipnet::IpNet;
pub use resolve::{Answer, Lookup, Resolve, ResolveError};
pub use tls::{BuildError, TlsError, TlsOptions};
