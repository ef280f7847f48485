//! Mapping: from a record of a payload to the fields of a subscriber. It never fails as a whole: what does not fit is left
//! out, and said in a warning.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::email::{Email, EmailError};
use crate::id::ListId;
use crate::subscriber::{Fields, MAX_CUSTOM_FIELD_BYTES, Status, TextField, is_custom_field_name};
use crate::text;

/// The most rules of one mapping.
pub const MAX_RULES: usize = 200;
/// The most steps of one path.
const MAX_STEPS: usize = 20;

/// One rule: a value of the payload goes to a field of the subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The field.
    pub to: Target,
    /// Where the value stands in the payload.
    pub from: Path,
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

/// Where a value stands: member names and array positions, joined by dots: `data.contact_email`, `items.0.sku`, `items[0].sku`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path {
    text: String,
    steps: Vec<String>,
}

crate::schema::text_schema!(
    Path,
    pattern = r"^([^.\[\]]+|\[[0-9]+\])(\[[0-9]+\])*(\.[^.\[\]]+(\[[0-9]+\])*)*$",
    "data.contact_email"
);

/// Not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be names joined by dots, such as data.contact_email or items[0].sku, with at most {MAX_STEPS} steps"
)]
pub struct PathError;

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (name, positions) =
                part.split_once('[').map_or((part, None), |(name, rest)| (name, Some(rest)));
            // An array at the root has no name in front of its position.
            if !name.is_empty() || (positions.is_some() && steps.is_empty()) {
                steps.extend((!name.is_empty()).then(|| name.to_owned()));
            } else {
                return Err(PathError);
            }
            for position in positions.map(|rest| rest.split('[')).into_iter().flatten() {
                let position = position.strip_suffix(']').ok_or(PathError)?;
                position.parse::<u32>().map_err(|_| PathError)?;
                steps.push(position.to_owned());
            }
        }
        if steps.len() > MAX_STEPS || text.chars().any(char::is_control) {
            return Err(PathError);
        }
        Ok(Self { text: text.to_owned(), steps })
    }
}

impl Path {
    /// The value at this place, if there is one.
    pub fn find<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(root, |value, step| match value {
            Value::Object(members) => members.get(step),
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> String {
        path.text
    }
}

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

/// Maps a record by these rules, or, without rules, as a payload in the specification's own form.
pub fn map(rules: Option<&[Rule]>, record: &Value) -> Mapped {
    match rules {
        Some(rules) => map_by_rules(rules, record),
        None => map_own_form(record),
    }
}

fn map_by_rules(rules: &[Rule], record: &Value) -> Mapped {
    let mut mapped = Mapped::default();
    for rule in rules {
        let value = rule.from.find(record).filter(|value| !value.is_null());
        match (value, &rule.to) {
            (Some(value), target) => mapped.set(target, value, &rule.from.text),
            (None, Target::Email) => mapped.email_error = Some(NoEmail::Missing(rule.from.text.clone())),
            (None, _) => {}
        }
    }
    if mapped.fields.email.is_some() {
        mapped.email_error = None;
    } else if mapped.email_error.is_none() {
        mapped.email_error = Some(NoEmail::Missing("any rule: the mapping has none for email".to_owned()));
    }
    mapped
}

/// `{"event","timestamp","data":{"email",…,"custom_fields":{…}}}`; without `data`, its members may stand at the root.
fn map_own_form(record: &Value) -> Mapped {
    let mut mapped = Mapped::default();
    let (data, prefix) = match record.get("data") {
        Some(Value::Object(data)) => (data, "data."),
        _ => match record {
            Value::Object(root) => (root, ""),
            _ => return mapped,
        },
    };
    let own = |name: &str| data.get(name).filter(|value| !value.is_null());
    // The specification names it `email` in subscriber events, `subscriber_email` in email events.
    match ["email", "subscriber_email"].into_iter().find_map(|name| own(name).map(|value| (name, value))) {
        Some((name, value)) => mapped.set(&Target::Email, value, &format!("{prefix}{name}")),
        None => mapped.email_error = Some(NoEmail::Missing(format!("{prefix}email"))),
    }
    for field in TextField::ALL {
        if let Some(value) = own(field.as_str()) {
            mapped.set(&Target::Text(field), value, field.as_str());
        }
    }
    if let Some(value) = own("status") {
        mapped.set(&Target::Status, value, "status");
    }
    match own("list_id").map(Value::as_i64) {
        Some(Some(id)) => mapped.fields.list = Some(ListId(id)),
        Some(None) => mapped.warnings.push("list_id is not the number of a list".to_owned()),
        None => {}
    }
    match own("custom_fields") {
        Some(Value::Object(members)) => mapped.set_custom(members),
        Some(_) => mapped.warnings.push("custom_fields is not an object".to_owned()),
        None => {}
    }
    mapped
}

impl Mapped {
    fn set(&mut self, target: &Target, value: &Value, from: &str) {
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

    fn set_custom(&mut self, members: &Map<String, Value>) {
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            if is_custom_field_name(name) {
                self.set_custom_field(name, value);
            } else {
                self.warnings.push(
                    "a custom field's name has characters that it must not have, or too many".to_owned(),
                );
            }
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

    fn rules(pairs: &[(&str, &str)]) -> Vec<Rule> {
        pairs.iter().map(|(to, from)| Rule { to: to.parse().unwrap(), from: from.parse().unwrap() }).collect()
    }

    #[test]
    fn the_specifications_own_payload_maps_itself() {
        let mapped = map(
            None,
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
    fn rules_reach_into_objects_and_arrays() {
        let record = json!({"contact": [{"mail": "a@example.com", "who": "Ada King Lovelace"}], "n": 7, "tags": ["x"], "none": null});
        let rules = rules(&[
            ("email", "contact[0].mail"),
            ("name", "contact.0.who"),
            ("phone", "n"),
            ("custom_field.all", "tags"),
            ("company", "none"),
            ("source", "contact"),
            ("last_name", "missing.at.all"),
        ]);
        let mapped = map(Some(&rules), &record);
        assert_eq!(mapped.fields.email.unwrap().as_str(), "a@example.com");
        assert_eq!(
            mapped.fields.texts,
            [(TextField::FirstName, "Ada King"), (TextField::LastName, "Lovelace"), (TextField::Phone, "7")]
                .map(|(field, text)| (field, Some(text.to_owned())))
        );
        assert_eq!(mapped.fields.custom_fields, [("all".to_owned(), Some(json!(["x"])))]);
        assert_eq!(mapped.warnings, ["source: contact is an array, not a text"]);
    }

    #[test]
    fn says_why_there_is_no_email() {
        let by_rule = |from: &str, record| {
            map(Some(&rules(&[("email", from)])), &record).email_error.unwrap().to_string()
        };
        assert_eq!(by_rule("data.mail", json!({"data": {}})), "no email found at data.mail");
        assert_eq!(
            by_rule("mail", json!({"mail": "nobody"})),
            "the email at mail must have the form name@domain"
        );
        assert_eq!(by_rule("mail", json!({"mail": {}})), "no email found at mail, which is an object");
        assert!(map(Some(&rules(&[("name", "n")])), &json!({})).email_error.is_some());
        assert_eq!(
            map(None, &json!({"data": {}})).email_error.unwrap().to_string(),
            "no email found at data.email"
        );
    }

    #[test]
    fn what_does_not_fit_is_a_warning() {
        let data = json!({"email": "a@example.com", "first_name": "a\u{0}b", "status": "asleep", "list_id": "x",
            "custom_fields": {"big": "x".repeat(MAX_CUSTOM_FIELD_BYTES + 1), "a.b": 1, "ok": 1}});
        let mapped = map(None, &json!({ "data": data }));
        assert_eq!(mapped.warnings.len(), 5, "{:?}", mapped.warnings);
        assert_eq!(mapped.fields.custom_fields.len(), 1);
    }

    #[test]
    fn paths() {
        for right in ["a", "a.b", "a[0]", "a[0][1].b", "[0].a", "0.a", "a b.c-d"] {
            assert_eq!(right.parse::<Path>().unwrap().to_string(), right);
        }
        for wrong in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a[",
            "a[x]",
            "a[0",
            "a[0]b",
            "a.[0]",
            "a[-1]",
            &["a"; 21].join("."),
        ] {
            assert!(wrong.parse::<Path>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn prop_no_payload_breaks_it(text in "\\PC{0,200}", path in "[a-z0-9\\[\\].]{1,12}") {
            let record = serde_json::from_str(&text).unwrap_or_else(|_| json!({"data": {"email": text.clone(), "first_name": text}}));
            let mapped = map(None, &record);
            prop_assert!(mapped.fields.email.is_some() != mapped.email_error.is_some() || !record.is_object());
            if let Ok(path) = path.parse::<Path>() {
                map(Some(&[Rule { to: Target::Email, from: path }]), &record);
            }
        }
    }
}
