//! One conformance suite, run against both databases: what holds for one holds for the other.
//!
//! A case is a function from an open, migrated [`support::Database`]; [`conformance!`] makes a test of it for each database.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod commit;
#[cfg(test)]
mod concurrent;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod once;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod record;
#[cfg(test)]
mod values;
