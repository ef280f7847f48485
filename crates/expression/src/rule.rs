//! A rule of a mapping, compiled: which field is set, from what, on which condition, and what is done to the value on its way.

use domain::mapping::{Path, Rule, Target};
use serde_json::Value;

use crate::date::{DateError, DateFormat};
use crate::error::CompileError;
use crate::evaluate::Expression;
use crate::filter::Filter;
use crate::template::Template;

/// The most filters of one rule.
const MAX_FILTERS: usize = 20;

/// Why a rule can't be saved.
#[derive(Debug, thiserror::Error)]
#[error("{member}")]
pub struct RuleError {
    /// The rule's place in the mapping, from 0 on.
    pub index: usize,
    /// The member of the rule, such as `when`, or `filters.1`.
    pub member: String,
    /// What is wrong with it.
    #[source]
    pub problem: RuleProblem,
}

/// What can be wrong with a member of a rule.
#[derive(Debug, thiserror::Error)]
pub enum RuleProblem {
    /// No source, or several.
    #[error("must be exactly one of from, template and value")]
    Source,
    /// `otherwise` without `when`.
    #[error("needs when")]
    NeedsWhen,
    /// More filters than a rule may have.
    #[error("must have at most {MAX_FILTERS} filters")]
    TooManyFilters,
    /// More rules than a mapping may have.
    #[error("must have at most {} rules", domain::mapping::MAX_RULES)]
    TooManyRules,
    /// An expression, a template or a filter that is none.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A form of dates or a time zone that is none.
    #[error(transparent)]
    Date(#[from] DateError),
}

/// Where the value of a compiled rule comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Path(Path),
    Template(Template),
    Value(Value),
}

/// A rule, compiled.
#[derive(Debug)]
pub struct CompiledRule {
    pub(crate) to: Target,
    /// Where the value comes from, for people.
    pub(crate) label: String,
    pub(crate) source: Source,
    pub(crate) when: Option<Expression>,
    pub(crate) otherwise: Option<Value>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) date: Option<DateFormat>,
    pub(crate) default: Option<Value>,
}

impl CompiledRule {
    /// Compiles the rule at this place of a mapping.
    ///
    /// # Errors
    /// One of its members is wrong: the first one that is.
    pub fn compile(index: usize, rule: &Rule) -> Result<Self, RuleError> {
        let wrong =
            |member: &str, problem: RuleProblem| RuleError { index, member: member.to_owned(), problem };
        if rule.otherwise.is_some() && rule.when.is_none() {
            return Err(wrong("otherwise", RuleProblem::NeedsWhen));
        }
        if rule.filters.len() > MAX_FILTERS {
            return Err(wrong("filters", RuleProblem::TooManyFilters));
        }
        let when = rule.when.as_deref().map(Expression::compile).transpose();
        let date = rule.date.as_ref().map(DateFormat::compile).transpose();
        let filters = rule.filters.iter().enumerate().map(|(at, filter)| {
            filter.parse::<Filter>().map_err(|error| wrong(&format!("filters.{at}"), error.into()))
        });
        Ok(Self {
            to: rule.to.clone(),
            label: label(rule),
            source: Source::compile(rule).map_err(|(member, problem)| wrong(member, problem))?,
            when: when.map_err(|error| wrong("when", error.into()))?,
            otherwise: rule.otherwise.clone(),
            filters: filters.collect::<Result<_, _>>()?,
            date: date.map_err(|error| wrong("date", error.into()))?,
            default: rule.default.clone(),
        })
    }
}

impl Source {
    fn compile(rule: &Rule) -> Result<Self, (&'static str, RuleProblem)> {
        match (&rule.from, &rule.template, &rule.value) {
            (Some(path), None, None) => Ok(Source::Path(path.clone())),
            (None, Some(template), None) => {
                Template::compile(template).map(Source::Template).map_err(|error| ("template", error.into()))
            }
            (None, None, Some(value)) => Ok(Source::Value(value.clone())),
            _ => Err(("from", RuleProblem::Source)),
        }
    }
}

fn label(rule: &Rule) -> String {
    match (&rule.from, &rule.template) {
        (Some(path), _) => path.to_string(),
        (None, Some(template)) => template.clone(),
        (None, None) => "value".to_owned(),
    }
}
