//! Signature schemes, tokens, and the sealing of secrets at rest: pure.
//!
//! Six jobs, each in its module:
//!
//! - [`x_webhook`] and [`standard_webhooks`] sign what is sent and verify what is received, both with a
//!   [`SigningKey`] that is prepared once per secret; [`ed25519`] signs what is sent with a [`PrivateKey`];
//! - [`Scheme`] describes how any other system signs, as data: it verifies with a [`SchemeKey`] what is received, and signs
//!   with a [`Signer`] what is sent; [`sns`] is what Amazon SNS needs beside it;
//! - [`basic`] checks a password, for senders that sign nothing; [`password`] hashes those of people; [`certificate`] says when
//!   one expires;
//! - [`token`] makes what the program hands out (webhook ids, URL tokens, API keys, signing secrets) and
//!   hashes what it looks up;
//! - [`MasterKey`] seals secrets before they are stored, and makes passes for who holds it;
//! - [`Secret`] carries secret text without showing it.
//!
//! Invariants: nothing here does I/O, reads a clock or draws its own randomness; a comparison that involves
//! a secret takes the same time wherever the two sides differ; no `Debug` or `Display` shows a secret.
//!
//! Neighbours: `engine` signs and verifies with it, `store` keeps what [`MasterKey`] sealed and what
//! [`token::hash`] hashed, `api` shows a secret only [masked](Secret::masked).

pub mod basic;
pub mod certificate;
mod content;
pub mod ed25519;
mod error;
mod field;
mod hex;
mod key;
mod message;
mod pass;
pub mod password;
mod public_key;
mod scheme;
mod scheme_key;
mod seal;
mod secret;
mod sign;
pub mod sns;
pub mod standard_webhooks;
pub mod token;
mod verify;
pub mod x_webhook;

pub use content::{Content, ContentError};
pub use ed25519::PrivateKey;
pub use error::{Part, VerifyError};
pub use field::{BodyPath, Field, Source, SourceError};
pub use key::{KeyError, SigningKey};
pub use message::{Message, Request};
pub use scheme::{Algorithm, Encoding, Scheme, SchemeError, TimestampUnit};
pub use scheme_key::{KeyEncoding, KeyForm, SchemeKey};
pub use seal::{MasterKey, MasterKeyError, OpenError};
pub use secret::Secret;
pub use sign::{SignError, Signer, put_in_body};
pub use token::TokenHash;
