//! The children themselves: started, killed, confined.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    pin::pin,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use sandbox::{Call, GRACE, Limits, Sandbox, SandboxError, ScriptError, Settings};
use serde_json::json;
use tempfile::TempDir;
use testkit::eventually;
use tokio::time::timeout;

use crate::support::{NATIVE_LOOP, call, fault, hurried, settings};

const GOOD: &str = "const handle = () => 'good'";

/// A sandbox of one child, which writes its process id to a file.
fn watched() -> (Sandbox, TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let settings = Settings { workers: 1, arguments: vec![file.clone().into()], ..settings() };
    (Sandbox::new(settings), folder, file)
}

fn pid(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

fn kill(pid: &str) {
    signal("-9", pid);
}

fn signal(which: &str, pid: &str) {
    assert!(Command::new("kill").args([which, pid]).status().unwrap().success());
}

#[tokio::test]
async fn a_child_killed_during_a_call_fails_that_call_and_no_other() {
    let (sandbox, _folder, file) = watched();
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    let first = pid(&file);
    let limits = Limits { time: Duration::from_secs(600), ..Limits::CUSTOM_CODE };
    let endless = sandbox.call(Call { limits, ..call("function handle() { for (;;); }", &[]) });
    // The call is polled first, so that it has its child before that is killed.
    let killer = async { kill(&first) };
    let (failed, ()) = tokio::join!(biased; endless, killer);
    assert!(matches!(failed, Err(SandboxError::Gone)), "{failed:?}");
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    assert_ne!(first, pid(&file));
}

#[tokio::test]
async fn a_child_is_used_again_and_one_killed_while_idle_is_replaced() {
    let (sandbox, _folder, file) = watched();
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    let first = pid(&file);
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    assert_eq!(first, pid(&file));
    kill(&first);
    // Its death may not have been noticed yet: then it fails one call.
    match sandbox.call(call(GOOD, &[])).await {
        Ok(value) => assert_eq!(value, "good"),
        Err(error) => assert!(matches!(error, SandboxError::Gone), "{error:?}"),
    }
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    assert_ne!(first, pid(&file));
}

#[tokio::test]
async fn a_child_that_had_to_be_killed_is_gone() {
    let (sandbox, _folder, file) = watched();
    let failed = sandbox.call(hurried(NATIVE_LOOP)).await;
    assert_eq!(fault(failed), ScriptError::OutOfTime);
    let first = pid(&file);
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    assert_ne!(first, pid(&file));
    let process = Path::new("/proc").join(&first);
    let gone = async || (!process.exists()).then_some(());
    eventually("the end of the child", Duration::from_secs(60), gone).await.unwrap();
}

#[tokio::test]
async fn a_child_that_ended_itself_while_nobody_looked_was_out_of_time() {
    let (sandbox, _folder, file) = watched();
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    let status = Path::new("/proc").join(pid(&file)).join("status");
    // Keeps the only thread from the call until the child is dead, as a busy machine may.
    let stalled = async {
        while !fs::read_to_string(&status).unwrap().contains("zombie") {
            thread::park_timeout(Duration::from_millis(20));
        }
    };
    let (failed, ()) = tokio::join!(biased; sandbox.call(hurried(NATIVE_LOOP)), stalled);
    assert_eq!(fault(failed), ScriptError::OutOfTime);
}

#[tokio::test]
async fn a_child_that_gets_no_processor_loses_no_time() {
    let (sandbox, _folder, file) = watched();
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    signal("-STOP", &pid(&file));
    let limits = Limits { time: Duration::from_secs(1), ..Limits::CUSTOM_CODE };
    let mut late = pin!(sandbox.call(Call { limits, ..call(GOOD, &[]) }));
    assert!(timeout(limits.time + 2 * GRACE, &mut late).await.is_err(), "by the clock its time is over");
    signal("-CONT", &pid(&file));
    assert_eq!(late.await.unwrap(), "good");
}

#[tokio::test]
async fn a_child_is_confined() {
    let (sandbox, _folder, file) = watched();
    assert_eq!(sandbox.call(call(GOOD, &[])).await.unwrap(), "good");
    let process = Path::new("/proc").join(pid(&file));
    let limits = fs::read_to_string(process.join("limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max file size"), "0");
    let address_space: u64 = limit("Max address space").parse().unwrap();
    assert!(address_space < 1024 * 1024 * 1024, "{address_space}");
    assert_eq!(fs::read(process.join("environ")).unwrap(), b"TZ=UTC\0");
}

#[tokio::test]
async fn what_is_no_worker_is_told_from_a_bad_script() {
    for program in ["/nonexistent/worker", "/bin/true"] {
        let sandbox = Sandbox::new(Settings::new(PathBuf::from(program), Vec::new()));
        let failed = sandbox.call(call(GOOD, &[])).await;
        assert!(matches!(failed, Err(SandboxError::Start(_))), "{program}: {failed:?}");
    }
}

#[tokio::test]
async fn a_child_without_a_parent_ends_by_itself() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox-worker"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = json!({"time": {"secs": 0, "nanos": 50_000_000}, "memory": 1 << 25, "output": 10});
    let body = json!({
        "code": NATIVE_LOOP, "function": "handle", "arguments": [], "now": 0, "seed": 0, "limits": limits,
    });
    let body = body.to_string();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&u32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
    input.write_all(body.as_bytes()).unwrap();
    // Its stdin stays open, and nobody kills it.
    let ended = async || child.try_wait().unwrap();
    let status = eventually("the end of the child", Duration::from_secs(60), ended).await;
    drop(input);
    assert!(!status.unwrap().success());
}

#[test]
fn a_child_whose_stdin_ends_is_done() {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_sandbox-worker"));
    assert!(worker.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap().success());
}
