//! The machine's clock, for measuring.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::{CreationError, Histogram};

/// The longest time that is told from longer ones: ten minutes.
const LONGEST_MICROS: u64 = 600_000_000;

/// Times in microseconds, to three digits.
pub fn histogram() -> Result<Histogram<u64>, CreationError> {
    Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
}

/// A moment to measure from.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Microseconds since the Unix epoch: the same in every process of this machine.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
