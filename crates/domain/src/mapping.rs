//! From values of a payload to the fields of a subscriber. It never fails as a whole: what does not fit is left out, and said
//! in a warning. [`Rule`]s are data here; `expression` compiles them, and sets what they find by [`Mapped::set`].

mod path;
mod recognise;
mod rule;

use serde_json::{Map, Value};

use crate::email::{Email, EmailError};
use crate::id::ListId;
use crate::subscriber::{Fields, MAX_CUSTOM_FIELD_BYTES, Status, TextField, is_custom_field_name};
use crate::text;

pub use path::{Path, PathError};
pub use recognise::recognise;
pub use rule::{DateRule, Rule, Target, TargetError};

/// The most rules of one mapping.
pub const MAX_RULES: usize = 200;

/// What came out of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// What to set.
    pub fields: Fields,
    /// Why there is no email, if there is none.
    pub email_error: Option<NoEmail>,
    /// What did not fit.
    pub warnings: Vec<String>,
}

/// Why a record has no email.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEmail {
    /// Nothing at the places where it was looked for.
    #[error("no email found at {0}")]
    Missing(String),
    /// Something that is no address.
    #[error("the email at {0} {1}")]
    Invalid(String, #[source] EmailError),
}

/// A field, where it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// The field of the subscriber.
    pub to: Target,
    /// Where its value stands.
    pub from: String,
    /// The value.
    pub value: &'a Value,
}

/// Maps a payload that nobody has described: in the specification's own form, or else by the names that senders use. The own
/// form has priority. Without `data` any form may have its names, so what it leaves empty is recognised beside it.
pub fn by_itself(record: &Value) -> Mapped {
    let Some(found) = foreign(record) else { return own_form(record) };
    let own = own_form(record);
    let mut mapped = if own.fields.email.is_some() { own } else { Mapped::default() };
    for Found { to, from, value } in found {
        if !mapped.has(&to) {
            mapped.set(&to, value, &from);
        }
    }
    mapped
}

/// The fields that [`by_itself`] sets, or tries to.
pub fn found_by_itself(record: &Value) -> Vec<Found<'_>> {
    let Some(found) = foreign(record) else { return own_fields(record) };
    let own = own_form(record);
    if own.fields.email.is_none() {
        return found;
    }
    let beside = found.into_iter().filter(|found| !own.has(&found.to));
    own_fields(record).into_iter().chain(beside).collect()
}

/// What is found by itself in a record in which rules found no address: its address, and the fields that they left empty.
pub fn found_beside<'a>(record: &'a Value, mapped: &Mapped) -> Vec<Found<'a>> {
    if mapped.fields.email.is_some() {
        return Vec::new();
    }
    let found = found_by_itself(record);
    let has_address = by_itself(record).fields.email.is_some();
    found.into_iter().filter(|found| has_address && !mapped.has(&found.to)).collect()
}

/// What is recognised in a payload that is not, or not only, in the specification's own form.
fn foreign(record: &Value) -> Option<Vec<Found<'_>>> {
    let is_flat = !record.get("data").is_some_and(Value::is_object);
    if !is_flat && own_email(record).is_some() {
        return None;
    }
    Some(recognise(record)).filter(|found| !found.is_empty())
}

/// Maps a payload in the specification's own form:
/// `{"event","timestamp","data":{"email",…,"custom_fields":{…}}}`; without `data`, its members may stand at the root.
pub fn own_form(record: &Value) -> Mapped {
    let mut mapped = Mapped::default();
    let Some((data, prefix)) = own_data(record) else { return mapped };
    for Found { to, from, value } in own_fields(record) {
        mapped.set(&to, value, &from);
    }
    if own_email(record).is_none() {
        mapped.email_error = Some(NoEmail::Missing(format!("{prefix}email")));
    }
    match data.get("list_id").filter(|value| !value.is_null()).map(Value::as_i64) {
        Some(Some(id)) => mapped.fields.list = Some(ListId(id)),
        Some(None) => mapped.warnings.push("list_id is not the number of a list".to_owned()),
        None => {}
    }
    match data.get("custom_fields") {
        Some(Value::Object(members)) => {
            let wrong =
                members.iter().filter(|(name, value)| !value.is_null() && !is_custom_field_name(name));
            let warning = "a custom field's name has characters that it must not have, or too many";
            mapped.warnings.extend(wrong.map(|_| warning.to_owned()));
        }
        None | Some(Value::Null) => {}
        Some(_) => mapped.warnings.push("custom_fields is not an object".to_owned()),
    }
    mapped
}

/// The fields of the own form that a payload has.
fn own_fields(record: &Value) -> Vec<Found<'_>> {
    let Some((data, prefix)) = own_data(record) else { return Vec::new() };
    let found = |to, name: &str, value| Found { to, from: format!("{prefix}{name}"), value };
    let named = |name: &str| data.get(name).filter(|value| !value.is_null());
    let email = own_email(record).map(|(name, value)| found(Target::Email, name, value));
    let texts = TextField::ALL.into_iter().filter_map(|field| {
        named(field.as_str()).map(|value| found(Target::Text(field), field.as_str(), value))
    });
    let status = named("status").map(|value| found(Target::Status, "status", value));
    let custom = named("custom_fields").and_then(Value::as_object).into_iter().flatten();
    let custom = custom
        .filter(|(name, value)| !value.is_null() && is_custom_field_name(name))
        .map(|(name, value)| found(Target::Custom(name.clone()), &format!("custom_fields.{name}"), value));
    email.into_iter().chain(texts).chain(status).chain(custom).collect()
}

/// Where the own form has its fields, and what their paths begin with.
fn own_data(record: &Value) -> Option<(&Map<String, Value>, &'static str)> {
    match record.get("data") {
        Some(Value::Object(data)) => Some((data, "data.")),
        _ => Some((record.as_object()?, "")),
    }
}

/// The address of the own form, right or wrong: the specification names it `email` in subscriber events, `subscriber_email` in
/// email events.
fn own_email(record: &Value) -> Option<(&'static str, &Value)> {
    let (data, _) = own_data(record)?;
    let named = |name| Some((name, data.get(name).filter(|value| !value.is_null())?));
    ["email", "subscriber_email"].into_iter().find_map(named)
}

impl Mapped {
    /// Whether a field has a value. First and last name are a name.
    fn has(&self, target: &Target) -> bool {
        let has = |wanted: &[TextField]| self.fields.texts.iter().any(|(field, _)| wanted.contains(field));
        match target {
            Target::Email => self.fields.email.is_some(),
            Target::Text(field) => has(&[*field]),
            Target::Name => has(&[TextField::FirstName, TextField::LastName]),
            Target::Status => self.fields.status.is_some(),
            Target::Custom(name) => self.fields.custom_fields.iter().any(|(own, _)| own == name),
        }
    }

    /// Sets a field to a value that was found at this place; a warning says what does not fit.
    pub fn set(&mut self, target: &Target, value: &Value, from: &str) {
        match target {
            Target::Custom(name) => self.set_custom_field(name, value),
            _ => match text_of(value) {
                Ok(text) => self.set_text(target, &text, from),
                Err(kind) if *target == Target::Email => {
                    self.email_error = Some(NoEmail::Missing(format!("{from}, which is {kind}")));
                }
                Err(kind) => self.warnings.push(format!("{target}: {from} is {kind}, not a text")),
            },
        }
    }

    fn set_text(&mut self, target: &Target, text: &str, from: &str) {
        match target {
            Target::Email => match text.parse::<Email>() {
                Ok(email) => self.fields.email = Some(email),
                Err(error) => self.email_error = Some(NoEmail::Invalid(from.to_owned(), error)),
            },
            Target::Status => match Status::from_name(text.trim()) {
                Some(status) => self.fields.status = Some(status),
                None => self.warnings.push(format!("status: the value of {from} is no status")),
            },
            Target::Name => {
                let (first, last) = text.trim().rsplit_once(' ').unwrap_or((text, ""));
                self.set_line(TextField::FirstName, first);
                self.set_line(TextField::LastName, last);
            }
            Target::Text(field) => self.set_line(*field, text),
            Target::Custom(_) => {}
        }
    }

    fn set_line(&mut self, field: TextField, text: &str) {
        match text::line(text) {
            // An empty field of a form says nothing: what is known already stays.
            Ok(None) => {}
            Ok(line) => self.fields.texts.push((field, line)),
            Err(error) => self.warnings.push(format!("{} {error}", field.as_str())),
        }
    }

    fn set_custom_field(&mut self, name: &str, value: &Value) {
        if custom_value_fits(value) {
            self.fields.custom_fields.push((name.to_owned(), Some(value.clone())));
        } else {
            self.warnings.push(format!("custom_field.{name} has more than {MAX_CUSTOM_FIELD_BYTES} bytes"));
        }
    }
}

/// Whether a value is small enough to be kept as a custom field.
pub fn custom_value_fits(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= MAX_CUSTOM_FIELD_BYTES,
        Value::Array(_) | Value::Object(_) => value.to_string().len() <= MAX_CUSTOM_FIELD_BYTES,
        _ => true,
    }
}

fn text_of(value: &Value) -> Result<std::borrow::Cow<'_, str>, &'static str> {
    match value {
        Value::String(text) => Ok(text.into()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Bool(flag) => Ok(if *flag { "true" } else { "false" }.into()),
        Value::Null => Err("null"),
        Value::Array(_) => Err("an array"),
        Value::Object(_) => Err("an object"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_specifications_own_payload_maps_itself() {
        let mapped = own_form(
            &json!({"event": "subscriber_added", "timestamp": "2024-01-15T10:30:00Z", "data": {
                "subscriber_id": 123, "email": "John@Example.com", "first_name": "John", "last_name": "Doe", "list_id": 1,
                "status": "subscribed", "source": "form_submission", "custom_fields": {"company": "Acme Corp", "phone": "+1234567890"}}}),
        );
        assert_eq!(mapped.warnings, Vec::<String>::new());
        assert_eq!(mapped.email_error, None);
        let fields = mapped.fields;
        assert_eq!(fields.email.unwrap().as_str(), "john@example.com");
        assert_eq!(
            fields.texts,
            [
                (TextField::FirstName, "John"),
                (TextField::LastName, "Doe"),
                (TextField::Source, "form_submission")
            ]
            .map(|(field, text)| (field, Some(text.to_owned())))
        );
        assert_eq!((fields.status, fields.list), (Some(Status::Subscribed), Some(ListId(1))));
        assert_eq!(
            fields.custom_fields,
            [("company", json!("Acme Corp")), ("phone", json!("+1234567890"))]
                .map(|(k, v)| (k.to_owned(), Some(v)))
        );
    }

    #[test]
    fn values_go_to_their_fields() {
        let mut mapped = Mapped::default();
        let values = [
            ("email", json!("A@example.com")),
            ("name", json!("Ada King Lovelace")),
            ("phone", json!(7)),
            ("custom_field.all", json!(["x"])),
            ("source", json!(["x"])),
        ];
        for (to, value) in values {
            mapped.set(&to.parse().unwrap(), &value, "some.place");
        }
        assert_eq!(mapped.fields.email.unwrap().as_str(), "a@example.com");
        assert_eq!(
            mapped.fields.texts,
            [(TextField::FirstName, "Ada King"), (TextField::LastName, "Lovelace"), (TextField::Phone, "7")]
                .map(|(field, text)| (field, Some(text.to_owned())))
        );
        assert_eq!(mapped.fields.custom_fields, [("all".to_owned(), Some(json!(["x"])))]);
        assert_eq!(mapped.warnings, ["source: some.place is an array, not a text"]);
    }

    #[test]
    fn says_why_there_is_no_email() {
        let why =
            |value: Value| own_form(&json!({"data": {"email": value}})).email_error.unwrap().to_string();
        assert_eq!(why(Value::Null), "no email found at data.email");
        assert_eq!(why(json!("nobody")), "the email at data.email must have the form name@domain");
        assert_eq!(why(json!({})), "no email found at data.email, which is an object");
    }

    #[test]
    fn what_does_not_fit_is_a_warning() {
        let data = json!({"email": "a@example.com", "first_name": "a\u{0}b", "status": "asleep", "list_id": "x",
            "custom_fields": {"big": "x".repeat(MAX_CUSTOM_FIELD_BYTES + 1), "a.b": 1, "ok": 1}});
        let mapped = own_form(&json!({ "data": data }));
        assert_eq!(mapped.warnings.len(), 5, "{:?}", mapped.warnings);
        assert_eq!(mapped.fields.custom_fields.len(), 1);
    }

    proptest! {
        #[test]
        fn prop_no_payload_breaks_it(text in "\\PC{0,200}") {
            let record = serde_json::from_str(&text).unwrap_or_else(|_| json!({"data": {"email": text.clone(), "first_name": text}}));
            let mapped = own_form(&record);
            prop_assert!(mapped.fields.email.is_some() != mapped.email_error.is_some() || !record.is_object());
        }
    }
}
