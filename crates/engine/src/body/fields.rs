//! What a form says, as an object: names nest by brackets, and a name that is there several times is a list.

use serde_json::{Map, Value};

use super::BodyError;

/// The most fields of a form: those that people fill in have some dozens.
pub(super) const MAX_FIELDS: usize = 1_000;
/// How deep the names of a form may nest.
pub(super) const MAX_DEPTH: usize = 20;

/// The fields of a form, as they come.
#[derive(Default)]
pub(super) struct Fields {
    root: Map<String, Value>,
    count: usize,
}

impl Fields {
    /// Adds one.
    ///
    /// # Errors
    /// If there are too many, or its name nests too deep.
    pub(super) fn add(&mut self, name: &str, value: Value) -> Result<(), BodyError> {
        if self.count == MAX_FIELDS {
            return Err(BodyError::Malformed(format!("The form has more than {MAX_FIELDS} fields")));
        }
        self.count += 1;
        let name = clean(name);
        let steps = steps(&name);
        if steps.len() > MAX_DEPTH {
            let message = format!("A name in the form nests deeper than {MAX_DEPTH}");
            return Err(BodyError::Malformed(message));
        }
        set(&mut self.root, &steps, value);
        Ok(())
    }

    /// All of them.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.root)
    }
}

/// A text of a form that any database takes.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// `a[b][]` is `a`, `b` and the empty step, which appends. A name whose brackets don't close is one step.
fn steps(name: &str) -> Vec<&str> {
    let Some((first, rest)) = name.split_once('[').filter(|(first, _)| !first.is_empty()) else {
        return vec![name];
    };
    let Some(inside) = rest.strip_suffix(']') else { return vec![name] };
    std::iter::once(first).chain(inside.split("][")).collect()
}

/// Sets a value below an object. Positions are names: `a[0][b]` is found as `a.0.b`, and allocates no array for a large one.
fn set(fields: &mut Map<String, Value>, steps: &[&str], value: Value) {
    match steps {
        [] => {}
        [name] => match fields.get_mut(*name) {
            // Of a name that is there twice both values count, as in a list.
            Some(first) => append(first, value),
            None => {
                fields.insert((*name).to_owned(), value);
            }
        },
        [name, ""] => append(fields.entry(*name).or_insert_with(|| Value::Array(Vec::new())), value),
        [name, rest @ ..] => {
            let inner = fields.entry(*name).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

fn append(to: &mut Value, value: Value) {
    match to {
        Value::Array(items) => items.push(value),
        first => *first = Value::Array(vec![first.take(), value]),
    }
}
