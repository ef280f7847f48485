//! What tests share: databases, receivers, a running binary, and waiting without sleeping.
//!
//! Only tests and benchmarks depend on this crate, so its errors are `anyhow`: a test does nothing with an error
//! but show it. Everything that it starts ends when its handle is dropped, and nothing that it opens is reachable
//! from another machine.

pub mod destinations;
mod eventually;
pub mod http;
pub mod mailbox;
mod postgres;
mod program;
mod python;
pub mod receiver;

pub use eventually::eventually;
pub use http::Api;
pub use mailbox::Mailbox;
pub use postgres::TestDatabase;
pub use program::{Program, ProgramBuilder};
pub use python::python_tool;
pub use receiver::Receiver;
