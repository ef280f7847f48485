//! Whole transactions over slices, on SQLite or PostgreSQL, from one set of SQL.
//!
//! A [`Work`] is a transaction: written once against the small trait [`Tx`], run by [`Store::write`] or [`Store::read`] on
//! whichever database is behind it. This is the only crate that contains SQL; it holds no rules: what is to be written is
//! decided by whoever calls, inside the transaction where needed (see [`commit`]).
//!
//! Invariants: what a `write` has returned is on disk; a `write` that failed left nothing; a transaction may be run more
//! than once, and never waits for anything but the database.

pub mod api_keys;
pub mod audit;
pub mod backlog;
mod checkpoint;
pub mod commit;
pub mod config;
pub mod custom_fields;
pub mod deliveries;
pub mod dialect;
mod error;
pub mod event_types;
pub mod events;
pub mod feed;
mod filter;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod lists;
pub mod look;
pub mod mails;
mod migrate;
pub mod missed;
pub mod once;
mod partitions;
pub mod people;
mod postgres;
pub mod presets;
pub mod queue;
pub mod record;
pub mod recovery;
pub mod request_stats;
pub mod requests;
pub mod resend;
pub mod retention;
mod sqlite;
pub mod stats;
mod store;
pub mod subscribers;
pub mod tags;
pub mod tasks;
pub mod tx;
pub mod users;
pub mod webhooks;

pub use error::StoreError;
pub use filter::{LogFilter, Slice};
pub use store::{Location, Store};
pub use tx::{Both, Columns, Row, Rows, Sequence, Tx, Value, Work};
