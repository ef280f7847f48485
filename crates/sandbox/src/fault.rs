//! From what QuickJS throws to what we say.

use rquickjs::{CaughtError, Ctx, Error, Exception, Value};

use crate::{error::ScriptError, limits::MAX_MESSAGE, watchdog::Watch};

/// The name of a script in its stack traces.
pub(crate) const FILE: &str = "script.js";

/// Why the top level failed: it did not compile, or what [`thrown`] says.
pub(crate) fn at_top_level<'js>(ctx: &Ctx<'js>, error: Error, watch: &Watch) -> ScriptError {
    let caught = CaughtError::from_error(ctx, error);
    if let CaughtError::Exception(exception) = &caught
        && let Some((line, column)) = place_in_source(exception)
    {
        return ScriptError::DoesNotCompile { message: describe(exception), line, column };
    }
    explain(ctx, caught, watch)
}

/// Why a call failed.
pub(crate) fn thrown<'js>(ctx: &Ctx<'js>, error: Error, watch: &Watch) -> ScriptError {
    explain(ctx, CaughtError::from_error(ctx, error), watch)
}

/// The engine takes source that ends at NUL; so does no script.
pub(crate) fn nul(code: &str, at: usize) -> ScriptError {
    let before = &code[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ScriptError::DoesNotCompile {
        message: "SyntaxError: a NUL character".to_owned(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

fn explain<'js>(ctx: &Ctx<'js>, caught: CaughtError<'js>, watch: &Watch) -> ScriptError {
    let error = classify(ctx, caught);
    // Asked last, because even reading an exception may run the script's own code.
    if watch.expired() { ScriptError::OutOfTime } else { error }
}

fn classify<'js>(ctx: &Ctx<'js>, caught: CaughtError<'js>) -> ScriptError {
    match caught {
        CaughtError::Error(Error::Allocation) => ScriptError::OutOfMemory,
        CaughtError::Error(Error::WouldBlock) => {
            threw("the promise that it returned can never be settled".to_owned(), None)
        }
        CaughtError::Error(error) => threw(error.to_string(), None),
        CaughtError::Exception(exception) if is_out_of_memory(&exception) => ScriptError::OutOfMemory,
        CaughtError::Exception(exception) => threw(describe(&exception), line(&exception)),
        // What the engine throws when there is no memory left even for the error.
        CaughtError::Value(value) if value.is_null() => ScriptError::OutOfMemory,
        CaughtError::Value(value) => threw(describe_value(ctx, value), None),
    }
}

fn threw(message: String, line: Option<u32>) -> ScriptError {
    ScriptError::Threw { message: message.chars().take(MAX_MESSAGE).collect(), line }
}

/// QuickJS has no other mark for it than its text (`JS_ThrowOutOfMemory`). A script that throws the same deceives only
/// its owner.
fn is_out_of_memory(exception: &Exception<'_>) -> bool {
    name(exception).as_deref() == Some("InternalError")
        && exception.message().as_deref() == Some("out of memory")
}

fn name(exception: &Exception<'_>) -> Option<String> {
    exception.as_object().get("name").ok()
}

fn describe(exception: &Exception<'_>) -> String {
    let name = name(exception).unwrap_or_else(|| "Error".to_owned());
    let message = exception.message().unwrap_or_default();
    if message.is_empty() { name } else { format!("{name}: {message}") }
}

/// What was thrown is no error: a text as it is, anything else as JSON.
fn describe_value<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> String {
    if let Some(text) = value.as_string().and_then(|text| text.to_string().ok()) {
        return text;
    }
    let type_name = value.type_name();
    let json = ctx.json_stringify(value).ok().flatten().and_then(|text| text.to_string().ok());
    json.unwrap_or_else(|| type_name.to_owned())
}

/// Where compiling stopped: then the trace begins with a place in the source, outside of any function.
fn place_in_source(exception: &Exception<'_>) -> Option<(u32, u32)> {
    let stack = exception.stack()?;
    let first = stack.lines().next()?.trim().strip_prefix("at ")?;
    let (line, column) = first.strip_prefix(FILE)?.strip_prefix(':')?.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The line of the innermost frame that is the script's own.
fn line(exception: &Exception<'_>) -> Option<u32> {
    let stack = exception.stack()?;
    let (_, rest) = stack.split_once(FILE)?;
    rest.strip_prefix(':')?.split(':').next()?.parse().ok()
}
