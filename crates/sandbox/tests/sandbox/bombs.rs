//! Scripts that mean harm: each ends as a failed call, in time, and the next call works.

use std::time::Duration;

use futures_util::future::join_all;
use sandbox::{Call, Limits, Sandbox, SandboxError, ScriptError};
use serde_json::json;
use tokio::time::timeout;

use crate::support::{NATIVE_LOOP, call, fault, hurried, sandbox};

/// By then it is clear that nothing ends a script. How long it takes, `make bench` measures.
const IN_TIME: Duration = Duration::from_secs(60);

const GOOD: &str = "function handle(n) { return n + 1 }";
const LOOP: &str = "function handle() { for (;;); }";
const REGEX: &str = "function handle() { return /^(a+)+$/.test('a'.repeat(60) + '!') }";

/// Runs it in time, and a good call after it.
async fn survive(sandbox: &Sandbox, bomb: Call<'_>) -> ScriptError {
    let code = bomb.code;
    let failed = timeout(IN_TIME, sandbox.call(bomb)).await.unwrap_or_else(|_| panic!("too late: {code}"));
    assert_eq!(sandbox.call(call(GOOD, &[json!(1)])).await.unwrap(), 2, "after {code}");
    fault(failed)
}

#[tokio::test]
async fn endless_scripts_run_out_of_time() {
    let sandbox = sandbox();
    for code in [
        LOOP,
        REGEX,
        NATIVE_LOOP,
        "function handle() { return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1) }",
        "for (;;);",
        "function handle() { for (;;) try { for (;;); } catch {} finally { handle() } }",
        "async function handle() { for (;;) await 1 }",
        "function handle() { return { toJSON() { for (;;); } } }",
        "function handle() { throw { toJSON() { for (;;); } } }",
        "function handle() { throw Object.defineProperty(new Error(), 'message', { get() { for (;;); } }) }",
        "function handle() { return { then() { for (;;); } } } handle = async () => ({ then() { for (;;); } })",
        "function handle() { return new Proxy([], { get() { for (;;); } }) }",
        "function handle() { [1, 2].sort(() => { for (;;); }) }",
    ] {
        assert_eq!(survive(&sandbox, hurried(code)).await, ScriptError::OutOfTime, "{code}");
    }
}

#[tokio::test]
async fn greedy_scripts_run_out_of_memory() {
    let sandbox = sandbox();
    for code in [
        "function handle() { const all = []; for (;;) all.push({}) }",
        "function handle() { const all = []; for (;;) all.push(String(Math.random()).repeat(1000) + 'x') }",
        "function handle() { return new Uint8Array(1024 ** 3).length }",
        "function handle() { const block = 'x'.repeat(2 ** 20); return Array(1024).fill(block) }",
    ] {
        assert_eq!(survive(&sandbox, call(code, &[])).await, ScriptError::OutOfMemory, "{code}");
    }
    // Time or memory, whichever is first.
    for code in [
        "function handle() { return new Array(1e9).fill(0).length }",
        "function handle() { const all = new Array(1e9); for (let i = 0; i < 1e9; i++) all[i] = i; return all.length }",
        "function handle() { const all = []; for (;;) try { for (;;) all.push(new Array(1e4).fill({})) } catch {} }",
        "function handle() { const map = new Map(); for (let i = 0; ; i++) map.set(i, { i }) }",
    ] {
        let failed = survive(&sandbox, hurried(code)).await;
        assert!(matches!(failed, ScriptError::OutOfMemory | ScriptError::OutOfTime), "{code}: {failed:?}");
    }
}

#[tokio::test]
async fn scripts_past_a_limit_of_the_engine_throw() {
    let sandbox = sandbox();
    for code in [
        "function handle() { return handle() + 1 }",
        "function handle() { return JSON.parse('['.repeat(1e6)) }",
        "function handle() { return [1].map(handle) }",
        "function handle() { let a = []; for (let i = 0; i < 2e5; i++) a = [a]; return a.toString() }",
        "function handle() { return new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('a') }",
        "function handle() { let text = 'x'; for (;;) text += text + 'x' }",
        "function handle() { return eval('('.repeat(1e6)) }",
    ] {
        let failed = survive(&sandbox, call(code, &[])).await;
        assert!(matches!(failed, ScriptError::Threw { .. }), "{code}: {failed:?}");
    }
    let failed = survive(&sandbox, call(&"(".repeat(200_000), &[])).await;
    assert!(matches!(failed, ScriptError::Threw { .. } | ScriptError::DoesNotCompile { .. }), "{failed:?}");
}

#[tokio::test]
async fn a_gibibyte_of_output_is_no_value() {
    let sandbox = sandbox();
    for code in [
        "function handle() { return 'x'.repeat(2 ** 30) }",
        "function handle() { return 'x'.repeat(2 ** 30 - 1) }",
        "function handle() { const kib = Array(1024).fill('x'.repeat(1024)); return Array(1024).fill(kib) }",
        "function handle() { return { toJSON() { return 'x'.repeat(2 ** 29) + 'x'.repeat(2 ** 29) } } }",
    ] {
        survive(&sandbox, hurried(code)).await;
    }
    let too_large = "function handle() { return 'x'.repeat(4 * 2 ** 20) }";
    let limit = Limits::CUSTOM_CODE.output;
    assert_eq!(survive(&sandbox, call(too_large, &[])).await, ScriptError::OutputTooLarge { limit });
}

#[tokio::test]
async fn ten_bombs_at_a_time_while_good_calls_go_on() {
    let sandbox = sandbox();
    let bombs = [LOOP, REGEX, NATIVE_LOOP, LOOP, REGEX, NATIVE_LOOP, LOOP, REGEX, NATIVE_LOOP, LOOP];
    let failing = join_all(bombs.map(|code| timeout(IN_TIME, sandbox.call(hurried(code)))));
    let good = async {
        let mut calls = 0;
        while calls < 20 {
            let value = timeout(IN_TIME, sandbox.call(call(GOOD, &[json!(calls)]))).await.unwrap().unwrap();
            calls += 1;
            assert_eq!(value, calls);
        }
    };
    let (failed, ()) = tokio::join!(failing, good);
    for result in failed {
        assert_eq!(fault(result.expect("a bomb ends in time")), ScriptError::OutOfTime);
    }
}

#[tokio::test]
async fn slow_scripts_hold_nobody_up_while_a_worker_is_free() {
    let sandbox = sandbox();
    let slow = join_all([LOOP; 3].map(|code| sandbox.call(call(code, &[]))));
    let good = async {
        for n in 0..100 {
            assert_eq!(sandbox.call(call(GOOD, &[json!(n)])).await.unwrap(), n + 1);
        }
    };
    tokio::select! {
        _ = slow => panic!("nothing ends a script before its time"),
        () = good => {}
    }
    // The slow calls were given up: their places and turns are free again.
    let calls = join_all((0..4).map(|_| sandbox.call(call("const handle = () => 1", &[])))).await;
    assert!(calls.into_iter().all(|value| value.unwrap() == 1));
}

#[tokio::test]
async fn past_the_queue_callers_are_turned_away() {
    let sandbox = Sandbox::new(sandbox::Settings { workers: 1, queue: 2, ..crate::support::settings() });
    let results = join_all([LOOP; 5].map(|code| sandbox.call(hurried(code)))).await;
    let busy = results.iter().filter(|result| matches!(result, Err(SandboxError::Busy))).count();
    let timed_out = results
        .iter()
        .filter(|result| matches!(result, Err(SandboxError::Script(ScriptError::OutOfTime))))
        .count();
    assert_eq!((timed_out, busy), (3, 2));
    assert_eq!(sandbox.call(call(GOOD, &[json!(1)])).await.unwrap(), 2);
}
