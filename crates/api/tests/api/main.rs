//! The interface as clients meet it: through the router, on real databases.

#[cfg(test)]
mod audit_log;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod custom_fields;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod document;
#[cfg(test)]
mod event_types;
#[cfg(test)]
mod events;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod https;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod listen;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod missed;
#[cfg(test)]
mod once;
#[cfg(test)]
mod outgoing_signing;
#[cfg(test)]
mod outgoing_tls;
#[cfg(test)]
mod outgoing_trial;
#[cfg(test)]
mod overview;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod presets;
#[cfg(test)]
mod preview;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod receive;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod resend;
#[cfg(test)]
mod server;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod subscribers;
#[cfg(test)]
mod subscribers_of_events;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod trial;
#[cfg(test)]
mod users;
#[cfg(test)]
mod version;
#[cfg(test)]
mod webhooks;
