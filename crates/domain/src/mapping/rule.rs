//! What a user says of one field: pure data, which `expression` compiles and applies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::path::Path;
use crate::subscriber::{TextField, is_custom_field_name};

/// One rule: exactly one of `from`, `template` and `value` says where the value comes from. It goes through `filters`, then
/// through `date`. If `when` doesn't hold, `otherwise` is set instead, or nothing. If there is no value, or a filter or the date
/// can't work on it, `default` is set instead, or nothing. `otherwise` and `default` are set as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    #[schema(max_items = 20)]
    pub filters: Vec<String>,
    /// How a date changes its form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<DateRule>,
    /// What is set when there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

impl Rule {
    /// A rule that takes a value as it is.
    pub fn plain(to: Target, from: Path) -> Self {
        let (template, value, when, otherwise) = (None, None, None, None);
        let (filters, date, default) = (Vec::new(), None, None);
        Self { to, from: Some(from), template, value, when, otherwise, filters, date, default }
    }
}

/// How a rule changes a date: `{"from":"%d/%m/%Y","to":"%Y-%m-%d","timezone":"Europe/Rome"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DateRule {
    /// The form in which it comes: strftime's signs, `unix` or `unix_ms`. Without it, ISO 8601, RFC 2822, and numbers of seconds or
    /// milliseconds since 1970 are recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "%d/%m/%Y")]
    pub from: Option<String>,
    /// The form in which it is wanted. Without it, `2024-01-15` for a day and `2024-01-15T10:30:00Z` for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "%Y-%m-%d")]
    pub to: Option<String>,
    /// The time zone (IANA's name) of a time that doesn't name its own, and of what comes out. Without it, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Rome")]
    pub timezone: Option<String>,
}

/// A field that a rule can set: `email`, `first_name`, `last_name`, `name`, `phone`, `company`, `source`, `status` or
/// `custom_field.NAME`. `name` is split at its last space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The address.
    Email,
    /// First and last name in one text.
    Name,
    /// A standard text field.
    Text(TextField),
    /// The status.
    Status,
    /// A custom field.
    Custom(String),
}

crate::schema::text_schema!(
    Target,
    pattern = r"^(email|name|first_name|last_name|phone|company|source|subscription_source|status|custom_field\..{1,64})$",
    "custom_field.company"
);

/// No such field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be email, first_name, last_name, name, phone, company, source, status or custom_field.NAME")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(name) = text.strip_prefix("custom_field.") {
            return if is_custom_field_name(name) {
                Ok(Target::Custom(name.to_owned()))
            } else {
                Err(TargetError)
            };
        }
        match text {
            "email" => Ok(Target::Email),
            "name" => Ok(Target::Name),
            "status" => Ok(Target::Status),
            // The specification's own name for it.
            "subscription_source" => Ok(Target::Text(TextField::Source)),
            _ => TextField::ALL.into_iter().find(|f| f.as_str() == text).map(Target::Text).ok_or(TargetError),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Email => f.write_str("email"),
            Target::Name => f.write_str("name"),
            Target::Status => f.write_str("status"),
            Target::Text(field) => f.write_str(field.as_str()),
            Target::Custom(name) => write!(f, "custom_field.{name}"),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}
