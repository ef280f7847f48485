//! The OpenAPI document as the validator: what it says of a body or a query is what is checked, and every fault is found
//! in one go.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use domain::log::FieldError;
use domain::network::{Network, NetworkError};
use domain::{Email, Timestamp};
use jsonschema::error::TypeKind;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::Location;
use jsonschema::{Draft, JsonType, ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::openapi::SCHEMAS;

/// The most faults that one answer names: enough to mend a form, and a bound on what a hostile body costs.
const MAX_FAULTS: usize = 100;

/// How much a name must be like a known one to be taken for it, of 1 (Jaro and Winkler): a typo is, another word is not.
const ALIKE: f64 = 0.85;

/// The most known names that a message lists; who has to choose among more looks into the document.
const MAX_LISTED: usize = 12;

/// What the members are called that name which of several kinds an object is; of an action it is the first, although some have
/// a `method` as well.
const TAGS: [&str; 2] = ["type", "method"];

/// A schema of the document. It is compiled when the first value is checked by it: all of them at once take more memory than
/// the rest of a server that has nothing to do.
pub struct Schema {
    schema: Value,
    document: Arc<Value>,
    compiled: OnceLock<Compiled>,
}

struct Compiled {
    validator: Validator,
    schema: Value,
    /// To each pattern of the document an example, for messages that people understand.
    examples: HashMap<String, String>,
}

/// Everything that is wrong with a value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Members that nothing is known of.
    pub unknown: Vec<FieldError>,
    /// Values that are not what they must be.
    pub invalid: Vec<FieldError>,
}

impl Schema {
    /// A schema that may refer to components of the document.
    pub fn new(schema: Value, document: Arc<Value>) -> Self {
        Self { schema, document, compiled: OnceLock::new() }
    }

    /// Everything that is wrong with `value`.
    pub fn check(&self, value: &Value) -> Faults {
        self.compiled().check(value)
    }

    #[expect(
        clippy::expect_used,
        reason = "the document is the same in every build, and a test compiles all of it"
    )]
    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            Compiled::new(self.schema.clone(), &self.document["components"])
                .expect("a schema by which values can be checked")
        })
    }
}

impl Compiled {
    fn new(mut schema: Value, components: &Value) -> Result<Self, ValidationError<'static>> {
        let mut used = Map::new();
        collect_used(&schema, components, &mut used);
        schema["components"] = json!({"schemas": used});
        let mut examples = HashMap::new();
        collect_examples(&schema, &mut examples);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_format("email", |text| text.parse::<Email>().is_ok())
            .with_format("cidr", |text| text.parse::<Network>().is_ok())
            .with_format("date-time", |text| text.parse::<Timestamp>().is_ok())
            .build(&schema)?;
        Ok(Self { validator, schema, examples })
    }

    fn check(&self, value: &Value) -> Faults {
        let mut faults = Faults::default();
        find_nulls(value, &mut String::new(), &mut faults);
        for error in self.validator.iter_errors(value) {
            self.explain(&error, &mut faults);
            if faults.len() >= MAX_FAULTS {
                break;
            }
        }
        faults
    }

    fn explain(&self, error: &ValidationError<'_>, faults: &mut Faults) {
        let field = dotted(error.instance_path());
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                let known = self.members_beside(error.schema_path());
                let unknown =
                    unexpected.iter().map(|name| fault(join(&field, name), &unknown_message(name, &known)));
                faults.unknown.extend(unknown);
            }
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                faults.invalid.push(fault(join(&field, name), "is required"));
            }
            Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
                self.explain_branches(error, context, faults);
            }
            // A value of another type is not among the known ones either: one message says enough.
            Kind::Enum { .. } if faults.invalid.last().is_some_and(|last| last.field == field) => {}
            kind => faults.invalid.push(fault(field, &self.message(kind, error.instance()))),
        }
    }

    /// The value fits no branch: the faults of the one that it means, by its JSON type and the member that names its kind.
    fn explain_branches(
        &self,
        error: &ValidationError<'_>,
        branches: &[Vec<ValidationError<'static>>],
        faults: &mut Faults,
    ) {
        let root = error.instance_path();
        let name = tag_of(root, branches);
        let tag = root.join(name);
        let of_other_type = |fault: &ValidationError<'_>| {
            fault.instance_path() == root && matches!(fault.kind(), Kind::Type { .. })
        };
        let of_other_tag =
            |fault: &ValidationError<'_>| fault.instance_path() == &tag || is_missing(fault, root, name);
        let of_type: Vec<_> = branches.iter().filter(|branch| !branch.iter().any(of_other_type)).collect();
        let meant = of_type.iter().find(|branch| !branch.iter().any(of_other_tag));
        if let Some(branch) = meant {
            branch.iter().for_each(|error| self.explain(error, faults));
            return;
        }
        let field = dotted(root);
        if of_type.is_empty() {
            let wrong = branches.iter().flatten().filter(|fault| of_other_type(fault));
            let mut messages: Vec<String> =
                wrong.map(|fault| self.message(fault.kind(), fault.instance())).collect();
            messages.dedup();
            faults.invalid.push(fault(field, &messages.join(", or ")));
        } else if error.instance().get(name).is_none() {
            faults.invalid.push(fault(join(&field, name), "is required"));
        } else {
            let tags =
                of_type.iter().filter_map(|branch| branch.iter().find(|fault| fault.instance_path() == &tag));
            let tags: Vec<String> = tags.flat_map(|fault| expected_values(fault.kind())).collect();
            faults.invalid.push(fault(join(&field, name), &format!("must be one of {}", tags.join(", "))));
        }
    }

    /// The members of the schema that has this keyword.
    fn members_beside(&self, keyword: &Location) -> Vec<&str> {
        let of_schema = keyword.as_str().rsplit_once('/').map_or("", |(schema, _)| schema);
        let members = self.schema.pointer(of_schema).and_then(|schema| schema["properties"].as_object());
        members.into_iter().flat_map(|members| members.keys().map(String::as_str)).collect()
    }

    fn message(&self, kind: &Kind, value: &Value) -> String {
        match kind {
            Kind::Type { kind: TypeKind::Single(one) } => format!("must be {}", type_name(*one)),
            Kind::Type { kind: TypeKind::Multiple(many) } => {
                let names: Vec<&str> = many.iter().map(type_name).collect();
                format!("must be {}", names.join(" or "))
            }
            Kind::Enum { .. } | Kind::Constant { .. } => match expected_values(kind).as_slice() {
                [one] => format!("must be {one}"),
                many => format!("must be one of {}", many.join(", ")),
            },
            Kind::MinLength { limit: 1 } => "must not be empty".to_owned(),
            Kind::MinLength { limit } => format!("must have at least {limit} characters"),
            Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
            Kind::MinItems { limit } => format!("must have at least {limit} {}", plural(*limit, "item")),
            Kind::MaxItems { limit } => format!("must have at most {limit} {}", plural(*limit, "item")),
            Kind::MinProperties { limit } => {
                format!("must have at least {limit} {}", plural(*limit, "member"))
            }
            Kind::MaxProperties { limit } => {
                format!("must have at most {limit} {}", plural(*limit, "member"))
            }
            Kind::Minimum { limit } => format!("must be at least {limit}"),
            Kind::Maximum { limit } => format!("must be at most {limit}"),
            Kind::UniqueItems => "must not name the same twice".to_owned(),
            Kind::Pattern { pattern } => match self.examples.get(pattern) {
                Some(example) => format!("does not have the form of {example} (pattern {pattern})"),
                None => format!("does not match the pattern {pattern}"),
            },
            Kind::Format { format } => format_message(format, value),
            Kind::PropertyNames { error } => {
                format!("has a member whose name {}", self.message(error.kind(), error.instance()))
            }
            _ => "does not match its schema".to_owned(),
        }
    }
}

impl Faults {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.unknown.len() + self.invalid.len()
    }

    /// All of them, unknown members first.
    pub fn into_all(self) -> Vec<FieldError> {
        let mut all = self.unknown;
        all.extend(self.invalid);
        all
    }
}

/// What to say of a member that is none of the known ones.
fn unknown_message(name: &str, known: &[&str]) -> String {
    let alike = known.iter().map(|known| (strsim::jaro_winkler(known, name), known));
    match alike.filter(|(alike, _)| *alike >= ALIKE).max_by(|(one, _), (other, _)| one.total_cmp(other)) {
        Some((_, meant)) => format!("is not known: did you mean {meant}?"),
        None if (1..=MAX_LISTED).contains(&known.len()) => {
            format!("is not known: there are {}", known.join(", "))
        }
        None => "is not known".to_owned(),
    }
}

fn fault(field: String, message: &str) -> FieldError {
    FieldError { field, message: message.to_owned() }
}

/// A text with a null character: PostgreSQL can't store one, and nobody means one.
fn find_nulls(value: &Value, path: &mut String, faults: &mut Faults) {
    const MESSAGE: &str = "must not contain null characters";
    if faults.len() >= MAX_FAULTS {
        return;
    }
    let length = path.len();
    match value {
        Value::String(text) if text.contains('\0') => faults.invalid.push(fault(path.clone(), MESSAGE)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                descend(path, &index.to_string());
                find_nulls(item, path, faults);
                path.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    faults
                        .invalid
                        .push(fault(path.clone(), "must not have a member with null characters in its name"));
                }
                descend(path, name);
                find_nulls(member, path, faults);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn descend(path: &mut String, step: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(step);
}

fn dotted(location: &Location) -> String {
    location.iter().map(|segment| segment.to_string()).collect::<Vec<_>>().join(".")
}

fn join(field: &str, name: &str) -> String {
    if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") }
}

/// The member that names which of several kinds an object is: the first of those in use by which a branch refuses it.
fn tag_of(root: &Location, branches: &[Vec<ValidationError<'static>>]) -> &'static str {
    let refuses = |tag: &&str| {
        let place = root.join(*tag);
        let by_tag = |fault: &ValidationError<'_>| {
            let is_named = matches!(fault.kind(), Kind::Enum { .. } | Kind::Constant { .. });
            (fault.instance_path() == &place && is_named) || is_missing(fault, root, tag)
        };
        branches.iter().flatten().any(by_tag)
    };
    TAGS.into_iter().find(refuses).unwrap_or(TAGS[0])
}

fn is_missing(fault: &ValidationError<'_>, root: &Location, name: &str) -> bool {
    fault.instance_path() == root && matches!(fault.kind(), Kind::Required { property } if property == name)
}

fn expected_values(kind: &Kind) -> Vec<String> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match kind {
        Kind::Enum { options } => {
            options.as_array().map_or_else(Vec::new, |all| all.iter().map(shown).collect())
        }
        Kind::Constant { expected_value } => vec![shown(expected_value)],
        _ => Vec::new(),
    }
}

fn type_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn format_message(format: &str, value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    match format {
        "email" => match text.parse::<Email>() {
            Err(error) => error.to_string(),
            Ok(_) => "must be an email address".to_owned(),
        },
        "cidr" => NetworkError.to_string(),
        "date-time" => "must be an RFC 3339 timestamp such as 2024-01-15T10:30:00Z".to_owned(),
        "uri" => "must be a URL".to_owned(),
        other => format!("must have the format {other}"),
    }
}

/// The components that a schema refers to, also by way of others. Each schema holds its own: all of them would be a
/// hundred copies of the document.
fn collect_used(schema: &Value, components: &Value, used: &mut Map<String, Value>) {
    match schema {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS));
            if let Some(name) = name.filter(|name| !used.contains_key(*name)) {
                let component = &components["schemas"][name];
                used.insert(name.to_owned(), component.clone());
                collect_used(component, components, used);
            }
            members.values().for_each(|member| collect_used(member, components, used));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_used(item, components, used)),
        _ => {}
    }
}

fn collect_examples(schema: &Value, examples: &mut HashMap<String, String>) {
    if let (Some(pattern), Some(example)) = (schema["pattern"].as_str(), example_of(schema)) {
        examples.insert(pattern.to_owned(), example.to_owned());
    }
    match schema {
        Value::Object(members) => members.values().for_each(|member| collect_examples(member, examples)),
        Value::Array(items) => items.iter().for_each(|item| collect_examples(item, examples)),
        _ => {}
    }
}

fn example_of(schema: &Value) -> Option<&str> {
    schema["examples"][0].as_str().or_else(|| schema["example"].as_str())
}

/// The schema that refers to a component.
pub fn reference(component: &str) -> Value {
    json!({"$ref": format!("{SCHEMAS}{component}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(schema: Value, value: Value) -> Vec<(String, String)> {
        let components = json!({"schemas": {
            "Name": {"type": "string", "pattern": "^[a-z]+$", "examples": ["ada"]},
            "Add": {"type": "object", "properties": {"type": {"type": "string", "enum": ["add"]}, "to": {"type": "integer", "minimum": 1}},
                    "required": ["type", "to"], "additionalProperties": false},
            "Remove": {"type": "object", "properties": {"type": {"type": "string", "enum": ["remove"]}}, "required": ["type"]},
            "Action": {"oneOf": [{"$ref": "#/components/schemas/Add"}, {"$ref": "#/components/schemas/Remove"}]},
        }});
        let found = Schema::new(schema, Arc::new(json!({"components": components}))).check(&value);
        found.into_all().into_iter().map(|fault| (fault.field, fault.message)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(field, message)| ((*field).to_owned(), (*message).to_owned())).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_path() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["name", "rules"], "properties": {
            "name": {"type": "string", "minLength": 1}, "kind": {"type": "string", "enum": ["a", "b"]}, "when": {"type": "string", "format": "date-time"},
            "rules": {"type": "array", "items": {"$ref": "#/components/schemas/Name"}}}});
        let value =
            json!({"name": "", "kind": "c", "when": "today", "rules": ["ok", "NO", 7], "x": 1, "y": 2});
        assert_eq!(
            faults(schema.clone(), value),
            pairs(&[
                ("x", "is not known: there are name, kind, when, rules"),
                ("y", "is not known: there are name, kind, when, rules"),
                ("name", "must not be empty"),
                ("kind", "must be one of a, b"),
                ("when", "must be an RFC 3339 timestamp such as 2024-01-15T10:30:00Z"),
                ("rules.1", "does not have the form of ada (pattern ^[a-z]+$)"),
                ("rules.2", "must be a string"),
            ])
        );
        assert_eq!(
            faults(schema, json!({"name": "a\u{0}b", "rules": []})),
            pairs(&[("name", "must not contain null characters")])
        );
    }

    #[test]
    fn of_alternatives_the_one_that_is_meant_is_explained() {
        let schema = json!({"type": "array", "items": reference("Action")});
        let value = json!([{"type": "add", "to": 0, "too": 1}, {"type": "ad"}, {}, 7, {"type": "remove"}]);
        assert_eq!(
            faults(schema, value),
            pairs(&[
                ("0.too", "is not known: did you mean to?"),
                ("0.to", "must be at least 1"),
                ("1.type", "must be one of add, remove"),
                ("2.type", "is required"),
                ("3", "must be an object"),
            ])
        );
        let nullable = json!({"oneOf": [{"type": "null"}, reference("Add")]});
        assert_eq!(faults(nullable.clone(), json!({"type": "add"})), pairs(&[("to", "is required")]));
        assert_eq!(faults(nullable, json!("x")), pairs(&[("", "must be null, or must be an object")]));
    }

    #[test]
    fn a_kind_may_be_named_by_its_method_as_well() {
        let kind = |method: &str, member: &str| {
            json!({"type": "object", "properties": {"method": {"type": "string", "enum": [method]}, member: {"type": "string"}},
                   "required": ["method", member], "additionalProperties": false})
        };
        let schema = json!({"oneOf": [kind("none", "why"), kind("bearer", "token")]});
        for (value, expected) in [
            (
                json!({"method": "bearer", "tokn": "a"}),
                [("tokn", "is not known: did you mean token?"), ("token", "is required")].as_slice(),
            ),
            (json!({"method": "bearer", "token": 1}), &[("token", "must be a string")]),
            (json!({"method": "bear"}), &[("method", "must be one of none, bearer")]),
            (json!({"token": "a"}), &[("method", "is required")]),
        ] {
            assert_eq!(faults(schema.clone(), value.clone()), pairs(expected), "{value}");
        }
    }

    #[test]
    fn what_is_named_is_bounded() {
        let schema = json!({"type": "array", "items": {"type": "string"}});
        let value = Value::from(vec![1; 10_000]);
        assert_eq!(faults(schema, value).len(), MAX_FAULTS);
    }
}
