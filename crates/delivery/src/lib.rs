//! When a delivery is due, what an answer means, and whose turn it is: pure.
//!
//! - [`Schedule`] says when a failed delivery is tried again;
//! - [`classify`] says what an attempt's [`Answer`] means, and [`parse_retry_after`] when the destination
//!   wants to be asked again;
//! - [`Queues`] holds what waits to be sent, one bounded queue for each destination;
//! - [`Health`] says how a destination does: whether it gets the full stream, a probe, or nothing any more;
//! - [`Bucket`] says whether something happens more often than its [`Rate`].
//!
//! Invariants: no I/O, no clock, no randomness and no runtime in here. Times are milliseconds since the Unix
//! epoch unless a name says seconds.
//!
//! Neighbours: `engine` drives it, `store` keeps what doesn't fit into the queues and what is due later,
//! `outbound` makes the attempts.

mod health;
mod outcome;
mod queue;
mod rate;
mod retry;
mod retry_after;

pub use health::{
    Circuit, FIRST_PROBE_MS, Health, MAX_PROBE_MS, Notice, OPEN_AFTER_FAILURES, OPEN_AFTER_MS,
    PROBE_LEASE_MS, Sign, Tried, WARN_AFTER_FEW_MS, WARN_AFTER_MS,
};
pub use outcome::{Answer, Verdict, classify};
pub use queue::{Limits, Load, NotReserved, Queues};
pub use rate::{Bucket, Buckets, Rate};
pub use retry::{DEFAULT_OFFSETS_SECONDS, MAX_OFFSET_SECONDS, MAX_RETRIES, Schedule, ScheduleError};
pub use retry_after::parse_retry_after;
