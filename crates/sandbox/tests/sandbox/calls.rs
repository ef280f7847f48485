//! What a script is given, and what it gives.

use proptest::prelude::*;
use sandbox::{Limits, SandboxError};
use serde_json::{Value, json};

use crate::support::{PATIENT, call, sandbox, value_of};

#[tokio::test]
async fn arguments_go_in_and_the_value_comes_out() {
    let code = "function handle(payload, context) {
        return { ...payload, name: payload.name.trim(), tags: context.tags.map((tag) => tag.toLowerCase()) };
    }";
    let arguments =
        [json!({"name": " Ada ", "n": 1.5, "__proto__": {"a": null}}), json!({"tags": ["VIP", "Zürich 😀"]})];
    let value = sandbox().call(call(code, &arguments)).await.unwrap();
    assert_eq!(
        value,
        json!({"name": "Ada", "n": 1.5, "__proto__": {"a": null}, "tags": ["vip", "zürich 😀"]})
    );
}

#[tokio::test]
async fn a_function_may_be_declared_or_be_a_constant_or_be_async() {
    assert_eq!(value_of("const handle = () => 1").await, 1);
    assert_eq!(value_of("globalThis.handle = () => 2").await, 2);
    assert_eq!(value_of("var handle = function () { return null }").await, Value::Null);
    assert_eq!(
        value_of("async function handle() { return (await Promise.all([1, 2])).length + 1 }").await,
        3
    );
}

#[tokio::test]
async fn the_time_is_the_one_that_was_passed() {
    let code = "function handle() {
        class Later extends Date {}
        return [
            Date.now(), new Date().toISOString(), +new (new Date().constructor)(), new Later().getTime(),
            new Date(0).getTime(), Date.UTC(2000, 0), new Date() instanceof Date, new Date().getTimezoneOffset(),
            Date(), typeof performance, new Date(2026, 1, 3, 4).toISOString(),
        ];
    }";
    let now = crate::support::NOW;
    let expected = json!([
        now,
        "2026-01-02T03:04:05.678Z",
        now,
        now,
        0,
        946_684_800_000_i64,
        true,
        0,
        "Fri Jan 02 2026 03:04:05 GMT+0000 (UTC)",
        "undefined",
        "2026-02-03T04:00:00.000Z",
    ]);
    let mut value = value_of(code).await;
    // The name of the zone is the engine's matter.
    let text = value[8].as_str().unwrap();
    assert!(text.starts_with("Fri Jan 02 2026 03:04:05 GMT+0000"), "{text}");
    value[8] = expected[8].clone();
    assert_eq!(value, expected);
}

#[tokio::test]
async fn the_same_call_gives_the_same_value_and_another_seed_another() {
    let code = "function handle() { return [Math.random(), Math.random(), typeof WeakRef] }";
    let sandbox = sandbox();
    let first = sandbox.call(call(code, &[])).await.unwrap();
    assert_eq!(first, sandbox.call(call(code, &[])).await.unwrap());
    assert_ne!(first[0], first[1]);
    assert_ne!(first, sandbox.call(sandbox::Call { seed: 43, ..call(code, &[]) }).await.unwrap());
}

#[tokio::test]
async fn there_is_no_way_out() {
    let code = "function handle() {
        return ['require', 'process', 'fetch', 'XMLHttpRequest', 'setTimeout', 'console', 'std', 'os', 'print',
            'scriptArgs', 'Deno', 'Worker'].filter((name) => name in globalThis);
    }";
    assert_eq!(value_of(code).await, json!([]));
    let import =
        "async function handle() { try { return await import('/etc/passwd') } catch { return 'refused' } }";
    assert_eq!(value_of(import).await, "refused");
}

#[tokio::test]
async fn nothing_is_left_for_the_next_call() {
    let sandbox = sandbox();
    let game = "
        globalThis.left = 1;
        Object.prototype.polluted = 'yes';
        Object.prototype.toJSON = () => 'mine';
        Array.prototype.push = String.prototype.trim = JSON.stringify = JSON.parse = () => 'mine';
        Object.defineProperty(Object.prototype, 'get', { value() { return 'mine' } });
        Object.defineProperty(Error.prototype, 'message', { get() { return 'mine' } });
        Error.prepareStackTrace = () => 'mine';
        Promise.prototype.then = () => 'mine';
        globalThis.Date = globalThis.Math = globalThis.Object = undefined;
        function handle() { return { a: 1 } }";
    assert_eq!(sandbox.call(call(game, &[])).await.unwrap(), "mine");
    let clean = "async function handle() {
        return [typeof left, ({}).polluted ?? null, JSON.stringify([' a '.trim()]), Date.now() > 0, await 1]
    }";
    let expected = json!(["undefined", null, "[\"a\"]", true, 1]);
    assert_eq!(sandbox.call(call(clean, &[])).await.unwrap(), expected);
}

#[tokio::test]
async fn a_payload_of_several_mebibytes_passes() {
    let arguments = [json!("x".repeat(5_000_000)), json!(vec![1; 100_000])];
    let code = "function handle(text, numbers) { return text.length + numbers.length }";
    assert_eq!(sandbox().call(call(code, &arguments)).await.unwrap(), 5_100_000);
}

#[tokio::test]
async fn what_is_too_large_to_go_in_is_refused() {
    let sandbox = sandbox();
    let code = format!("function handle() {{}} //{}", "x".repeat(sandbox::MAX_CODE));
    assert!(matches!(sandbox.check(&code, "handle").await, Err(SandboxError::CodeTooLarge { .. })));
    let arguments = [json!("x".repeat(sandbox::MAX_INPUT))];
    let refused = sandbox.call(call("function handle() {}", &arguments)).await;
    assert!(matches!(refused, Err(SandboxError::InputTooLarge { .. })));
}

#[tokio::test]
async fn more_memory_than_there_is_for_any_call_is_not_given() {
    let limits = Limits { memory: usize::MAX, ..PATIENT };
    let code = "function handle() { return new ArrayBuffer(100 * 1024 * 1024).byteLength }";
    let failed = sandbox().call(sandbox::Call { limits, ..call(code, &[]) }).await;
    assert_eq!(crate::support::fault(failed), sandbox::ScriptError::OutOfMemory);
}

/// Any JSON, but for numbers with a fraction, whose text the engine writes in its own way.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn any_json_goes_in_and_out_unchanged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = sandbox();
    proptest!(|(value in any_json())| {
        let arguments = [value];
        let given = call("const handle = (value) => value", &arguments);
        let returned = runtime.block_on(sandbox.call(given)).unwrap();
        prop_assert_eq!(&returned, &arguments[0]);
    });
}

#[test]
fn any_text_as_a_script_is_refused_and_harms_nobody() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = sandbox();
    proptest!(|(code in "[a-z(){}\\[\\]'\"`/+=;.,\u{0}\n 0-9\\\\]{0,60}|.{0,60}")| {
        let failed = runtime.block_on(sandbox.check(&code, "handle"));
        prop_assert!(matches!(failed, Err(SandboxError::Script(_))), "{failed:?}");
    });
}
