//! A mapping: all rules of a webhook, applied to a record. For each rule it is known what came from where and what it became,
//! which is what a preview shows; together they are what [`domain`] sets on a subscriber.
//!
//! Later rules win over earlier ones for the same field, unless they have no value. A mapping never fails as a whole.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt::Display;

use domain::mapping::{self, Rule, Target};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::evaluate::Payload;
use crate::rule::{CompiledRule, RuleError, RuleProblem, Source};

/// The compiled rules of a webhook.
#[derive(Debug)]
pub struct Mapping {
    rules: Vec<CompiledRule>,
}

/// Which part of a rule gave its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Took {
    /// `from`, `template` or `value`.
    Source,
    /// `otherwise`, since the condition doesn't hold.
    Otherwise,
    /// `default`, since there is no value or nothing could be made of it.
    Default,
    /// Nothing: the condition doesn't hold.
    Skipped,
    /// Nothing: there is no value, or nothing could be made of it.
    Nothing,
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome<'a> {
    /// The field.
    pub to: &'a Target,
    /// Where it was looked for: a path, a template's text, or `value`.
    pub from: &'a str,
    /// The same as warnings name it.
    #[serde(skip)]
    pub(crate) place: &'a str,
    /// What was found there.
    pub found: Option<Cow<'a, Value>>,
    /// What it became, and the field is set to.
    pub value: Option<Cow<'a, Value>>,
    /// Which part of the rule gave the value.
    pub took: Took,
    /// What could not be done.
    pub warnings: Vec<String>,
}

/// What a mapping did to a record: an outcome for each rule, in their order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Applied<'a> {
    /// The outcomes.
    pub outcomes: Vec<Outcome<'a>>,
}

impl Mapping {
    /// Compiles the rules of a webhook.
    ///
    /// # Errors
    /// All rules that are wrong, each with its first error.
    pub fn compile(rules: &[Rule]) -> Result<Self, Vec<RuleError>> {
        if rules.len() > mapping::MAX_RULES {
            let (index, member) = (mapping::MAX_RULES, String::new());
            return Err(vec![RuleError { index, member, problem: RuleProblem::TooManyRules }]);
        }
        let mut compiled = Self { rules: Vec::with_capacity(rules.len()) };
        let mut errors = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            match CompiledRule::compile(index, rule) {
                Ok(rule) => compiled.rules.push(rule),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(compiled) } else { Err(errors) }
    }

    /// Applies the rules to a record.
    pub fn apply<'a>(&'a self, record: &'a Value) -> Applied<'a> {
        // Rules that only look up a path need no copy of the record.
        let payload = OnceCell::new();
        let payload = || payload.get_or_init(|| Payload::new(record));
        Applied { outcomes: self.rules.iter().map(|rule| rule.apply(record, &payload)).collect() }
    }
}

impl CompiledRule {
    fn apply<'a, 'p>(&'a self, record: &'a Value, payload: &dyn Fn() -> &'p Payload) -> Outcome<'a> {
        let mut outcome = Outcome {
            to: &self.to,
            from: &self.label,
            place: self.source.place(&self.label),
            found: None,
            value: None,
            took: Took::Skipped,
            warnings: Vec::new(),
        };
        if !self.holds(payload, &mut outcome.warnings) {
            if let Some(otherwise) = &self.otherwise {
                outcome.value = Some(Cow::Borrowed(otherwise));
                outcome.took = Took::Otherwise;
            }
            return outcome;
        }
        outcome.found = self.source.find(record, payload, &mut outcome.warnings);
        outcome.value = outcome.found.clone().and_then(|found| self.change(found, &mut outcome.warnings));
        outcome.took = if outcome.value.is_some() { Took::Source } else { Took::Nothing };
        if let (None, Some(default)) = (&outcome.value, &self.default) {
            outcome.value = Some(Cow::Borrowed(default));
            outcome.took = Took::Default;
        }
        outcome
    }

    /// Whether the condition holds. One that can't be worked out doesn't.
    fn holds<'p>(&self, payload: &dyn Fn() -> &'p Payload, warnings: &mut Vec<String>) -> bool {
        let Some(when) = &self.when else { return true };
        when.is_true(payload()).unwrap_or_else(|error| {
            warnings.push(format!("{}: when {error}", self.to));
            false
        })
    }

    /// What filters and date make of a value. A text without anything in it is no value, if any of them or a default is there
    /// to see it; a plain rule passes it on.
    fn change<'a>(&self, found: Cow<'a, Value>, warnings: &mut Vec<String>) -> Option<Cow<'a, Value>> {
        let plain = self.filters.is_empty() && self.date.is_none() && self.default.is_none();
        if is_blank(&found) && !plain {
            return None;
        }
        let mut warn = |problem: &dyn Display| warnings.push(format!("{}: {problem}", self.to));
        let mut value = found;
        for filter in &self.filters {
            value = Cow::Owned(filter.apply(&value).map_err(|error| warn(&error)).ok()?);
            if is_blank(&value) {
                return None;
            }
        }
        let Some(date) = &self.date else { return Some(value) };
        date.apply(&value).map_err(|error| warn(&error)).ok().map(Cow::Owned)
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

impl Source {
    /// Where its value stands, as warnings name it: a template may be long.
    fn place<'a>(&self, label: &'a str) -> &'a str {
        if let Source::Template(_) = self { "template" } else { label }
    }

    fn find<'a, 'p>(
        &'a self,
        record: &'a Value,
        payload: &dyn Fn() -> &'p Payload,
        warnings: &mut Vec<String>,
    ) -> Option<Cow<'a, Value>> {
        match self {
            Source::Path(path) => path.find(record).filter(|value| !value.is_null()).map(Cow::Borrowed),
            Source::Value(value) => Some(Cow::Borrowed(value)),
            Source::Template(template) => {
                let rendered = template.render(payload());
                warnings.extend(rendered.errors.iter().map(|error| format!("template: {error}")));
                rendered.value.map(Cow::Owned)
            }
        }
    }
}
