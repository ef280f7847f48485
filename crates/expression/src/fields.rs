//! From the outcomes of a mapping to the fields of a subscriber. What a value of a field may be is `domain`'s rule: each value
//! is handed to it at the path where it was found, so that its warnings name the place.

use domain::mapping::{self, Mapped, NoEmail, Path, Target};
use serde_json::{Map, Value};

use crate::mapping::{Applied, Outcome, Took};

impl Applied<'_> {
    /// What is to be set on a subscriber, why there is no email, and all warnings.
    pub fn mapped(&self) -> Mapped {
        let mut mapped = Mapped::default();
        for outcome in &self.outcomes {
            mapped.warnings.extend(outcome.warnings.iter().cloned());
            outcome.set(&mut mapped);
        }
        if mapped.fields.email.is_some() {
            mapped.email_error = None;
        } else if mapped.email_error.is_none() {
            let missing = "any rule: the mapping has none for email, or its condition doesn't hold";
            mapped.email_error = Some(NoEmail::Missing(missing.to_owned()));
        }
        mapped
    }
}

impl Outcome<'_> {
    fn set(&self, mapped: &mut Mapped) {
        let Some(value) = self.value.as_deref() else {
            if *self.to == Target::Email && self.took == Took::Nothing {
                mapped.email_error = Some(NoEmail::Missing(self.from.to_owned()));
            }
            return;
        };
        let Some(place) = self.place() else { return };
        let record = nested(&place, value.clone());
        let set = mapping::map(Some(&[mapping::Rule { to: self.to.clone(), from: place }]), &record);
        mapped.fields.email = set.fields.email.or(mapped.fields.email.take());
        mapped.fields.status = set.fields.status.or(mapped.fields.status.take());
        mapped.fields.texts.extend(set.fields.texts);
        mapped.fields.custom_fields.extend(set.fields.custom_fields);
        mapped.warnings.extend(set.warnings);
        if *self.to == Target::Email && set.email_error.is_some() {
            mapped.email_error = set.email_error;
        }
    }

    /// The path of the value, or a word for where else it comes from.
    fn place(&self) -> Option<Path> {
        match self.took {
            Took::Otherwise => "otherwise".parse().ok(),
            Took::Default => "default".parse().ok(),
            _ => self.path.cloned().or_else(|| "template".parse().ok()),
        }
    }
}

/// A record in which this value stands at this path.
fn nested(path: &Path, value: Value) -> Value {
    let path = path.to_string();
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, positions) = part.split_once('[').unwrap_or((part, ""));
        steps.extend([name].into_iter().chain(positions.split('[').map(|p| p.trim_end_matches(']'))));
    }
    let steps = steps.into_iter().filter(|step| !step.is_empty());
    steps.rev().fold(value, |inner, step| Value::Object(Map::from_iter([(step.to_owned(), inner)])))
}
