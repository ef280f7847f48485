//! An expression, and the payload that it is asked about.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Serde};
use minijinja::{ErrorKind, Value as Engine};
use serde_json::Value;

use crate::convert::to_json;
use crate::environment::environment;
use crate::error::{CompileError, EvalError};
use crate::{environment, operators};

/// The most bytes of an expression or a template: more than anyone reads, and what compiling may cost.
pub const MAX_SOURCE_BYTES: usize = 4 * 1024;

/// A payload, made ready once for all expressions that are asked about it.
///
/// Its members are the variables. The whole of it is `payload`, unless a member has that name: that is how an array, or a
/// name that is no word, is reached (`payload[0].email`, `payload['e-mail']`).
#[derive(Clone, Debug)]
pub struct Payload(Engine);

impl Payload {
    /// Makes a payload ready: costs a copy of it.
    pub fn new(payload: &Value) -> Self {
        Self(Engine::from_object(Variables(Engine::from(Serde(payload)), None)))
    }

    /// The same with what is known beside it: those members are variables, too, unless the payload has one of that name.
    pub fn beside(payload: &Value, known: &Value) -> Self {
        let [payload, known] = [payload, known].map(|value| Engine::from(Serde(value)));
        Self(Engine::from_object(Variables(payload, Some(known))))
    }

    pub(crate) fn variables(&self) -> Engine {
        self.0.clone()
    }
}

#[derive(Debug)]
struct Variables(Engine, Option<Engine>);

impl Object for Variables {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Engine) -> Option<Engine> {
        let member = |of: &Engine| of.get_item(key).ok().filter(|member| !member.is_undefined());
        let known = || self.1.as_ref().and_then(member);
        member(&self.0).or_else(known).or_else(|| (key.as_str() == Some("payload")).then(|| self.0.clone()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// A compiled expression, such as `data.plan == 'pro' and data.seats >= 5`.
pub struct Expression {
    source: String,
    compiled: minijinja::Expression<'static, 'static>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for Expression {
    type Err = CompileError;

    fn from_str(source: &str) -> Result<Self, CompileError> {
        Self::compile(source)
    }
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// It is longer than [`MAX_SOURCE_BYTES`] or empty, its grammar is wrong, or a filter, a test or a function isn't known.
    pub fn compile(source: &str) -> Result<Self, CompileError> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(CompileError::at(source, MAX_SOURCE_BYTES, "is too long: at most 4 KiB"));
        }
        if source.trim().is_empty() {
            return Err(CompileError::at(source, 0, "is empty"));
        }
        environment::check_names(source)?;
        // First as it is written, so that the position of an error is one in what the user wrote.
        let written = environment().compile_expression_owned(source.to_owned());
        written.and_then(|written| count_arguments(&written)).map_err(|error| refused(source, &error))?;
        let compiled = environment()
            .compile_expression_owned(operators::rewrite(source)?)
            .map_err(|error| refused(source, &error))?;
        Ok(Self { source: source.to_owned(), compiled })
    }

    /// Whether it holds. Undefined, null, zero, and an empty text, list or object don't.
    ///
    /// # Errors
    /// See [`EvalError`]; a missing value is none.
    pub fn is_true(&self, payload: &Payload) -> Result<bool, EvalError> {
        Ok(self.run(payload)?.is_true())
    }

    /// Its value; `None` when it is undefined, as a path to nothing is.
    ///
    /// # Errors
    /// See [`EvalError`]; a missing value is none.
    pub fn value(&self, payload: &Payload) -> Result<Option<Value>, EvalError> {
        let value = self.run(payload)?;
        if value.is_undefined() {
            return Ok(None);
        }
        to_json(&value).map(Some)
    }

    /// The names that it asks the payload for, without what is behind their dots, in alphabetical order.
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.compiled.undeclared_variables(false).into_iter().collect();
        names.sort_unstable();
        names
    }

    fn run(&self, payload: &Payload) -> Result<Engine, EvalError> {
        Ok(self.compiled.eval(payload.variables())?)
    }
}

/// Refuses what can be worked out with no values: a filter gets more arguments than it takes, or fewer.
fn count_arguments(expression: &minijinja::Expression<'_, '_>) -> Result<(), minijinja::Error> {
    let is_count = |error: &minijinja::Error| {
        matches!(error.kind(), ErrorKind::TooManyArguments | ErrorKind::MissingArgument)
    };
    expression.eval(()).err().filter(is_count).map_or(Ok(()), Err)
}

fn refused(source: &str, error: &minijinja::Error) -> CompileError {
    let at = error.range().map_or(0, |range| range.start.min(source.len()));
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    CompileError::at(source, at, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn payload() -> Payload {
        Payload::new(&json!({"data": {"plan": "pro", "age": 17, "seats": "12", "tags": ["web"], "none": null,
            "items": [{"sku": "a"}, {"sku": "b"}], "joined": "2024-01-15", "name": " ada "}}))
    }

    fn is_true(source: &str) -> bool {
        Expression::compile(source).unwrap().is_true(&payload()).unwrap()
    }

    #[test]
    fn conditions() {
        for source in [
            "data.plan == 'pro'",
            "data.age < 18 and not data.vip",
            "data.seats > 9",
            "'web' in data.tags",
            "data.items|length == 2",
            "data.items[1].sku == 'b'",
            "data.items|map(attribute='sku')|join('') == 'ab'",
            "data.joined >= '2024-01-01'",
            "data.name|trim|title == 'Ada'",
            "payload.data.plan is defined",
            "data.plan is not none",
            "data.seats|number * 2 == 24",
            "data.missing.deeper is undefined",
            "data.none|default('x') == 'x'",
            "data.missing|default('x') == 'x'",
            "data.plan|default('x') == 'pro'",
            "data.plan != data.missing",
            "(data.age if data.age > 20 else 20) == 20",
            "data.plan|upper is upper",
            "data.age * 2 - 4 == 30",
            "data.seats * -2 + 1 == -23",
            "2 * data.age / 2 * 3 >= 51",
            "data.age * 0.5 == 8.5",
        ] {
            assert!(is_true(source), "{source}");
        }
    }

    #[test]
    fn its_variables_are_known() {
        let expression =
            Expression::compile("data.plan == 'pro' and (seats|number) * 2 > payload.x").unwrap();
        assert_eq!(expression.variables(), ["data", "payload", "seats"]);
    }

    #[test]
    fn what_is_missing_is_false_and_no_error() {
        for source in [
            "data.missing",
            "missing.at.all == 'x'",
            "data.missing < 18",
            "data.missing >= 18",
            "data.none < 1",
            "18 > data.missing",
            "data.plan < 5",
            "data.plan > 5",
            "data.missing|lower == 'x'",
            "data.plan|number > 0",
            "'x' in data.missing",
            "data.missing|length > 0",
            "range",
            "data.tags > 1",
            "data.missing|join('')",
            "data.missing * 2 > 0",
            "data.tags * 1000000000",
            "data.plan * 3 == 'propropro'",
        ] {
            assert!(!is_true(source), "{source}");
        }
        assert!(is_true("data.missing < 18 or data.age < 18"));
    }

    #[test]
    fn errors_say_where() {
        for (source, position) in [
            ("data.plan ==", 11),
            ("data.plan == 'pro", 18),
            ("a|nope", 3),
            ("a is nope", 6),
            ("a is not nope", 10),
            ("range(5)", 1),
            ("range (5)", 1),
            ("é == a.upper()", 8),
            ("", 1),
            ("a b", 3),
            ("1 < a < 3", 3),
            ("a|__less(1)", 3),
            ("a|hash('md5')", 3),
            ("a|lower|phone(\"Atlantis\")", 9),
            ("a|trim('x')", 3),
            ("a|trim('", 9),
            ("a|default('x', true)", 3),
            ("a|upper|replace('a')", 9),
        ] {
            let error = Expression::compile(source).unwrap_err();
            assert_eq!(error.position, position, "{source}: {error}");
        }
        assert!(Expression::compile(&"a ".repeat(MAX_SOURCE_BYTES)).is_err());
        for nested in ["(", "[", "{'a':", "not ", "-", "a|upper if "] {
            assert!(Expression::compile(&nested.repeat(300)).is_err(), "{nested}");
        }
    }

    #[test]
    fn an_array_and_odd_names_are_reached() {
        let value = |source: &str, root: Value| {
            Expression::compile(source).unwrap().value(&Payload::new(&root)).unwrap()
        };
        assert_eq!(value("payload[0].a", json!([{"a": 1}])), Some(json!(1)));
        assert_eq!(value("payload['e-mail']", json!({"e-mail": "x"})), Some(json!("x")));
        assert_eq!(value("payload", json!({"payload": 5})), Some(json!(5)));
        assert_eq!(value("a.b", json!({"a": [1]})), None);
        assert_eq!(
            value("a", json!({"a": {"z": 1, "b": [1.5, null]}})),
            Some(json!({"z": 1, "b": [1.5, null]}))
        );
    }

    #[test]
    fn what_costs_too_much_ends() {
        let big = Payload::new(&json!({"a": "ab".repeat(500_000), "n": 99_999_999}));
        for source in [
            "a|replace('a', a)",
            "a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a",
            "a|list|sort|join(a)",
            "a|list|slice(n)|list",
            "a|indent(n)",
            "'%99999999d'|format(1)",
            "a|split('a')|list",
            "a|lower|upper|title|trim|lower|upper|lower",
        ] {
            let outcome = Expression::compile(source).unwrap().value(&big);
            assert!(matches!(outcome, Err(EvalError::OutOfFuel)), "{source}: {outcome:?}");
        }
        let sum = Expression::compile("data.plan + 1").unwrap().is_true(&payload());
        assert!(matches!(sum, Err(EvalError::Invalid(_))));
    }

    proptest! {
        #[test]
        fn prop_no_source_breaks_it(source in "\\PC{0,40}", like in "(data|\\.|a| |<|>=|==|'x'|1|\\(|\\)|\\[|\\]|\\||lower|and|or|not|in|is|if|else|~|\\*|,|:|\\{|\\}|-){0,20}") {
            for source in [source, like] {
                if let Ok(expression) = Expression::compile(&source) {
                    let _ = expression.value(&payload());
                }
            }
        }

        #[test]
        fn prop_an_ordering_is_that_of_the_numbers(a in any::<i32>(), b in any::<i32>()) {
            let payload = Payload::new(&json!({"a": a, "b": b, "text": b.to_string()}));
            for source in ["a < b", "a < text", "not (a >= b)", "not (a >= text)"] {
                prop_assert_eq!(Expression::compile(source).unwrap().is_true(&payload).unwrap(), a < b);
            }
        }
    }
}
