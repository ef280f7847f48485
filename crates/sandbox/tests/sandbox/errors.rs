//! How failures are told apart.

use sandbox::{Limits, SandboxError, ScriptError};

use crate::support::{PATIENT, call, fault, fault_of, sandbox};

fn threw(message: &str, line: Option<u32>) -> ScriptError {
    ScriptError::Threw { message: message.to_owned(), line }
}

#[tokio::test]
async fn a_syntax_error_has_its_place() {
    let sandbox = sandbox();
    for (code, place) in [
        ("function handle( {", (1, 19)),
        ("function handle() {\n  return 1 +;\n}", (2, 13)),
        ("let a = 1;\nlet a = 2;", (2, 7)),
        ("export function handle() {}", (1, 1)),
        ("function handle() {}\n'\0'", (2, 2)),
    ] {
        let Err(SandboxError::Script(ScriptError::DoesNotCompile { message, line, column })) =
            sandbox.check(code, "handle").await
        else {
            panic!("{code} compiles");
        };
        assert_eq!((line, column), place, "{code}: {message}");
        assert!(message.starts_with("SyntaxError: "), "{message}");
    }
}

#[tokio::test]
async fn a_syntax_error_of_what_a_script_parses_is_not_its_own() {
    let sandbox = sandbox();
    for code in ["\nJSON.parse('{');", "\neval('(');", "\nnew Function('(');", "\nnew RegExp('(');"] {
        let failed = sandbox.check(code, "handle").await;
        let Err(SandboxError::Script(ScriptError::Threw { message, line })) = failed else {
            panic!("{code}: {failed:?}");
        };
        assert!(message.starts_with("SyntaxError: "), "{code}: {message}");
        assert_eq!(line, Some(2), "{code}: {message}");
    }
}

#[tokio::test]
async fn a_good_script_passes_and_one_without_the_function_does_not() {
    let sandbox = sandbox();
    sandbox.check("function transform(payload) { return payload }", "transform").await.unwrap();
    for (code, name) in
        [("", "handle"), ("const handle = 1", "handle"), ("function f() {}", "f()"), ("", "if")]
    {
        let failed = sandbox.check(code, name).await;
        assert!(
            matches!(&failed, Err(SandboxError::Script(ScriptError::NoFunction { name: missing })) if missing == name),
            "{name}: {failed:?}"
        );
    }
}

#[tokio::test]
async fn an_exception_has_its_message_and_its_line() {
    let deep = "function inner() {\n  null.x;\n}\nfunction handle() {\n  inner();\n}";
    assert_eq!(fault_of(deep).await, threw("TypeError: cannot read property 'x' of null", Some(2)));
    assert_eq!(fault_of("function handle() { throw 'no' }").await, threw("no", None));
    assert_eq!(fault_of("function handle() { throw {code: 4} }").await, threw("{\"code\":4}", None));
    assert_eq!(fault_of("function handle() { throw undefined }").await, threw("undefined", None));
    assert_eq!(
        fault_of("undefinedName;").await,
        threw("ReferenceError: undefinedName is not defined", Some(1))
    );
    let rejected = "async function handle() {\n await 1;\n throw new Error('late')\n}";
    assert_eq!(fault_of(rejected).await, threw("Error: late", Some(3)));
    let pending = "function handle() { return new Promise(() => {}) }";
    assert_eq!(fault_of(pending).await, threw("the promise that it returned can never be settled", None));
}

#[tokio::test]
async fn an_exception_that_plays_games_is_an_exception() {
    for thrown in [
        "{ get message() { throw 1 } }",
        "Object.defineProperty(new Error('a'), 'message', { get() { throw 1 } })",
        "Object.defineProperty(new Error('a'), 'stack', { value: 'script.js:99999999999999' })",
        "Object.assign(new Error('a'), { name: Symbol() })",
        "new Proxy(new Error('a'), { get() { throw 1 } })",
        "{ toJSON() { throw 1 } }",
        "Symbol('s')",
        "new Error('x'.repeat(1e6))",
    ] {
        let failed = fault_of(&format!("function handle() {{ throw {thrown} }}")).await;
        let ScriptError::Threw { message, .. } = &failed else { panic!("{thrown}: {failed:?}") };
        assert!(message.len() <= sandbox::MAX_MESSAGE, "{thrown}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_no_value() {
    for value in [
        "undefined",
        "() => 1",
        "Symbol()",
        "10n",
        "(() => { const a = []; a.push(a); return a })()",
        "{ toJSON() { throw new Error('no') } }",
        "'\\ud800'",
        "(() => { let a = []; for (let i = 0; i < 1000; i++) a = [a]; return a })()",
    ] {
        let failed = fault_of(&format!("const value = {value}; function handle() {{ return value }}")).await;
        assert!(matches!(failed, ScriptError::NotJson { .. }), "{value}: {failed:?}");
    }
}

#[tokio::test]
async fn a_value_past_the_limit_is_too_large() {
    let limits = Limits { output: 12, ..PATIENT };
    let sandbox = sandbox();
    let call_with = |code| sandbox.call(sandbox::Call { limits, ..call(code, &[]) });
    assert_eq!(call_with("const handle = () => 'x'.repeat(10)").await.unwrap(), "xxxxxxxxxx");
    let failed = fault(call_with("const handle = () => 'x'.repeat(11)").await);
    assert_eq!(failed, ScriptError::OutputTooLarge { limit: 12 });
}
