//! A sandbox of this crate's own worker, and calls in short.

use std::{path::PathBuf, time::Duration};

use sandbox::{Call, Limits, Sandbox, SandboxError, ScriptError, Settings};
use serde_json::Value;

/// 2026-01-02T03:04:05.678Z.
pub const NOW: i64 = 1_767_323_045_678;

/// Minutes in one native function, which asks nobody whether it may go on: only the end of its process ends it.
pub const NATIVE_LOOP: &str =
    "function handle() { return 'a'.repeat(2 ** 23).indexOf('a'.repeat(2 ** 22) + 'b') }";

pub fn settings() -> Settings {
    Settings::new(PathBuf::from(env!("CARGO_BIN_EXE_sandbox-worker")), Vec::new())
}

pub fn sandbox() -> Sandbox {
    Sandbox::new(settings())
}

/// For what is not about time: a slow machine may need more of it than a script gets.
pub const PATIENT: Limits = Limits { time: Duration::from_secs(60), ..Limits::CUSTOM_CODE };

pub fn call<'a>(code: &'a str, arguments: &'a [Value]) -> Call<'a> {
    Call { code, function: "handle", arguments, now: NOW, seed: 42, limits: PATIENT }
}

/// A call without arguments that has no more time than an action has.
pub fn hurried(code: &str) -> Call<'_> {
    Call { limits: Limits::CUSTOM_CODE, ..call(code, &[]) }
}

/// The value of a call without arguments, by a sandbox of its own.
pub async fn value_of(code: &str) -> Value {
    sandbox().call(call(code, &[])).await.unwrap()
}

/// Why the script failed.
pub fn fault(result: Result<Value, SandboxError>) -> ScriptError {
    match result {
        Err(SandboxError::Script(error)) => error,
        other => panic!("not the script's fault: {other:?}"),
    }
}

/// Why a call without arguments failed, by a sandbox of its own.
pub async fn fault_of(code: &str) -> ScriptError {
    fault(sandbox().call(call(code, &[])).await)
}
