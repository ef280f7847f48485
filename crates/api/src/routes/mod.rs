//! The endpoints, one family a file.

pub mod api_keys;
pub mod custom_fields;
pub mod deliveries;
pub mod docs;
pub mod event_types;
pub mod events;
pub mod health;
mod incoming_secrets;
mod incoming_signature;
pub mod incoming_trial;
pub mod incoming_webhooks;
pub mod lists;
pub mod openapi;
mod outgoing_signing;
pub mod outgoing_webhooks;
pub mod presets;
pub mod preview;
pub mod receive;
pub mod recovery;
pub mod requests;
pub mod session;
pub mod stats;
pub mod subscribers;
pub mod tags;
pub mod tasks;
pub mod trial;
pub mod users;
