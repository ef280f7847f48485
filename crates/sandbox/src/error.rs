//! What can go wrong: with a script, and with the sandbox.

use std::io;

use serde::{Deserialize, Serialize};

/// Why a script gave no value. Running it again changes nothing, except when it ran out of time on a busy machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ScriptError {
    /// Not JavaScript. Lines and columns count from 1.
    #[error("{message} (line {line}, column {column})")]
    DoesNotCompile {
        /// What the compiler says.
        message: String,
        /// Where it stopped.
        line: u32,
        /// Where in that line it stopped.
        column: u32,
    },
    /// The script has no function of that name.
    #[error("there is no function {name}")]
    NoFunction {
        /// The function that should be called.
        name: String,
    },
    /// An exception that the script did not catch, or a promise that was rejected or can never be settled.
    #[error("{message}")]
    Threw {
        /// Name and message of the exception, cut at [`MAX_MESSAGE`](crate::MAX_MESSAGE).
        message: String,
        /// The line of the script that threw it, counted from 1, when known.
        line: Option<u32>,
    },
    /// It ran longer than [`Limits::time`](crate::Limits::time).
    #[error("the script took too long")]
    OutOfTime,
    /// It needed more than [`Limits::memory`](crate::Limits::memory).
    #[error("the script needs too much memory")]
    OutOfMemory,
    /// The value is longer than [`Limits::output`](crate::Limits::output).
    #[error("the returned value is longer than {limit} bytes of JSON")]
    OutputTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The value can't be written as JSON: `undefined`, a function, a cycle, a `BigInt`, nested too deeply.
    #[error("the returned value is not JSON: {message}")]
    NotJson {
        /// Why not.
        message: String,
    },
}

/// Why a call gave no value.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The script's fault.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The script is longer than [`MAX_CODE`](crate::MAX_CODE).
    #[error("the script is longer than {limit} bytes")]
    CodeTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Script and arguments together are longer than [`MAX_INPUT`](crate::MAX_INPUT).
    #[error("script and arguments are longer than {limit} bytes")]
    InputTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The queue is full: come again later.
    #[error("too many scripts are waiting")]
    Busy,
    /// The child process ended during the call: it was killed from outside, or the script broke it.
    #[error("the process that ran the script is gone")]
    Gone,
    /// No child process could be started.
    #[error("no process for scripts could be started")]
    Start(#[source] io::Error),
}
