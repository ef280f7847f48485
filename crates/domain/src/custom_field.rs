//! Custom fields that a user has declared: what their values may be. Fields that nobody declared take any value.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::incoming::MAX_DESCRIPTION_CHARS;
use crate::log::FieldError;
use crate::text;
use crate::time::Timestamp;

/// The most fields that are declared: more than one subscriber has, and few enough to be kept in memory.
pub const MAX_DECLARED: usize = 500;
/// The most options of one field.
const MAX_OPTIONS: usize = 200;

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A day, as `2024-01-15`, or a moment, as `2024-01-15T10:30:00Z`.
    Date,
    /// True or false.
    Boolean,
    /// One of the options.
    Choice,
    /// A list of some of the options.
    MultiChoice,
    /// Any JSON.
    Json,
}

impl FieldType {
    /// Whether its values are some of the options.
    pub fn has_options(self) -> bool {
        matches!(self, FieldType::Choice | FieldType::MultiChoice)
    }
}

/// What becomes of a value from an incoming webhook that does not fit. It is never the end of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMismatch {
    /// It is kept as a text, with a warning in the log.
    #[default]
    KeepAsText,
    /// The field stays as it was, with a warning in the log.
    Drop,
}

/// What a user says of a custom field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomFieldSettings)]
pub struct FieldSettings {
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "Plan")]
    pub label: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub description: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// What a `choice` or a `multi_choice` can be; empty for other types.
    #[serde(default)]
    #[schema(max_items = 200, example = json!(["free", "pro"]))]
    pub options: Vec<String>,
    /// What becomes of a value from an incoming webhook that does not fit.
    #[serde(default)]
    pub on_mismatch: OnMismatch,
}

impl FieldSettings {
    /// Everything that is wrong with it, beyond what its types say.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: String, message: String| errors.push(FieldError { field, message });
        if let Err(error) = text::required_line(&self.label) {
            wrong("label".into(), error.to_string());
        }
        if self.description.chars().count() > MAX_DESCRIPTION_CHARS {
            wrong("description".into(), format!("must have at most {MAX_DESCRIPTION_CHARS} characters"));
        }
        if self.description.contains('\0') {
            wrong("description".into(), "must not contain null characters".into());
        }
        match (self.field_type.has_options(), self.options.len()) {
            (true, 0) => wrong("options".into(), "must have at least one option".into()),
            (true, count) if count > MAX_OPTIONS => {
                wrong("options".into(), format!("must have at most {MAX_OPTIONS} options"));
            }
            (false, 1..) => wrong("options".into(), "only choice and multi_choice have options".into()),
            _ => {}
        }
        // Two that differ by case only could not be told apart in what senders write.
        let mut seen = HashSet::new();
        for (position, option) in self.options.iter().enumerate() {
            let message = match text::required_line(option) {
                Err(error) => error.to_string(),
                Ok(line) if line != *option => "must not have white space around it".to_owned(),
                Ok(_) if !seen.insert(option.to_lowercase()) => "is there already, in any case".to_owned(),
                Ok(_) => continue,
            };
            wrong(format!("options.{position}"), message);
        }
        errors
    }
}

/// A declared custom field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    /// Unique: what mappings and subscribers name it by.
    pub name: String,
    /// What a user says of it.
    pub settings: FieldSettings,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(settings: Value) -> Vec<String> {
        let settings: FieldSettings = serde_json::from_value(settings).unwrap();
        settings.check().into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn options_belong_to_choices() {
        for (settings, expected) in [
            (json!({"label": "Age", "type": "number"}), vec![]),
            (json!({"label": "Plan", "type": "choice", "options": ["free", "pro"]}), vec![]),
            (json!({"label": "Plan", "type": "choice"}), vec!["options"]),
            (json!({"label": "Age", "type": "number", "options": ["1"]}), vec!["options"]),
            (
                json!({"label": " ", "type": "multi_choice", "options": ["a", "A", " b", ""]}),
                vec!["label", "options.1", "options.2", "options.3"],
            ),
        ] {
            assert_eq!(faults(settings.clone()), expected, "{settings}");
        }
    }
}
