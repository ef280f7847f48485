//! What a webhook, a subscriber and an event are, and the rules by which they change.
//!
//! Everything here is pure: time and randomness are parameters, nothing blocks, nothing is read or written.
//! The data flows one way through it:
//!
//! ```text
//! payload -> [mapping] -> fields -> [actions] -> subscriber before/after -> [changes] -> events
//! ```
//!
//! `store` loads and writes these types, `engine` calls the rules, `api` shows them.

pub mod action;
pub mod apply;
pub mod audit;
pub mod auth;
pub mod catalog;
pub mod change;
pub mod custom_field;
pub mod email;
pub mod event;
pub mod event_path;
pub mod http_status;
pub mod id;
pub mod incoming;
pub mod log;
pub mod mapping;
pub mod network;
pub mod outgoing;
pub mod redact;
pub mod roster;
mod schema;
pub mod step;
pub mod subscriber;
pub mod text;
pub mod time;
pub mod user;

pub use action::Action;
pub use auth::{Auth, ClientAuth};
pub use email::Email;
pub use event::{Event, EventPattern, EventType, Named};
pub use event_path::EventPath;
pub use http_status::HttpStatuses;
pub use id::{AuditId, DeliveryId, EventId, Ids, ListId, RequestId, SubscriberId, WebhookId};
pub use incoming::IncomingWebhook;
pub use outgoing::OutgoingWebhook;
pub use redact::RedactPath;
pub use roster::Roster;
pub use step::{OnError, Step};
pub use subscriber::{Status, Subscriber};
pub use time::Timestamp;
