//! Declared custom fields: whether a value fits, and what it becomes where that loses nothing.

use std::collections::HashMap;

use domain::custom_field::{CustomField, FieldSettings, FieldType, OnMismatch};
use domain::mapping::{DateRule, Mapped, custom_value_fits};
use serde_json::{Number, Value};

use crate::date::DateFormat;
use crate::filter::Filter;

/// A number of time below this one (of March 1973, in seconds) is taken for something else, such as a year.
const FIRST_SECONDS: f64 = 1e8;

/// Why a value doesn't fit a field. It never shows the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is of another kind.
    #[error("must be {0}")]
    Kind(&'static str),
    /// It is not among the options.
    #[error("must be one of the field's options: {0}")]
    Option(String),
    /// It is not a list of the options.
    #[error("must be a list of the field's options: {0}")]
    Options(String),
}

/// What was declared, by name. Fields that were not take any value.
#[derive(Clone, Debug, Default)]
pub struct CustomFields(HashMap<String, FieldSettings>);

impl CustomFields {
    /// All that are declared.
    pub fn new<'a>(declared: impl IntoIterator<Item = &'a CustomField>) -> Self {
        Self(declared.into_iter().map(|field| (field.name.clone(), field.settings.clone())).collect())
    }

    /// The value as the field has it.
    ///
    /// # Errors
    /// If it doesn't fit.
    pub fn conform(&self, name: &str, value: &Value) -> Result<Value, Misfit> {
        self.0.get(name).map_or_else(|| Ok(value.clone()), |field| conform(field, value))
    }

    /// Brings the values of a mapping into the form of their fields. One that doesn't fit is a warning, and is kept as a text or
    /// dropped as the field says; an empty text says nothing of a field that is none.
    pub fn apply(&self, mapped: &mut Mapped) {
        if self.0.is_empty() {
            return;
        }
        let Mapped { fields, warnings, .. } = mapped;
        fields.custom_fields.retain_mut(|(name, value)| match value {
            Some(value) => self.keep(name, value, warnings),
            None => true,
        });
    }

    /// Brings one value into its field's form; false if it is dropped.
    pub fn keep(&self, name: &str, value: &mut Value, warnings: &mut Vec<String>) -> bool {
        let Some(field) = self.0.get(name) else { return true };
        let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
        if is_blank && field.field_type != FieldType::Text {
            return false;
        }
        let misfit = match conform(field, value) {
            Ok(fitting) => {
                *value = fitting;
                return true;
            }
            Err(misfit) => misfit,
        };
        let text = match std::mem::take(value) {
            text @ Value::String(_) => text,
            other => Value::String(other.to_string()),
        };
        let kept = field.on_mismatch == OnMismatch::KeepAsText && custom_value_fits(&text);
        let end = if kept { "kept as text" } else { "dropped" };
        warnings.push(format!("custom_field.{name} {misfit}; {end}"));
        *value = text;
        kept
    }
}

/// The value as a field has it: changed only where nothing is lost, such as `"42"` to 42 or `yes` to true.
fn conform(field: &FieldSettings, value: &Value) -> Result<Value, Misfit> {
    match field.field_type {
        FieldType::Text => text(value).ok_or(Misfit::Kind("a text")).map(Value::from),
        FieldType::Number => number(value).ok_or(Misfit::Kind("a number")).map(Value::from),
        FieldType::Boolean => {
            Filter::Boolean.apply(value).map_err(|_| Misfit::Kind("true or false, or yes or no"))
        }
        FieldType::Date => date(value).ok_or(Misfit::Kind("a date, such as 2024-01-15")),
        FieldType::Choice => {
            let chosen = text(value).and_then(|text| option(field, &text));
            chosen.ok_or_else(|| Misfit::Option(field.options.join(", "))).map(Value::from)
        }
        FieldType::MultiChoice => {
            options(field, value).ok_or_else(|| Misfit::Options(field.options.join(", "))).map(Value::from)
        }
        FieldType::Json => Ok(json(value)),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Only what can be no other number: `1,234` may be one or a thousand, which the filter `number(',')` is told.
fn number(value: &Value) -> Option<Number> {
    let text = match value {
        Value::Number(number) => return Some(number.clone()),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    if text.len() > 64 || text.bytes().any(|b| !(b.is_ascii_digit() || b"+-.eE".contains(&b))) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    // A whole number that is too long for i64 would lose digits.
    let is_whole = !text.contains(['.', 'e', 'E']);
    if is_whole { None } else { text.parse::<f64>().ok().and_then(Number::from_f64) }
}

fn date(value: &Value) -> Option<Value> {
    let text = text(value)?;
    let number = text.trim().parse::<f64>().ok();
    if text.trim().len() != 8 && number.is_some_and(|number| number.abs() < FIRST_SECONDS) {
        return None;
    }
    DateFormat::compile(&DateRule::default()).ok()?.apply(value).ok()
}

/// The option that is meant, in any case.
fn option(field: &FieldSettings, text: &str) -> Option<String> {
    let wanted = text.trim().to_lowercase();
    field.options.iter().find(|option| option.to_lowercase() == wanted).cloned()
}

/// The options that are meant, each once: of a list, one, or some in a text with commas or semicolons.
fn options(field: &FieldSettings, value: &Value) -> Option<Vec<String>> {
    let chosen: Vec<String> = match value {
        Value::Array(items) => items.iter().map(|item| option(field, &text(item)?)).collect::<Option<_>>()?,
        _ => {
            let text = text(value)?;
            match option(field, &text) {
                Some(one) => vec![one],
                None => text.split([',', ';']).map(|part| option(field, part)).collect::<Option<_>>()?,
            }
        }
    };
    let mut once: Vec<String> = Vec::with_capacity(chosen.len().min(field.options.len()));
    for option in chosen {
        if !once.contains(&option) {
            once.push(option);
        }
    }
    Some(once)
}

/// A text that is a whole object or array is meant as one.
fn json(value: &Value) -> Value {
    let inside = value.as_str().filter(|text| text.trim_start().starts_with(['{', '[']));
    inside.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TYPES: [&str; 7] = ["text", "number", "date", "boolean", "choice", "multi_choice", "json"];

    fn field(field_type: &str, on_mismatch: &str) -> FieldSettings {
        let options = if field_type.ends_with("choice") { json!(["Free", "Pro", "a, b"]) } else { json!([]) };
        let settings =
            json!({"label": "x", "type": field_type, "options": options, "on_mismatch": on_mismatch});
        serde_json::from_value(settings).unwrap()
    }

    #[test]
    fn values_and_what_they_become() {
        let misfit = Value::Null;
        for (field_type, value, expected) in [
            ("text", json!("a"), json!("a")),
            ("text", json!(4.5), json!("4.5")),
            ("text", json!(true), json!("true")),
            ("text", json!(["a"]), misfit.clone()),
            ("number", json!(4.5), json!(4.5)),
            ("number", json!(" 42 "), json!(42)),
            ("number", json!("-4.50"), json!(-4.5)),
            ("number", json!("1,234"), misfit.clone()),
            ("number", json!("99999999999999999999"), misfit.clone()),
            ("number", json!("4 seats"), misfit.clone()),
            ("number", json!("NaN"), misfit.clone()),
            ("number", json!(true), misfit.clone()),
            ("boolean", json!(false), json!(false)),
            ("boolean", json!("Yes"), json!(true)),
            ("boolean", json!("1"), json!(true)),
            ("boolean", json!("off"), json!(false)),
            ("boolean", json!(1), json!(true)),
            ("boolean", json!("maybe"), misfit.clone()),
            ("date", json!("2024-01-15"), json!("2024-01-15")),
            ("date", json!("20240115"), json!("2024-01-15")),
            ("date", json!("2024-01-15T10:30:00+02:00"), json!("2024-01-15T08:30:00Z")),
            ("date", json!("Mon, 15 Jan 2024 10:30:00 +0000"), json!("2024-01-15T10:30:00Z")),
            ("date", json!(1_705_314_600), json!("2024-01-15T10:30:00Z")),
            ("date", json!("1705314600000"), json!("2024-01-15T10:30:00Z")),
            ("date", json!("2024"), misfit.clone()),
            ("date", json!(7), misfit.clone()),
            ("date", json!("01/02/2024"), misfit.clone()),
            ("date", json!("soon"), misfit.clone()),
            ("choice", json!(" pro "), json!("Pro")),
            ("choice", json!("gold"), misfit.clone()),
            ("choice", json!(["Pro"]), misfit.clone()),
            ("multi_choice", json!(["pro", "FREE", "Pro"]), json!(["Pro", "Free"])),
            ("multi_choice", json!("free; pro"), json!(["Free", "Pro"])),
            ("multi_choice", json!("a, b"), json!(["a, b"])),
            ("multi_choice", json!([]), json!([])),
            ("multi_choice", json!(["pro", "gold"]), misfit.clone()),
            ("json", json!({"a": 1}), json!({"a": 1})),
            ("json", json!(" [1, 2]"), json!([1, 2])),
            ("json", json!("plain"), json!("plain")),
        ] {
            let found = conform(&field(field_type, "drop"), &value);
            assert_eq!(found.unwrap_or_default(), expected, "{value} as {field_type}");
        }
    }

    fn apply(
        fields: &[(&str, FieldSettings)],
        values: &[(&str, Value)],
    ) -> (Vec<(String, Value)>, Vec<String>) {
        let declared =
            CustomFields(fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect());
        let mut mapped = Mapped::default();
        mapped.fields.custom_fields =
            values.iter().map(|(name, value)| ((*name).to_owned(), Some(value.clone()))).collect();
        declared.apply(&mut mapped);
        let custom = mapped.fields.custom_fields.into_iter().map(|(name, value)| (name, value.unwrap()));
        (custom.collect(), mapped.warnings)
    }

    #[test]
    fn what_does_not_fit_is_kept_as_text_or_dropped() {
        let fields = [
            ("age", field("number", "keep_as_text")),
            ("seats", field("number", "drop")),
            ("born", field("date", "keep_as_text")),
        ];
        let values = [
            ("age", json!({"years": 4})),
            ("seats", json!("four")),
            ("born", json!(" ")),
            ("undeclared", json!([1])),
        ];
        let (kept, warnings) = apply(&fields, &values);
        let expected = [("age", json!(r#"{"years":4}"#)), ("undeclared", json!([1]))];
        assert_eq!(kept, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(
            warnings,
            [
                "custom_field.age must be a number; kept as text",
                "custom_field.seats must be a number; dropped"
            ]
        );
    }

    proptest! {
        /// What a field has made of a value is a value of the field.
        #[test]
        fn prop_what_fits_fits_again(text in "\\PC{0,20}|[0-9.,:TZ+-]{0,24}|pro|free, pro|yes", number in any::<f64>(), of in 0..TYPES.len()) {
            let field = field(TYPES[of], "drop");
            for value in [json!(text), json!(number), json!([text])] {
                if let Ok(fitting) = conform(&field, &value) {
                    prop_assert_eq!(conform(&field, &fitting), Ok(fitting.clone()));
                }
            }
        }
    }
}
