//! The language in which users say conditions, texts and mappings: expressions, templates, filters, dates and rules.
//!
//! Everything is compiled once, when a webhook is saved, and applied to every payload. Pure: no I/O, no clock, no tokio; the
//! time zones are those compiled into the program. The language is that of MiniJinja, without functions and methods: what
//! there is beside operators are filters and tests, so that a misspelt name is refused when it is saved.
//!
//! Invariants:
//! - No payload makes an evaluation panic, and each costs at most [`FUEL`].
//! - What is missing is never an error: a path to nothing is undefined, prints as nothing, and is false. `missing == 'x'` is
//!   false, `missing != 'x'` is true, and an ordering (`<`, `<=`, `>`, `>=`) with something missing, null, or of another kind
//!   is false both ways.
//! - A number orders with a text that is a number, since forms send every number as text.
//! - `*` multiplies numbers, and is undefined of anything else: no payload says how often a list is repeated.
//! - What can't be done for one payload is a warning of that rule, never a lost request.
//!
//! Neighbours: `domain` says what a field is; `engine` compiles and applies what is here; `api` shows a preview.

mod conform;
mod convert;
mod country;
mod date;
mod environment;
mod error;
mod evaluate;
mod fields;
mod filter;
mod json_template;
mod mapping;
#[cfg(test)]
mod mapping_tests;
mod number;
mod operators;
mod phone;
mod rule;
mod scan;
mod template;

pub use conform::{CustomFields, Misfit};
pub use country::Country;
pub use date::{DateError, DateFormat};
pub use environment::FUEL;
pub use error::{CompileError, EvalError};
pub use evaluate::{Expression, MAX_SOURCE_BYTES, Payload};
pub use filter::{Algorithm, Filter, FilterError};
pub use json_template::{JsonTemplate, JsonTemplateError, JsonTemplateProblem, MAX_VALUES, Variable};
pub use mapping::{Applied, Mapping, Outcome, Took};
pub use rule::{CompiledRule, RuleError, RuleProblem};
pub use template::{MAX_OUTPUT_BYTES, MAX_PLACEHOLDERS, Rendered, Template};
