//! What an outgoing webhook sends: which events, as what, and how it proves who it is.
//!
//! [`variables`] is what templates and conditions see of an event, [`rendering`] makes a [`draft`] of it, [`oauth`] has the
//! tokens that some destinations ask for, [`untouched`] what a `transform` leaves as it was, [`xml`] what is wrong with a payload of
//! XML, [`signing`] what signs, [`veil`] what of the webhook's own secrets must not be logged, [`redacted`] what of the events. `crate::send` makes a request of it and judges the answer.

pub(crate) mod auth;
pub(crate) mod draft;
pub(crate) mod oauth;
pub mod redacted;
pub(crate) mod rendering;
pub(crate) mod signing;
mod untouched;
pub(crate) mod variables;
pub(crate) mod veil;
mod xml;

pub use draft::Draft;
pub use rendering::{Unsendable, check};
