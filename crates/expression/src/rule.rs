//! A rule of a mapping: which field is set, from what, on which condition, and what is done to the value on its way.

use domain::mapping::{Path, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::date::{DateError, DateFormat, DateRule};
use crate::error::CompileError;
use crate::evaluate::Expression;
use crate::filter::Filter;
use crate::template::Template;

/// The most filters of one rule.
const MAX_FILTERS: usize = 20;

/// One rule: exactly one of `from`, `template` and `value` says where the value comes from. It goes through `filters`, then
/// through `date`. If `when` doesn't hold, `otherwise` is set instead, or nothing. If there is no value, or a filter or the date
/// can't work on it, `default` is set instead, or nothing. `otherwise` and `default` are set as they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The field.
    pub to: Target,
    /// Where the value stands in the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Path>,
    /// A text with placeholders: `{data.first_name} {data.last_name}`. One that is a whole placeholder keeps its value's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// A value that is the same for every payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// A condition: an expression such as `data.plan == 'pro'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What is set when the condition doesn't hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Value>,
    /// What is done to the value, in order: `trim`, `lower`, `upper`, `title`, `split_name`, `first_name`, `last_name`,
    /// `phone('IT')`, `country_code`, `number(',')`, `boolean`, `parse_json`, `hash('sha256')`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// How a date changes its form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<DateRule>,
    /// What is set when there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

impl From<domain::mapping::Rule> for Rule {
    fn from(rule: domain::mapping::Rule) -> Self {
        Self {
            to: rule.to,
            from: Some(rule.from),
            template: None,
            value: None,
            when: None,
            otherwise: None,
            filters: Vec::new(),
            date: None,
            default: None,
        }
    }
}

/// Why a rule can't be saved.
#[derive(Debug, thiserror::Error)]
#[error("{member}")]
pub struct RuleError {
    /// The rule's place in the mapping, from 0 on.
    pub index: usize,
    /// The member of the rule, such as `when`, or `filters[1]`.
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
            filter.parse::<Filter>().map_err(|error| wrong(&format!("filters[{at}]"), error.into()))
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
