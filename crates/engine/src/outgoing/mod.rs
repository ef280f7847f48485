//! What an outgoing webhook sends: which events, as what, and how it proves who it is.
//!
//! [`variables`] is what templates and conditions see of an event, [`rendering`] makes a [`draft`] of it, [`oauth`] has the
//! tokens that some destinations ask for. `crate::send` signs a draft and judges the answer.

pub(crate) mod auth;
pub(crate) mod draft;
pub(crate) mod oauth;
pub(crate) mod rendering;
pub(crate) mod variables;

pub use draft::Draft;
pub use rendering::{Unsendable, check};
