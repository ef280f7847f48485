//! What a script may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest script, in bytes: a bundled library fits, and compiling it takes a few milliseconds.
pub const MAX_CODE: usize = 256 * 1024;

/// The longest request to a child, in bytes: the largest body that we accept, with its script, and room.
pub const MAX_INPUT: usize = 16 * 1024 * 1024;

/// The most memory that any call may ask for, in bytes. A child's address space is bounded by it once and for all.
pub const MAX_MEMORY: usize = 64 * 1024 * 1024;

/// The longest message of an error that is kept, in characters: enough to find the cause.
pub const MAX_MESSAGE: usize = 1000;

/// How long a script may take to notice that its time is over. Then its process ends.
pub const GRACE: Duration = Duration::from_millis(100);

/// How many times its processor time a script may take by the clock. It waits for a processor as long as others have it,
/// and a sender may be waiting for the script.
const PATIENCE: u32 = 10;

/// The stack of a script, in bytes: some thousand nested calls, and an eighth of the stack that a process usually has.
pub(crate) const STACK: usize = 1024 * 1024;

/// The limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time, compiling included: on a busy machine a script gets as far as on an idle one.
    pub time: Duration,
    /// Memory of the script and its values, in bytes; no more than [`MAX_MEMORY`] is given.
    pub memory: usize,
    /// The longest value that may be returned, in bytes of JSON.
    pub output: usize,
}

impl Limits {
    /// For what runs while a sender waits: a webhook's `transform`, and checking a script when it is saved.
    pub const TRANSFORM: Self = Self { time: Duration::from_millis(100), ..Self::CUSTOM_CODE };

    /// For the action `custom_code`, which runs as a job. Twice the time of a transform, yet short enough that ten endless
    /// scripts in a pool of four are over within two seconds on two processors that have other work as well.
    pub const CUSTOM_CODE: Self =
        Self { time: Duration::from_millis(200), memory: 32 * 1024 * 1024, output: 1024 * 1024 };

    /// The most time that a call may take by the clock.
    pub(crate) fn by_the_clock(&self) -> Duration {
        self.time.saturating_mul(PATIENCE)
    }
}
