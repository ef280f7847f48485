//! What is known about senders, as data: how they sign, how they shake hands, where the name of an event stands, and
//! how their payloads map to a subscriber.
//!
//! A sender is one file in `senders/`, a [`Preset`] in TOML; adding a sender is adding a file (`build.rs` lists
//! the folder). A user can write one too: [`Preset::parse`] reads it.
//!
//! Invariants: nothing here does I/O or reads a clock; what a file says is checked when it is read, so that a preset
//! that exists can be used; a secret never comes out of a handshake, other than as a hash of what is harmless to sign.
//!
//! Neighbours: `signature` verifies what a preset's scheme describes, `domain` maps by its rules; `engine` asks for the
//! answer to a handshake, and gives it behind the right token only.

mod handshake;
mod preset;
mod senders;
mod template;

pub use handshake::{Answer, Confirm, Content, Expected, Handshake, HandshakeError, Json, Method, answer};
pub use preset::{MAX_BYTES, Name, Preset, PresetError, Record, Sample};
pub use senders::{all, find};
pub use template::{Template, TemplateError};
