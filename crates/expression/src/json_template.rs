//! JSON whose texts may have placeholders: `{"id": "{data.id}", "hello": "Dear {data.first_name}"}`.

use serde_json::{Map, Value};

use crate::error::{CompileError, EvalError};
use crate::evaluate::Payload;
use crate::template::{MAX_OUTPUT_BYTES, Template};

/// The most values in one template: more is a document, and no webhook's payload.
pub const MAX_VALUES: usize = 2_000;
/// How deep a template may nest.
const MAX_DEPTH: usize = 32;

/// A compiled JSON template. Texts are [`Template`]s: one that is a whole placeholder keeps its value's type and becomes `null`
/// without a value, in others a placeholder without a value is empty. Names of members are as they stand, but for a `?` at
/// their end: such a member is left out if its value is `null`, or an empty text, array or object. Of two at the end one is left.
#[derive(Debug)]
pub struct JsonTemplate(Node);

#[derive(Debug)]
enum Node {
    Fixed(Value),
    Text(Template),
    Items(Vec<Node>),
    Members(Vec<Member>),
}

#[derive(Debug)]
struct Member {
    name: String,
    is_optional: bool,
    node: Node,
}

/// A name that a placeholder asks the payload for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The text in which the placeholder stands: a dotted path, empty for the whole.
    pub at: String,
    /// The character of that text at which the placeholder begins, from 1 on.
    pub position: usize,
    /// The name.
    pub name: String,
}

/// Why a value is no template, and where in it.
#[derive(Debug, thiserror::Error)]
#[error("{at}")]
pub struct JsonTemplateError {
    /// The place: a dotted path, empty for the whole.
    pub at: String,
    /// What is wrong there.
    #[source]
    pub problem: JsonTemplateProblem,
}

/// What can be wrong in a JSON template.
#[derive(Debug, thiserror::Error)]
pub enum JsonTemplateProblem {
    /// A text that is no template.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Too much of it.
    #[error("has more than {MAX_VALUES} values, or nests deeper than {MAX_DEPTH}")]
    TooLarge,
}

impl JsonTemplate {
    /// Compiles a template.
    ///
    /// # Errors
    /// The first text that is none, or that there is too much of it.
    pub fn compile(source: &Value) -> Result<Self, JsonTemplateError> {
        let mut left = MAX_VALUES;
        compile(source, &mut Vec::new(), &mut left).map(Self)
    }

    /// The names that its placeholders ask the payload for.
    pub fn variables(&self) -> Vec<Variable> {
        let mut found = Vec::new();
        self.0.variables(&mut Vec::new(), &mut found);
        found
    }

    /// What it becomes for a payload, and what was wrong with placeholders that have no value because of it.
    pub fn render(&self, payload: &Payload) -> (Value, Vec<EvalError>) {
        let (mut errors, mut left) = (Vec::new(), MAX_OUTPUT_BYTES);
        (render(&self.0, payload, &mut errors, &mut left), errors)
    }
}

impl Node {
    fn variables(&self, at: &mut Vec<String>, found: &mut Vec<Variable>) {
        match self {
            Node::Fixed(_) => {}
            Node::Text(template) => {
                let here = at.join(".");
                let of_text = template.variables().into_iter();
                found.extend(of_text.map(|(position, name)| Variable { at: here.clone(), position, name }));
            }
            Node::Items(items) => {
                for (position, item) in items.iter().enumerate() {
                    at.push(position.to_string());
                    item.variables(at, found);
                    at.pop();
                }
            }
            Node::Members(members) => {
                for member in members {
                    at.push(member.name.clone());
                    member.node.variables(at, found);
                    at.pop();
                }
            }
        }
    }
}

fn compile(source: &Value, at: &mut Vec<String>, left: &mut usize) -> Result<Node, JsonTemplateError> {
    let fault = |at: &[String], problem| JsonTemplateError { at: at.join("."), problem };
    *left = left
        .checked_sub(1)
        .filter(|_| at.len() <= MAX_DEPTH)
        .ok_or_else(|| fault(at, JsonTemplateProblem::TooLarge))?;
    let mut inside = |name: String, value: &Value| {
        at.push(name);
        let node = compile(value, at, left);
        at.pop();
        node
    };
    match source {
        Value::String(text) if text.contains(['{', '}']) => {
            Template::compile(text).map(Node::Text).map_err(|error| fault(at, error.into()))
        }
        Value::Array(items) => {
            let items = items.iter().enumerate().map(|(position, item)| inside(position.to_string(), item));
            items.collect::<Result<_, _>>().map(Node::Items)
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let node = inside(name.clone(), value)?;
                let is_optional = name.ends_with('?') && !name.ends_with("??");
                let name = name.strip_suffix('?').unwrap_or(name).to_owned();
                Ok(Member { name, is_optional, node })
            });
            members.collect::<Result<_, _>>().map(Node::Members)
        }
        fixed => Ok(Node::Fixed(fixed.clone())),
    }
}

fn render(node: &Node, payload: &Payload, errors: &mut Vec<EvalError>, left: &mut usize) -> Value {
    match node {
        Node::Fixed(value) => value.clone(),
        Node::Text(template) => {
            let rendered = template.render(payload);
            errors.extend(rendered.errors);
            let value = rendered.value.unwrap_or_else(|| template.without_value());
            // All of it together may not be longer than one of its texts.
            match left.checked_sub(size(&value)) {
                Some(rest) => {
                    *left = rest;
                    value
                }
                None => {
                    errors.push(EvalError::TooLong);
                    Value::Null
                }
            }
        }
        Node::Items(items) => items.iter().map(|item| render(item, payload, errors, left)).collect(),
        Node::Members(members) => {
            let members = members.iter().filter_map(|Member { name, is_optional, node }| {
                let value = render(node, payload, errors, left);
                (!(*is_optional && is_nothing(&value))).then(|| (name.clone(), value))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(_) | Value::Object(_) => value.to_string().len(),
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rendered(source: Value, payload: Value) -> (Value, Vec<String>) {
        let (value, errors) = JsonTemplate::compile(&source).unwrap().render(&Payload::new(&payload));
        (value, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn texts_become_values_and_all_else_stays() {
        let payload = json!({"data": {"id": 7, "name": "Ada", "tags": ["a"], "none": null}});
        let source = json!({"id": "{data.id}", "hello": "Dear {data.name}{data.none}", "n": 1, "flag": true, "nothing": null,
                            "tags": "{data.tags}", "list": ["{data.name}", {"x": "{data.missing}"}], "{data.id}": "as it is"});
        let expected = json!({"id": 7, "hello": "Dear Ada", "n": 1, "flag": true, "nothing": null, "tags": ["a"],
                              "list": ["Ada", {"x": null}], "{data.id}": "as it is"});
        assert_eq!(rendered(source, payload), (expected, vec![]));
        assert_eq!(rendered(json!("a {data.x} b"), json!({})).0, json!("a  b"));
        assert_eq!(rendered(json!("{{x}}"), json!({})).0, json!("{x}"));
    }

    #[test]
    fn members_are_left_out_on_request() {
        let source = json!({"phone?": "{data.phone}", "name?": "{data.name}", "empty?": "{data.empty}", "what??": 1, "n?": 0, "?": 2,
                            "tags?": "{data.tags}", "address?": {"city?": "{data.city}"}, "no?": false});
        let payload = json!({"data": {"name": "Ada", "empty": "", "tags": []}});
        assert_eq!(
            rendered(source, payload).0,
            json!({"name": "Ada", "what?": 1, "n": 0, "": 2, "no": false})
        );
    }

    #[test]
    fn its_variables_are_known() {
        let template = JsonTemplate::compile(&json!({"a": ["x", "é {b.c} {d}"]})).unwrap();
        let found: Vec<_> = template.variables().into_iter().map(|v| (v.at, v.position, v.name)).collect();
        assert_eq!(found, [("a.1".into(), 3, "b".into()), ("a.1".into(), 9, "d".into())]);
    }

    #[test]
    fn faults_say_where() {
        let error = JsonTemplate::compile(&json!({"a": [{"b": "x {a|nope}"}]})).unwrap_err();
        assert_eq!(
            (error.at.as_str(), error.problem.to_string().as_str()),
            ("a.0.b", "at character 6: there is no filter nope")
        );
        assert!(JsonTemplate::compile(&json!(vec![0; MAX_VALUES])).is_err());
        let deep = (0..=MAX_DEPTH).fold(json!(0), |inner, _| json!([inner]));
        assert!(JsonTemplate::compile(&deep).is_err());
    }

    #[test]
    fn what_grows_too_long_is_null() {
        let payload = json!({"a": "x".repeat(MAX_OUTPUT_BYTES - 10)});
        let (value, errors) = rendered(json!(["{a}", "{a}"]), payload);
        assert_eq!((value[1].clone(), errors), (json!(null), vec![EvalError::TooLong.to_string()]));
    }

    proptest! {
        #[test]
        fn prop_what_has_no_braces_stays(text in "[^{}?]{0,20}", number: i64) {
            let source = json!({text.clone(): [text, number]});
            prop_assert_eq!(rendered(source.clone(), json!({})), (source, vec![]));
        }
    }
}
