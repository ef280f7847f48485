//! The built program as its users meet it: a process that is started, stopped and killed, and spoken to by HTTP and by its
//! command line. Nothing here knows what is inside.
//!
//! A case is a function from a [`support::Kind`] of database; [`on_both_databases!`] makes a test of it for each.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod access;
#[cfg(test)]
mod actions;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod deliver;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod duplicates;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod files;
#[cfg(test)]
mod form;
#[cfg(test)]
mod full;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod health;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kill9;
#[cfg(test)]
mod listen;
#[cfg(test)]
mod load;
#[cfg(test)]
mod many;
#[cfg(test)]
mod order;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod outgoing;
#[cfg(test)]
mod pause;
#[cfg(test)]
mod presets;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod receive;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod resend;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod rotate;
#[cfg(test)]
mod schemathesis;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod ssrf;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod story;
#[cfg(test)]
mod table;
#[cfg(test)]
mod two_nodes;
#[cfg(test)]
mod unreliable;
#[cfg(test)]
mod users;
#[cfg(test)]
mod verify;
