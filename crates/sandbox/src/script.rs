//! One script in a fresh QuickJS: compiled, its function found, called, its value written as JSON.

use std::{borrow::Cow, sync::atomic::Ordering};

use rquickjs::{Context, Ctx, Error, Function, Runtime, Value, context::EvalOptions, function::Args};
use serde_json::value::RawValue;

use crate::{
    error::ScriptError,
    fault::{self, FILE},
    limits::{MAX_MEMORY, STACK},
    protocol::{Request, Response},
    surroundings,
    watchdog::Watch,
};

/// Runs it. A runtime of its own, so that nothing of a script meets the next one.
pub(crate) fn execute(request: Request<'_>, watch: &Watch) -> Response {
    if let Some(at) = request.code.find('\0') {
        return Err(fault::nul(&request.code, at));
    }
    let context = prepare(&request, watch).map_err(|_| ScriptError::OutOfMemory)?;
    context.with(|ctx| {
        surroundings::install(&ctx, request.now, request.seed)
            .map_err(|error| fault::thrown(&ctx, error, watch))?;
        let function = load(&ctx, &request, watch)?;
        let Some(arguments) = request.arguments else { return Ok(RawValue::NULL.to_owned()) };
        let value = call(&ctx, &function, arguments).map_err(|error| fault::thrown(&ctx, error, watch))?;
        to_json(&ctx, value, request.limits.output, watch)
    })
}

fn prepare(request: &Request<'_>, watch: &Watch) -> rquickjs::Result<Context> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(request.limits.memory.min(MAX_MEMORY));
    runtime.set_max_stack_size(STACK);
    let expired = watch.flag();
    runtime.set_interrupt_handler(Some(Box::new(move || expired.load(Ordering::Relaxed))));
    Context::full(&runtime)
}

/// Runs the top level, and finds the function. It may be declared, or be the value of a `const`, which is no property
/// of the global object: hence by its name.
fn load<'js>(ctx: &Ctx<'js>, request: &Request<'_>, watch: &Watch) -> Result<Function<'js>, ScriptError> {
    let missing = || ScriptError::NoFunction { name: request.function.to_string() };
    if !is_identifier(&request.function) {
        return Err(missing());
    }
    evaluate::<()>(ctx, &request.code).map_err(|error| fault::at_top_level(ctx, error, watch))?;
    let name = &request.function;
    // A reserved word is no name: what goes wrong here is that there is no such function.
    let found = evaluate::<Value<'_>>(ctx, &format!("typeof {name} === 'function' ? {name} : undefined"));
    match found.map_err(|error| fault::thrown(ctx, error, watch)) {
        Ok(value) => value.into_function().ok_or_else(missing),
        Err(ScriptError::Threw { .. }) => Err(missing()),
        Err(other) => Err(other),
    }
}

fn evaluate<'js, T: rquickjs::FromJs<'js>>(ctx: &Ctx<'js>, code: &str) -> rquickjs::Result<T> {
    let mut options = EvalOptions::default();
    // A script is what a `<script>` is, "use strict" included or not.
    options.strict = false;
    options.filename = Some(FILE.to_owned());
    ctx.eval_with_options(code, options)
}

/// Calls it, and waits for the promise if it gives one: all that a script can wait for is its own doing.
fn call<'js>(
    ctx: &Ctx<'js>,
    function: &Function<'js>,
    arguments: Vec<Box<RawValue>>,
) -> rquickjs::Result<Value<'js>> {
    let mut given = Args::new_unsized(ctx.clone());
    for argument in arguments {
        given.push_arg(ctx.json_parse(argument.get())?)?;
    }
    let value: Value<'_> = given.apply(function)?;
    match value.as_promise() {
        Some(promise) => promise.finish(),
        None => Ok(value),
    }
}

fn to_json<'js>(
    ctx: &Ctx<'js>,
    value: Value<'js>,
    limit: usize,
    watch: &Watch,
) -> Result<Box<RawValue>, ScriptError> {
    let type_name = value.type_name();
    let failed = |error: Error| match fault::thrown(ctx, error, watch) {
        ScriptError::Threw { message, .. } => ScriptError::NotJson { message },
        other => other,
    };
    let Some(text) = ctx.json_stringify(value).map_err(failed)? else {
        return Err(ScriptError::NotJson { message: format!("it is {}", article(type_name)) });
    };
    let text = text.to_string().map_err(failed)?;
    if text.len() > limit {
        return Err(ScriptError::OutputTooLarge { limit });
    }
    RawValue::from_string(text).map_err(|error| ScriptError::NotJson { message: error.to_string() })
}

fn article(type_name: &str) -> Cow<'_, str> {
    match type_name {
        "undefined" => Cow::Borrowed(type_name),
        _ => Cow::Owned(format!("a {type_name}")),
    }
}

/// Whether it is a name in ASCII, which is more than anyone needs who names an entry point.
fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_' || character == '$')
}
