//! The parent: who may run now, who waits, and who is turned away.

use std::{borrow::Cow, ffi::OsString, path::PathBuf};

use parking_lot::Mutex;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    error::{SandboxError, ScriptError},
    limits::{GRACE, Limits, MAX_CODE, MAX_INPUT},
    process::Process,
    protocol::Request,
};

/// How children are started, and how many.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The binary that calls [`worker::run`](crate::worker::run).
    pub program: PathBuf,
    /// What makes it do so.
    pub arguments: Vec<OsString>,
    /// How many scripts run at once. Children are started when needed, so this many processes at most.
    pub workers: usize,
    /// How many more may wait for their turn; past it callers get [`SandboxError::Busy`].
    pub queue: usize,
}

impl Settings {
    /// Scripts at once: some that take all their time leave room for those that don't, without starving the server.
    pub const WORKERS: usize = 4;

    /// If all of them take the whole time of a transform, the last one waits for two seconds, on four processors.
    pub const QUEUE: usize = 64;

    /// The usual pool, of this program.
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, workers: Self::WORKERS, queue: Self::QUEUE }
    }
}

/// A call of a function that a script defines. The same call gives the same value.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The script.
    pub code: &'a str,
    /// The name of the function, in ASCII.
    pub function: &'a str,
    /// What it is called with.
    pub arguments: &'a [Value],
    /// The time that `Date` tells, in milliseconds since the Unix epoch. It stands still; the time zone is UTC.
    pub now: i64,
    /// What `Math.random` follows from.
    pub seed: u64,
    /// What it may use.
    pub limits: Limits,
}

/// A pool of children that run scripts, and a queue before it. Dropping it kills them.
#[derive(Debug)]
pub struct Sandbox {
    settings: Settings,
    /// One for each call inside, running or waiting.
    places: Semaphore,
    /// One for each call that runs. Fair: who waits longest is next.
    turns: Semaphore,
    idle: Mutex<Vec<Process>>,
}

impl Sandbox {
    /// A pool that has started no child yet.
    pub fn new(settings: Settings) -> Self {
        let workers = settings.workers.max(1);
        Self {
            places: Semaphore::new(workers + settings.queue),
            turns: Semaphore::new(workers),
            idle: Mutex::new(Vec::new()),
            settings,
        }
    }

    /// Checks that a script compiles, that its top level runs, and that it defines the function `entry_point`.
    ///
    /// # Errors
    /// [`ScriptError`] says what its author has to change; everything else is not the script's fault.
    pub async fn check(&self, code: &str, entry_point: &str) -> Result<(), SandboxError> {
        let request = Request {
            code: Cow::Borrowed(code),
            function: Cow::Borrowed(entry_point),
            arguments: None,
            now: 0,
            seed: 0,
            limits: Limits::TRANSFORM,
        };
        self.run(&request).await.map(drop)
    }

    /// Calls a function of a script, and gives the value that it returns or that its promise resolves to.
    ///
    /// Dropping the future kills the child that runs it.
    ///
    /// # Errors
    /// [`SandboxError::Script`] is the script's fault. [`SandboxError::Busy`] passes, and so may
    /// [`SandboxError::Gone`] and [`SandboxError::Start`].
    pub async fn call(&self, call: Call<'_>) -> Result<Value, SandboxError> {
        let arguments =
            call.arguments.iter().map(to_raw_value).collect::<Result<_, _>>().map_err(not_json)?;
        let request = Request {
            code: Cow::Borrowed(call.code),
            function: Cow::Borrowed(call.function),
            arguments: Some(arguments),
            now: call.now,
            seed: call.seed,
            limits: call.limits,
        };
        let value = self.run(&request).await?;
        Ok(serde_json::from_str(value.get()).map_err(not_json)?)
    }

    async fn run(&self, request: &Request<'_>) -> Result<Box<RawValue>, SandboxError> {
        let frame = encode(request)?;
        let _place = self.places.try_acquire().map_err(|_| SandboxError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| SandboxError::Gone)?;
        let mut process = self.process().await?;
        let limits = request.limits;
        let begun = Instant::now();
        let answer = process.exchange(&frame, limits.output);
        let answer = timeout_at(begun + limits.by_the_clock() + GRACE, answer).await;
        // Whoever leaves here early drops the process, and so kills it; the next call starts another.
        let response = answer.map_err(|_| ScriptError::OutOfTime)?.map_err(|_| gone(begun + limits.time))?;
        self.idle.lock().push(process);
        Ok(response?)
    }

    /// A child that has nothing to do. The one used last is warmest.
    async fn process(&self) -> Result<Process, SandboxError> {
        while let Some(mut process) = self.take_idle() {
            if process.is_fit() {
                return Ok(process);
            }
        }
        Process::start(&self.settings).await.map_err(SandboxError::Start)
    }

    fn take_idle(&self) -> Option<Process> {
        self.idle.lock().pop()
    }
}

/// Why a child ended during a call: before the script's time can be over, that was not the child's own watchdog.
fn gone(over: Instant) -> SandboxError {
    if Instant::now() < over { SandboxError::Gone } else { ScriptError::OutOfTime.into() }
}

fn encode(request: &Request<'_>) -> Result<Vec<u8>, SandboxError> {
    if request.code.len() > MAX_CODE {
        return Err(SandboxError::CodeTooLarge { limit: MAX_CODE });
    }
    let frame = serde_json::to_vec(request).map_err(not_json)?;
    if frame.len() > MAX_INPUT {
        return Err(SandboxError::InputTooLarge { limit: MAX_INPUT });
    }
    Ok(frame)
}

fn not_json(error: serde_json::Error) -> ScriptError {
    ScriptError::NotJson { message: error.to_string() }
}
