//! One child, as the parent sees it.

use std::{io, process::Stdio, time::Duration};

use tokio::{
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{
    pool::Settings,
    protocol::{self, ENVELOPE, Greeting, Response},
};

/// How long a child may take to greet: far more than it needs, even on a machine that is very busy.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// After this many calls a child is replaced, in case something leaks or its memory is in pieces.
const MAX_CALLS: u32 = 10_000;

/// A child that has greeted. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    calls: u32,
}

impl Process {
    /// Starts a child, and waits until it is confined.
    pub async fn start(settings: &Settings) -> io::Result<Self> {
        let mut child = Command::new(&settings.program)
            .args(&settings.arguments)
            // No secrets in reach, and days begin where the log's do.
            .env_clear()
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the process has no pipes"));
        };
        let mut process = Self { child, input, output, calls: 0 };
        let greeting = timeout(START_TIMEOUT, protocol::receive::<Greeting>(&mut process.output, ENVELOPE));
        match greeting.await??.problem {
            None => Ok(process),
            Some(problem) => Err(io::Error::other(problem)),
        }
    }

    /// Whether it can take another call.
    pub fn is_fit(&mut self) -> bool {
        self.calls < MAX_CALLS && matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a request and takes the answer, with a value of at most `output` bytes.
    pub async fn exchange(&mut self, request: &[u8], output: usize) -> io::Result<Response> {
        self.calls += 1;
        protocol::send(&mut self.input, request).await?;
        protocol::receive(&mut self.output, output.saturating_add(ENVELOPE)).await
    }
}
