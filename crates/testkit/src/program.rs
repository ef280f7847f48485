//! The built binary as a child process: for the tests that kill it, and those of its command line.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, anyhow, bail, ensure};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;

/// How often it is looked whether a program that was killed is gone, and how many times.
const GONE_LOOK: Duration = Duration::from_millis(2);
const GONE_LOOKS: u32 = 15_000;

/// The beginning of the line that says on stdout that the program is ready; the address follows.
const READY: &str = "listening on http://";

/// Opening and migrating a database takes a second or two; a machine that is busy with other tests has time to spare.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What a message shows of the program's log.
const LOG_LINES: usize = 200;

/// How long the rest of the log of a program that has ended is waited for.
const LOG_TIMEOUT: Duration = Duration::from_secs(10);

/// How to start the program. It can start several, one after the other or side by side, on the same storage.
#[derive(Clone, Debug)]
pub struct ProgramBuilder {
    binary: PathBuf,
    data_dir: PathBuf,
    database_url: Option<String>,
    listen: SocketAddr,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl ProgramBuilder {
    /// Stores in PostgreSQL instead of SQLite; the data dir stays for the rest.
    #[must_use]
    pub fn database_url(mut self, url: impl Into<String>) -> ProgramBuilder {
        self.database_url = Some(url.into());
        self
    }

    /// Listens there instead of on a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> ProgramBuilder {
        self.listen = address;
        self
    }

    /// Lets the program deliver to 127.0.0.0/8, where the receivers of tests are.
    #[must_use]
    pub fn allow_loopback(self) -> ProgramBuilder {
        self.arg("--allow-private-destinations").arg("127.0.0.0/8")
    }

    /// One more argument of `serve`.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> ProgramBuilder {
        self.args.push(arg.into());
        self
    }

    /// One more environment variable, for every command.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> ProgramBuilder {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Starts `serve` and waits until it is ready.
    ///
    /// # Errors
    /// When it ends before that, or isn't ready in time; the error shows its log.
    pub async fn start(&self) -> anyhow::Result<Program> {
        let mut child = self
            .command(&["serve"])?
            .arg("--listen")
            .arg(self.listen.to_string())
            .args(&self.args)
            .spawn()
            .with_context(|| format!("can't start {}", self.binary.display()))?;
        let pid = child.id().context("the program ended at once")?;
        let stdout = child.stdout.take().context("the program has no stdout")?;
        let stderr = child.stderr.take().context("the program has no stderr")?;
        let log = Log::follow(stderr);

        let mut lines = BufReader::new(stdout).lines();
        let address = match tokio::time::timeout(START_TIMEOUT, read_address(&mut lines)).await {
            Ok(Ok(address)) => address,
            Ok(Err(error)) => return Err(log.explain(child, error).await),
            Err(_) => {
                let error = anyhow!("the program was not ready within {START_TIMEOUT:?}");
                return Err(log.explain(child, error).await);
            }
        };
        // Reads on, lest the program blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Program { builder: self.clone(), child, pid, address, log })
    }

    /// Runs another command, such as `["api-key", "list"]`, on the same storage, to its end, whatever its status.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn run(&self, args: &[&str]) -> anyhow::Result<Output> {
        let child = self.command(args)?.spawn()?;
        child.wait_with_output().await.with_context(|| format!("can't run {args:?}"))
    }

    /// Makes an API key of that scope (`read`, `write` or `admin`), whether the program runs or not.
    ///
    /// # Errors
    /// When the program refuses; the error shows what it says.
    pub async fn api_key(&self, scope: &str) -> anyhow::Result<String> {
        let output = self.run(&["api-key", "create", "--name", "test", "--scope", scope]).await?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no API key, {}:\n{stderr}", output.status);
        let key = String::from_utf8(output.stdout).context("the API key is not text")?.trim().to_owned();
        ensure!(!key.is_empty(), "an empty API key:\n{stderr}");
        Ok(key)
    }

    /// A command on the storage of this builder. It runs in the data dir and without the caller's settings, so that no
    /// configuration of the person who runs the tests has a say.
    fn command(&self, args: &[&str]) -> anyhow::Result<Command> {
        std::fs::create_dir_all(&self.data_dir)
            .with_context(|| format!("can't create {}", self.data_dir.display()))?;
        let mut process = Command::new(&self.binary);
        process.args(args).arg("--data-dir").arg(&self.data_dir);
        if let Some(url) = &self.database_url {
            process.arg("--database-url").arg(url);
        }
        for (name, _) in env::vars_os().filter(|(name, _)| is_setting(name)) {
            process.env_remove(name);
        }
        process
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(process)
    }
}

/// Whether a variable is one of the program's settings, all of which begin so.
fn is_setting(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"CCSP_")
}

/// A running `serve`, killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    builder: ProgramBuilder,
    child: Child,
    pid: u32,
    address: SocketAddr,
    log: Log,
}

impl Program {
    /// Prepares to run `binary` (in an integration test of its package: `env!("CARGO_BIN_EXE_ccsp-mailer")`), with its
    /// files in `data_dir`, which is created if it isn't there.
    pub fn builder(binary: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> ProgramBuilder {
        ProgramBuilder {
            binary: binary.into(),
            data_dir: data_dir.into(),
            database_url: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            args: Vec::new(),
            env: Vec::new(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path (with its leading slash) on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The last lines of its log, that is of its stderr.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Makes an API key on its storage, as [`ProgramBuilder::api_key`].
    ///
    /// # Errors
    /// When the program refuses; the error shows what it says.
    pub async fn api_key(&self, scope: &str) -> anyhow::Result<String> {
        self.builder.api_key(scope).await
    }

    /// Ends it at once, as a power failure would (SIGKILL), and waits until it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill9(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("can't kill the program")
    }

    /// Asks it to stop (SIGTERM). [`wait_exit`](Program::wait_exit) tells when it has.
    ///
    /// # Errors
    /// When it is gone already.
    pub async fn terminate(&self) -> anyhow::Result<()> {
        // The shell's own kill: it is on every machine, and the standard library only knows SIGKILL.
        let sent = Command::new("sh")
            .args(["-c", "kill -TERM \"$1\"", "sh", &self.pid.to_string()])
            .status()
            .await?;
        ensure!(sent.success(), "can't signal the program: {sent}");
        Ok(())
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When `timeout` passes first; the error shows its log.
    pub async fn wait_exit(&mut self, timeout: Duration) -> anyhow::Result<ExitStatus> {
        match tokio::time::timeout(timeout, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => bail!("the program still runs after {timeout:?}; its log:\n{}", self.log()),
        }
    }
}

impl Drop for Program {
    #[expect(
        clippy::disallowed_methods,
        reason = "a drop can't await, and a process that was killed is gone in no time"
    )]
    /// A test that fails shows what the program said. When this returns the program is gone, and what it held is free.
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("log of {} ({}):\n{}", self.builder.binary.display(), self.pid, self.log());
        }
        // Whether it has ended already is asked below.
        let _ = self.child.start_kill();
        for _ in 0..GONE_LOOKS {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(GONE_LOOK);
        }
    }
}

/// Reads up to the line that says that the program is ready, and gives the address in it.
async fn read_address(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<SocketAddr> {
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix(READY) {
            return address.trim_end_matches('/').parse().with_context(|| format!("no address in {line:?}"));
        }
    }
    bail!("it did not say where it listens")
}

/// The last lines of a program's stderr, read as they come.
#[derive(Debug)]
struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    reading: JoinHandle<()>,
}

impl Log {
    fn follow(stderr: ChildStderr) -> Log {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let reading = tokio::spawn(keep_last(stderr, Arc::clone(&lines)));
        Log { lines, reading }
    }

    fn text(&self) -> String {
        self.lines.lock().iter().map(|line| format!("{line}\n")).collect()
    }

    /// Adds to `error` how the child ended and what it said. A child that is still there is killed.
    async fn explain(mut self, mut child: Child, error: anyhow::Error) -> anyhow::Error {
        // Does nothing to a child that has ended, so the status is its own.
        let _ = child.start_kill();
        let status = match child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        // The pipe ends with the child, unless a process that it started holds it: then what is there must do.
        let _ = tokio::time::timeout(LOG_TIMEOUT, &mut self.reading).await;
        error.context(format!("the program did not start ({status}); its log:\n{}", self.text()))
    }
}

async fn keep_last(stderr: ChildStderr, kept: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut kept = kept.lock();
        if kept.len() == LOG_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

#[cfg(test)]
#[path = "program/tests.rs"]
mod tests;
