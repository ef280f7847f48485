//! The one MiniJinja environment: what names an expression may use, and how much it may cost.

use std::sync::LazyLock;

use minijinja::value::{Rest, Serde, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

use crate::convert::to_json;
use crate::error::CompileError;
use crate::filter::{Filter, NAMES};
use crate::operators::{self, ORDERINGS, is_keyword};
use crate::scan::{Kind, Token, tokens};

/// What one evaluation may cost: an instruction, or 64 bytes of data made or read, costs one. Enough for a text of the largest
/// payload (1 MiB) to go through a handful of filters, and used up in some tens of milliseconds at most.
pub const FUEL: u64 = 100_000;
/// How deep brackets may nest: more is no expression that a person wrote.
const MAX_DEPTH: usize = 32;
/// The most words and signs of an expression.
const MAX_TOKENS: usize = 1_000;
/// The words that a bracket may follow without being called.
const KEYWORDS: [&str; 8] = ["and", "or", "not", "in", "is", "if", "else", "recursive"];

/// The environment that all expressions share.
pub(crate) fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(build);
    &ENVIRONMENT
}

fn build() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_debug(true);
    // No functions: a variable that the payload doesn't have must be missing, whatever its name.
    for name in ["range", "dict", "debug", "namespace"] {
        environment.remove_global(name);
    }
    for (_, name, order) in ORDERINGS {
        environment.add_filter(name, move |a: &Value, b: &Value| order(a, b));
    }
    environment.add_filter(operators::TIMES, operators::times);
    for name in ["default", "d"] {
        environment.add_filter(name, or_else);
    }
    for name in NAMES {
        environment.add_filter(*name, move |value: &Value, arguments: Rest<Value>| {
            run_filter(name, value, &arguments)
        });
    }
    environment
}

/// What is null is missing as well: other systems write `null` where there is nothing.
fn or_else(value: &Value, other: Option<Value>) -> Value {
    let is_missing = matches!(value.kind(), ValueKind::Undefined | ValueKind::None);
    if is_missing { other.unwrap_or_else(|| Value::from("")) } else { value.clone() }
}

/// A filter of ours on a value: what it can't do is undefined.
fn run_filter(name: &str, value: &Value, arguments: &[Value]) -> Result<Value, minijinja::Error> {
    let argument = arguments.first().map(ToString::to_string);
    let filter = Filter::new(name, argument)
        .map_err(|error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    if matches!(value.kind(), ValueKind::Undefined | ValueKind::None | ValueKind::Invalid) {
        return Ok(Value::UNDEFINED);
    }
    let applied = to_json(value).ok().and_then(|value| filter.apply(&value).ok());
    Ok(applied.map_or(Value::UNDEFINED, |value| Value::from(Serde(value))))
}

/// Refuses names that aren't known, since MiniJinja itself would only find out when a request has come in.
pub(crate) fn check_names(source: &str) -> Result<(), CompileError> {
    let tokens = tokens(source);
    if let Some(token) = tokens.iter().find(|token| token.depth > MAX_DEPTH) {
        return Err(CompileError::at(source, token.at, "brackets are nested too deep"));
    }
    if let Some(token) = tokens.get(MAX_TOKENS) {
        return Err(CompileError::at(source, token.at, "is too long"));
    }
    (0..tokens.len())
        .try_for_each(|at| check_name(&tokens, at).map_err(|m| CompileError::at(source, tokens[at].at, m)))
}

fn check_name(tokens: &[Token<'_>], at: usize) -> Result<(), String> {
    let token = &tokens[at];
    if token.kind != Kind::Word {
        return Ok(());
    }
    let before = |steps: usize| at.checked_sub(steps).map(|at| &tokens[at]);
    if before(1).is_some_and(|before| before.is_sign("|")) {
        known(token.text.starts_with("__"), token.text, "filter", is_filter(token.text))?;
        return check_argument(token.text, &tokens[at + 1..]);
    }
    if is_tested(tokens, at) {
        return known(false, token.text, "test", is_test(token.text));
    }
    let called = tokens.get(at + 1).is_some_and(|next| next.is_sign("("));
    if called && !is_keyword(tokens, at, &KEYWORDS) {
        return Err(format!(
            "there is no function {}: filters do such work, as in data.name|upper",
            token.text
        ));
    }
    Ok(())
}

/// Refuses an argument that a filter of ours can never take. What is no text in quotes is known when a request has come in.
fn check_argument(filter: &str, rest: &[Token<'_>]) -> Result<(), String> {
    let [open, text, close, ..] = rest else { return Ok(()) };
    let is_text = open.is_sign("(") && text.kind == Kind::Text && close.is_sign(")");
    if !is_text || !NAMES.contains(&filter) {
        return Ok(());
    }
    let argument = text.text.get(1..text.text.len() - 1).map(str::to_owned);
    Filter::new(filter, argument).map(drop).map_err(|error| error.to_string())
}

fn is_tested(tokens: &[Token<'_>], at: usize) -> bool {
    let is = |at: usize| is_keyword(tokens, at, &["is"]);
    let not = |at: usize| is_keyword(tokens, at, &["not"]);
    (at >= 1 && is(at - 1) && !not(at)) || (at >= 2 && not(at - 1) && is(at - 2))
}

fn known(internal: bool, name: &str, what: &str, exists: bool) -> Result<(), String> {
    if exists && !internal { Ok(()) } else { Err(format!("there is no {what} {name}")) }
}

fn is_filter(name: &str) -> bool {
    let outcome = environment().empty_state().apply_filter(name, &[]);
    !outcome.is_err_and(|error| error.kind() == ErrorKind::UnknownFilter)
}

fn is_test(name: &str) -> bool {
    let outcome = environment().empty_state().perform_test(name, &[]);
    !outcome.is_err_and(|error| error.kind() == ErrorKind::UnknownTest)
}
