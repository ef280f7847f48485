//! One conformance suite, run against both databases: what holds for one holds for the other.
//!
//! A case is a function from an open, migrated [`support::Database`]; [`conformance!`] makes a test of it for each database.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod audit;
#[cfg(test)]
mod commit;
#[cfg(test)]
mod concurrent;
#[cfg(test)]
mod custom_fields;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod event_types;
#[cfg(test)]
mod events;
#[cfg(test)]
mod health;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod once;
#[cfg(test)]
mod people;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod record;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod resend;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod stats;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod values;
#[cfg(test)]
mod webhooks;
