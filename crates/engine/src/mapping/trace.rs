//! What a mapping did to a record, field by field, for people who write one.

use domain::mapping::{Found, Mapped, Target};
use domain::subscriber::Fields;
use expression::{CustomFields, Outcome, Took};
use serde_json::{Map, Value, json};

/// What came from where and what it became.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The field.
    pub to: Target,
    /// Where it was looked for: a path, a template's text, or `value`.
    pub from: String,
    /// What was found there.
    pub found: Option<Value>,
    /// What the field is set to; `None` if it stays as it is. A name is an object of its parts.
    pub value: Option<Value>,
    /// Which part of the rule gave the value.
    pub took: Took,
    /// What could not be done, or doesn't fit.
    pub warnings: Vec<String>,
}

/// What became of a record before any action.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordTrace {
    /// Why nothing of it is mapped, if so: it is ignored, or no record.
    pub left_out: Option<String>,
    /// Each rule of the mapping, or without rules each field that was found.
    pub mapping: Vec<Trace>,
}

impl Trace {
    pub(super) fn of_rule(outcome: &Outcome<'_>, field_types: &CustomFields) -> Self {
        let mut mapped = Mapped::default();
        outcome.set(&mut mapped);
        let mut trace = Self::new(outcome.to, outcome.from, outcome.took, mapped, field_types);
        trace.found = outcome.found.as_deref().cloned();
        trace.warnings.splice(0..0, outcome.warnings.iter().cloned());
        trace
    }

    pub(super) fn of_field(found: &Found<'_>, field_types: &CustomFields) -> Self {
        let mut mapped = Mapped::default();
        mapped.set(&found.to, found.value, &found.from);
        let trace = Self::new(&found.to, &found.from, Took::Source, mapped, field_types);
        Self { found: Some(found.value.clone()), ..trace }
    }

    fn new(to: &Target, from: &str, took: Took, mut mapped: Mapped, field_types: &CustomFields) -> Self {
        field_types.apply(&mut mapped);
        let mut warnings = mapped.warnings;
        warnings.extend(mapped.email_error.filter(|_| took != Took::Nothing).map(|error| error.to_string()));
        let (to, from) = (to.clone(), from.to_owned());
        Self { value: value_of(&to, mapped.fields), to, from, found: None, took, warnings }
    }
}

fn value_of(to: &Target, fields: Fields) -> Option<Value> {
    match to {
        Target::Email => fields.email.map(|email| json!(email)),
        Target::Status => fields.status.map(|status| json!(status)),
        Target::Text(_) => fields.texts.into_iter().next_back().map(|(_, text)| json!(text)),
        Target::Custom(_) => fields.custom_fields.into_iter().next_back().and_then(|(_, value)| value),
        Target::Name => {
            let parts: Map<String, Value> = fields
                .texts
                .into_iter()
                .map(|(field, text)| (field.as_str().to_owned(), json!(text)))
                .collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
    }
}
