//! From a record to the fields of a subscriber: by the webhook's rules, or those of its preset, or the specification's own form.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use domain::log::FieldError;
use domain::mapping::{self, Mapped, NoEmail, Rule};
use expression::Mapping;
use presets::Preset;
use serde_json::Value;

/// The mappings of the presets that have one, compiled at their first use.
static OF_PRESETS: LazyLock<HashMap<&'static str, (&'static [Rule], Mapper)>> = LazyLock::new(|| {
    let with_rules = presets::all().iter().filter(|preset| !preset.mapping.is_empty());
    let compiled = |preset: &'static Preset| (preset.mapping.as_slice(), Mapper::compile(&preset.mapping));
    with_rules.map(|preset| (preset.id.as_str(), compiled(preset))).collect()
});

/// How a webhook's records are mapped.
#[derive(Clone, Debug)]
pub(crate) enum Mapper {
    /// By rules.
    Rules(Arc<Mapping>),
    /// Not at all: what is stored can't be compiled. Saving checks it, so only another version of the program can have stored
    /// that.
    Unusable(Arc<str>),
    /// As the specification's own form.
    OwnForm,
}

impl Mapper {
    /// The user's rules, or else those of the preset.
    pub(crate) fn new(rules: Option<&[Rule]>, preset: Option<&Preset>) -> Self {
        match (rules, preset) {
            (Some(rules), _) => Self::compile(rules),
            (None, Some(preset)) if preset.mapping.is_empty() => Self::OwnForm,
            (None, Some(preset)) => {
                let known = OF_PRESETS.get(preset.id.as_str()).filter(|(rules, _)| *rules == preset.mapping);
                known.map_or_else(|| Self::compile(&preset.mapping), |(_, mapper)| mapper.clone())
            }
            (None, None) => Self::OwnForm,
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

    /// Maps a record.
    pub(crate) fn map(&self, record: &Value) -> Mapped {
        match self {
            Self::Rules(mapping) => mapping.apply(record).mapped(),
            Self::Unusable(fault) => Mapped {
                email_error: Some(NoEmail::Missing(format!("any rule: the mapping can't be used ({fault})"))),
                ..Mapped::default()
            },
            Self::OwnForm => mapping::own_form(record),
        }
    }
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
