//! Custom kinds of events as they are declared, and whether an event is as its kind says.
//!
//! Invariant: checking costs little, whatever the schema. A JSON Schema can take forever to check a value by: it can refer to
//! itself, multiply by references, or hold patterns that try every way. So [`DataSchema::compile`] takes only schemas that
//! are finite and small when all references are followed, and patterns without look-around, which match in linear time.
//! Then no part of a value is looked at more often than the schema has parts.

use std::collections::HashMap;
use std::sync::OnceLock;

use domain::EventType;
use domain::log::FieldError;
use jsonschema::paths::Location;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator, draft202012};
use serde_json::Value;
use store::event_types::EventTypeRow;

use crate::command::NewEvent;

/// The most parts of a schema, those counted that references lead to: ten times those of the largest built-in one.
const MAX_PARTS: usize = 500;
/// The most bytes of a compiled pattern: ten times what a pattern for an email address takes.
const MAX_PATTERN_BYTES: usize = 256 * 1_024;
/// The most faults that are told of a list of events: enough to see what is wrong.
const MAX_FAULTS: usize = 20;
/// Keywords whose values are values, not schemas.
const VALUES: [&str; 5] = ["const", "enum", "default", "examples", "required"];
/// Keywords that give schemas names other than their place: what they lead to could not be told by reading.
const NAMING: [&str; 5] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"];

/// The custom kinds that are declared.
#[derive(Debug, Default)]
pub struct Kinds {
    rows: Vec<EventTypeRow>,
    /// Compiled when the first event of the kind comes: a change of the configuration costs nothing for them.
    schemas: HashMap<EventType, (String, OnceLock<Option<DataSchema>>)>,
}

impl Kinds {
    pub(crate) fn new(rows: Vec<EventTypeRow>) -> Self {
        let with_schema = rows.iter().filter_map(|row| Some((row.name.clone(), row.schema.clone()?)));
        let schemas = with_schema.map(|(name, schema)| (name, (schema, OnceLock::new()))).collect();
        Self { rows, schemas }
    }

    /// All of them, the newest first.
    pub fn rows(&self) -> &[EventTypeRow] {
        &self.rows
    }

    /// That of this name.
    pub fn find(&self, name: &EventType) -> Option<&EventTypeRow> {
        self.rows.iter().find(|row| row.name == *name)
    }

    /// What is wrong with the data of an event of this kind: nothing, if the kind has no schema. Fields begin with `data`.
    pub(crate) fn faults(&self, event_type: &EventType, data: &Value) -> Vec<FieldError> {
        self.schema(event_type).map_or_else(Vec::new, |schema| schema.faults(data, "data"))
    }

    /// The same for events that are to be published: with the position of each.
    pub(crate) fn faults_of(&self, events: &[NewEvent]) -> Vec<(usize, FieldError)> {
        let mut found = Vec::new();
        for (position, event) in events.iter().enumerate() {
            let Some(schema) = self.schema(&event.event_type) else { continue };
            // It was made of a value.
            let data = serde_json::from_str(&event.data).unwrap_or_default();
            found.extend(schema.faults(&data, "data").into_iter().map(|fault| (position, fault)));
            if found.len() >= MAX_FAULTS {
                found.truncate(MAX_FAULTS);
                break;
            }
        }
        found
    }

    fn schema(&self, event_type: &EventType) -> Option<&DataSchema> {
        let (text, compiled) = self.schemas.get(event_type)?;
        let compile = || {
            let schema = DataSchema::compile(&serde_json::from_str(text).unwrap_or_default());
            if let Err(fault) = &schema {
                // Saving checks it, which versions of the program before this one did not.
                tracing::warn!(event_type = %event_type, fault.field, fault.message, "events of this kind are not checked");
            }
            schema.ok()
        };
        compiled.get_or_init(compile).as_ref()
    }
}

/// The JSON Schema (2020-12) of the data of a kind of event, compiled.
#[derive(Debug)]
pub struct DataSchema(Validator);

impl DataSchema {
    /// Compiles one.
    ///
    /// # Errors
    /// Says what is wrong, and where in the schema: dotted, and beginning with `schema`.
    pub fn compile(schema: &Value) -> Result<Self, FieldError> {
        draft202012::meta::validate(schema).map_err(|fault| {
            let message = format!("is not of a JSON Schema: {}", fault.masked());
            FieldError { field: dotted("schema", fault.instance_path()), message }
        })?;
        let whole = |message: String| FieldError { field: "schema".to_owned(), message };
        Walk { root: schema, following: Vec::new(), parts: 0 }.count(schema, true).map_err(whole)?;
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        let validator = options.with_pattern_options(patterns).offline().build(schema);
        validator.map(Self).map_err(|fault| whole(format!("can't be used: {}", fault.masked())))
    }

    /// What is wrong with a value. Fields begin with `root`.
    pub fn faults(&self, value: &Value, root: &str) -> Vec<FieldError> {
        if self.0.is_valid(value) {
            return Vec::new();
        }
        let fault = |fault: ValidationError<'_>| FieldError {
            field: dotted(root, fault.instance_path()),
            message: format!("is not as its kind is declared: {}", fault.masked()),
        };
        self.0.iter_errors(value).take(MAX_FAULTS).map(fault).collect()
    }
}

/// Counts the parts of a schema with all references followed.
struct Walk<'a> {
    root: &'a Value,
    /// The references that led here.
    following: Vec<&'a str>,
    parts: usize,
}

impl<'a> Walk<'a> {
    fn count(&mut self, schema: &'a Value, is_root: bool) -> Result<(), String> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(format!("must have at most {MAX_PARTS} parts when its references are followed"));
        }
        match schema {
            Value::Array(all) => all.iter().try_for_each(|one| self.count(one, false)),
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(to) if name == "$ref" => self.follow(to)?,
                        Value::String(_) if name == "$id" && !is_root => return Err(no_name(name)),
                        _ if NAMING.contains(&name.as_str()) => return Err(no_name(name)),
                        Value::Object(_) | Value::Array(_) if !VALUES.contains(&name.as_str()) => {
                            self.count(member, false)?;
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn follow(&mut self, to: &'a str) -> Result<(), String> {
        let found = to.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = found else {
            return Err(format!("must refer to its own parts only, such as #/$defs/item, which {to} is not"));
        };
        if self.following.contains(&to) {
            return Err(format!("must not refer to itself, as {to} does: a check by it might never end"));
        }
        self.following.push(to);
        self.count(target, to == "#")?;
        self.following.pop();
        Ok(())
    }
}

fn no_name(keyword: &str) -> String {
    format!("must not use {keyword}: refer to parts by their place, such as #/$defs/item")
}

fn dotted(root: &str, location: &Location) -> String {
    let steps = location.iter().map(|step| step.to_string());
    std::iter::once(root.to_owned()).chain(steps).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(schema: Value) -> String {
        let fault = DataSchema::compile(&schema).expect_err("is refused");
        format!("{}: {}", fault.field, fault.message)
    }

    #[test]
    fn what_does_not_end_or_is_not_known_is_refused() {
        let doubled = |n: usize| json!({"allOf": [{"$ref": format!("#/$defs/d{}", n + 1)}, {"$ref": format!("#/$defs/d{}", n + 1)}]});
        let mut doubling = json!({"$ref": "#/$defs/d0", "$defs": {"d30": {"type": "object"}}});
        for n in 0..30 {
            doubling["$defs"][format!("d{n}")] = doubled(n);
        }
        for (schema, reason) in [
            (json!({"$ref": "#"}), "must not refer to itself"),
            (json!({"properties": {"parent": {"$ref": "#"}}}), "must not refer to itself"),
            (
                json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
                "must not refer to itself",
            ),
            (doubling, "at most 500 parts"),
            (json!({"$ref": "https://example.com/schema.json"}), "its own parts only"),
            (json!({"$ref": "#/$defs/nowhere"}), "its own parts only"),
            (json!({"properties": {"a": {"$id": "https://example.com/a"}}}), "must not use $id"),
            (json!({"$dynamicRef": "#x"}), "must not use $dynamicRef"),
            (json!({"properties": {"a": {"pattern": "(?=a)b"}}}), "can't be used"),
            (json!({"properties": {"a": {"pattern": "(a{1000}){1000}"}}}), "can't be used"),
            (json!({"type": "thing"}), "schema.type: is not of a JSON Schema"),
        ] {
            let message = refusal(schema.clone());
            assert!(message.contains(reason), "{schema}: {message}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_without_the_value() {
        let schema = DataSchema::compile(&json!({
            "$id": "https://example.com/order", "type": "object", "required": ["order_id", "lines"],
            "properties": {"order_id": {"type": "integer"}, "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
                           "email": {"type": "string", "format": "email"}},
            "$defs": {"line": {"type": "object", "required": ["sku"], "properties": {"sku": {"pattern": "^[A-Z]+$"}}}},
        }))
        .unwrap();
        let right = json!({"order_id": 7, "lines": [{"sku": "AB"}], "more": true});
        assert_eq!(schema.faults(&right, "data"), []);
        let wrong = json!({"order_id": "sekret", "lines": [{"sku": "AB"}, {}], "email": "nobody"});
        let mut fields: Vec<String> = Vec::new();
        for fault in schema.faults(&wrong, "data") {
            assert!(!fault.message.contains("sekret"), "{}", fault.message);
            fields.push(fault.field);
        }
        fields.sort_unstable();
        assert_eq!(fields, ["data.email", "data.lines.1", "data.order_id"]);
    }

    #[test]
    fn a_hostile_value_is_checked_in_no_time() {
        // As large as a schema may be, over a value with many parts.
        let branch = json!({"properties": {"a": {"items": {"pattern": "^(a+)+$"}}}});
        let schema = DataSchema::compile(&json!({"anyOf": vec![branch; 60]})).unwrap();
        let value = json!({"a": vec![format!("{}b", "a".repeat(2_000)); 50]});
        assert_eq!(schema.faults(&value, "data").len(), 1);
    }

    #[test]
    fn a_schema_of_another_version_of_the_program_checks_nothing() {
        let row = |name: &str, schema: &str| EventTypeRow {
            name: name.parse().unwrap(),
            version: 1,
            description: String::new(),
            schema: Some(schema.to_owned()),
            example: None,
            created_at: crate::testing::NOW,
            updated_at: crate::testing::NOW,
        };
        let kinds =
            Kinds::new(vec![row("endless", r##"{"$ref":"#"}"##), row("strict", r#"{"required":["n"]}"#)]);
        let faults = |name: &str| kinds.faults(&name.parse().unwrap(), &json!({})).len();
        assert_eq!((faults("endless"), faults("strict"), faults("unknown")), (0, 1, 0));
    }
}
