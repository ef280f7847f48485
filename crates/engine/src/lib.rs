//! Drives it all: group commit, dispatch, record, and the background reconcilers.
//!
//! ```text
//! receive -> [ingest] -> [batch]: load, decide, write -> [dispatch] -> [send] -> [recorder]
//!                            ^                               ^                       |
//!             [command] -----+              [sweep]: what waits in the table <-------+
//!                            +--- [jobs]: actions that leave the process
//! ```
//!
//! The rules are in `domain`, `delivery` and `signature`; here they meet time, storage and the network. What decides
//! ([`batch`]) and what judges ([`send`]) is free of both, so that a simulation can run it.
//!
//! Invariants: a sender gets its 2xx after the commit and not before; a delivery exists because its event's transaction
//! made it; whatever is in memory alone can be lost at any moment without anything being lost.

mod access;
pub mod actions;
mod answer;
mod attempt;
pub mod batch;
mod body;
mod certificates;
mod clock;
pub mod command;
mod core;
mod decide;
mod dispatch;
mod engine;
mod error;
pub mod feed;
mod filter;
mod forward;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod handshake;
pub mod headers;
pub mod health;
pub mod hint;
pub mod imports;
mod ingest;
mod item;
mod jobs;
mod kept;
pub mod kinds;
mod limits;
mod mails;
pub mod mapping;
pub mod missed;
mod named;
mod names;
mod outcome;
pub mod outgoing;
pub mod receive;
mod recorder;
pub mod records;
mod refresh;
pub mod rerun;
mod resend;
mod resume;
mod room;
mod rotating;
#[cfg(test)]
mod samples;
pub mod send;
mod sender;
mod series;
pub mod snapshot;
mod summary;
mod sweep;
pub mod tasks;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, expect(dead_code, reason = "fuzzing needs a part of it"))]
mod testing;
mod trial;
mod unlogged;
pub mod vault;

pub use clock::Clock;
pub use command::{Command, Executed, NewEvent, NewSubscriber, SubscriberChange};
pub use dispatch::MAX_UNDER_WAY;
pub use engine::{
    Engine, Forwarded, GivenAnswer, LISTENER, NoAnswer, Options, Previewed, Retention, RunError, Searched,
    Tested, UNDELIVERED, to_listener, undelivered,
};
pub use handshake::{Answered, is_handshake};
pub use health::{Alerts, Operations};
pub use ingest::MAX_WAITING;
pub use receive::{Received, Reply};
pub use resend::Resend;
pub use rotating::Rotating;
pub use snapshot::{ApiKey, Incoming, Outgoing, Scope, Snapshot, tls_options};
pub use trial::{TrialError, TrialSignature};
pub use vault::{IncomingSecrets, OutgoingSecrets, Vault};
