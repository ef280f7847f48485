//! Users' JavaScript, run where it can do no harm.
//!
//! A script is compiled and called in a child process of our own binary: QuickJS with limits of time, memory, stack and
//! output, without I/O, without a clock and without chance of its own, so that the same call always gives the same
//! value. The engine's own limits end most scripts politely; what they can't reach (native loops, the allocator) ends
//! with the child, which is killed and replaced.
//!
//! - [`Sandbox`] is the parent's side: a pool of children and a bounded queue before it.
//! - [`worker::run`] is the child's side, called by a hidden command of the binary.
//!
//! **Invariants:** no script uses more than its processor time and [`GRACE`], whatever it does and even if the parent is
//! killed; nothing of a script is left for the next one; what a child answers is read as if a stranger had sent it.
//!
//! **Never here:** what a value that a script returns means.

mod confine;
mod error;
mod fault;
mod limits;
mod pool;
mod process;
mod protocol;
mod script;
mod surroundings;
mod watchdog;
pub mod worker;

pub use error::{SandboxError, ScriptError};
pub use limits::{GRACE, Limits, MAX_CODE, MAX_INPUT, MAX_MEMORY, MAX_MESSAGE};
pub use pool::{Call, Sandbox, Settings};
