//! The child: reads requests from stdin, runs them, answers on stdout, until stdin ends.

use std::io;

use crate::{
    confine::confine,
    limits::MAX_INPUT,
    protocol::{self, Greeting, Request, Response},
    script,
    watchdog::Watchdog,
};

/// Runs scripts until the parent closes stdin. To be called first thing in the process, on its main thread: what is
/// mapped before counts as the binary's own, and other threads would live under the same limits.
///
/// # Errors
/// When the process can't be confined (the parent is told), or the parent is gone or talks nonsense.
pub fn run() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let watchdog = Watchdog::start().and_then(|watchdog| confine().map(|()| watchdog));
    let problem = watchdog.as_ref().err().map(ToString::to_string);
    protocol::write(&mut output, &serde_json::to_vec(&Greeting { problem })?)?;
    let watchdog = watchdog?;
    while let Some(frame) = protocol::read(&mut input, MAX_INPUT)? {
        let response = respond(&frame, &watchdog)?;
        drop(frame);
        protocol::write(&mut output, &serde_json::to_vec(&response)?)?;
    }
    Ok(())
}

fn respond(frame: &[u8], watchdog: &Watchdog) -> io::Result<Response> {
    let request: Request<'_> = serde_json::from_slice(frame)?;
    let watch = watchdog.watch(request.limits)?;
    Ok(script::execute(request, &watch))
}
