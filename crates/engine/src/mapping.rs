//! From a record to the fields of a subscriber: by the webhook's rules, or those of its preset, or the specification's own form.

mod trace;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use domain::log::FieldError;
use domain::mapping::{self, Mapped, NoEmail, Rule};
use expression::{CustomFields, Mapping};
use presets::Preset;
use serde_json::Value;

pub use trace::{RecordTrace, Trace};

/// The mappings of the presets that have one, compiled at their first use.
static OF_PRESETS: LazyLock<HashMap<&'static str, (&'static [Rule], By)>> = LazyLock::new(|| {
    let with_rules = presets::all().iter().filter(|preset| !preset.mapping.is_empty());
    let compiled = |preset: &'static Preset| (preset.mapping.as_slice(), By::compile(&preset.mapping));
    with_rules.map(|preset| (preset.id.as_str(), compiled(preset))).collect()
});

/// How a webhook's records are mapped, and what the custom fields may be that come out.
#[derive(Clone, Debug)]
pub(crate) struct Mapper {
    by: By,
    field_types: Arc<CustomFields>,
}

#[derive(Clone, Debug)]
enum By {
    /// Rules.
    Rules(Arc<Mapping>),
    /// The rules of a preset: what they don't find, a sender may have put where its other users do.
    OfSender(Arc<Mapping>),
    /// Nothing: what is stored can't be compiled. Saving checks it, so only another version of the program can have stored that.
    Unusable(Arc<str>),
    /// Itself: the specification's own form, or names that senders use.
    Itself,
}

impl Mapper {
    /// The user's rules, or else those of the preset.
    pub(crate) fn new(
        rules: Option<&[Rule]>,
        preset: Option<&Preset>,
        field_types: &Arc<CustomFields>,
    ) -> Self {
        let of_preset = || preset.filter(|preset| !preset.mapping.is_empty()).map(By::of_preset);
        let by = rules.map(By::compile).or_else(of_preset).unwrap_or(By::Itself);
        Self { by, field_types: field_types.clone() }
    }

    /// By these rules.
    pub(crate) fn by(mapping: Mapping, field_types: &Arc<CustomFields>) -> Self {
        Self { by: By::Rules(Arc::new(mapping)), field_types: field_types.clone() }
    }

    /// Maps a record.
    pub(crate) fn map(&self, record: &Value) -> Mapped {
        let mut mapped = match &self.by {
            By::Rules(mapping) => mapping.apply(record).mapped(),
            By::OfSender(mapping) => {
                let mut mapped = mapping.apply(record).mapped();
                for mapping::Found { to, from, value } in mapping::found_beside(record, &mapped) {
                    mapped.set(&to, value, &from);
                }
                mapped.email_error = mapped.email_error.filter(|_| mapped.fields.email.is_none());
                mapped
            }
            By::Unusable(fault) => unusable(fault),
            By::Itself => mapping::by_itself(record),
        };
        self.field_types.apply(&mut mapped);
        mapped
    }

    fn trace_rules(&self, mapping: &Mapping, record: &Value) -> Vec<Trace> {
        let outcomes = mapping.apply(record).outcomes;
        outcomes.iter().map(|outcome| Trace::of_rule(outcome, &self.field_types)).collect()
    }

    /// What came from where and what it became, rule by rule; without rules, by the fields that were found.
    pub(crate) fn trace(&self, record: &Value) -> Vec<Trace> {
        match &self.by {
            By::Rules(mapping) => self.trace_rules(mapping, record),
            By::OfSender(mapping) => {
                let mut traces = self.trace_rules(mapping, record);
                let found = mapping::found_beside(record, &mapping.apply(record).mapped());
                traces.extend(found.iter().map(|found| Trace::of_field(found, &self.field_types)));
                traces
            }
            By::Unusable(_) => Vec::new(),
            By::Itself => {
                let found = mapping::found_by_itself(record);
                found.iter().map(|found| Trace::of_field(found, &self.field_types)).collect()
            }
        }
    }
}

impl By {
    fn of_preset(preset: &Preset) -> Self {
        let known = OF_PRESETS.get(preset.id.as_str()).filter(|(rules, _)| *rules == preset.mapping);
        let by = known.map_or_else(|| Self::compile(&preset.mapping), |(_, by)| by.clone());
        match by {
            Self::Rules(mapping) => Self::OfSender(mapping),
            other => other,
        }
    }

    fn compile(rules: &[Rule]) -> Self {
        match Mapping::compile(rules) {
            Ok(mapping) => Self::Rules(Arc::new(mapping)),
            Err(errors) => {
                let first = errors.first().map(|error| format!("rule {}: {error}", error.index));
                Self::Unusable(first.unwrap_or_default().into())
            }
        }
    }
}

fn unusable(fault: &str) -> Mapped {
    let missing = NoEmail::Missing(format!("any rule: the mapping can't be used ({fault})"));
    Mapped { email_error: Some(missing), ..Mapped::default() }
}

/// Everything that is wrong with the rules of a mapping, by dotted path.
pub fn check(rules: &[Rule]) -> Vec<FieldError> {
    let faults = Mapping::compile(rules).err().unwrap_or_default().into_iter().map(|error| {
        let field = match error.member.as_str() {
            "" => "mapping".to_owned(),
            member => format!("mapping.{}.{member}", error.index),
        };
        FieldError { field, message: error.problem.to_string() }
    });
    faults.collect()
}
