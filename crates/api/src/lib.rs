//! HTTP: the receive endpoint, the REST resources, and their OpenAPI document.
//!
//! A handler parses (by its extractors), calls one use case of the engine or one transaction of the store, and renders.
//! What the document says of a body or a query is what is checked ([`schema`]); what can go wrong is a
//! [`problem::Problem`].
//!
//! Invariants: no SQL and no rules here; whatever a stranger sends gets an answer that the document describes; nothing
//! but the public pages is told to who has no key.

mod api;
mod audit;
pub mod auth;
mod call_headers;
pub mod document;
pub mod export;
pub mod extract;
pub mod links;
mod location;
pub mod log;
mod measure;
pub mod once;
pub mod openapi;
pub mod page;
mod passwords;
pub mod problem;
mod recent;
mod reference;
mod retry;
mod router;
mod routes;
pub mod schema;
pub mod secret;
mod sender;
mod session;
pub mod version;
pub mod webhook;

pub use api::{Api, ApiState};
pub use router::router;

/// The path under which everything but the program's own pages lies: that of the WordPress route, so that a site can pass
/// it through unchanged.
pub const BASE: &str = "/wp-json/ccsp-mailer/v1";
