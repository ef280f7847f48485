//! Values that no log may hold: where they stand, and what is kept in their place.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is kept in the place of a value.
pub const MASK: &str = "••••";
/// The most steps of one path.
const MAX_STEPS: usize = 20;

/// Where values stand that no log may hold: names and positions as in a mapping, and `*` for any of them: `card.number`,
/// `items[*].card`, `*.password`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedactPath {
    text: String,
    steps: Vec<Step>,
}

crate::schema::text_schema!(
    RedactPath,
    pattern = r"^[^.\[\]]+(\[([0-9]+|\*)\])*(\.[^.\[\]]+(\[([0-9]+|\*)\])*)*$",
    "items[*].card"
);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Any,
    Named(String),
}

/// Not such a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be names joined by dots, such as card.number or items[*].card, with at most {MAX_STEPS} steps")]
pub struct RedactPathError;

impl FromStr for RedactPath {
    type Err = RedactPathError;

    fn from_str(text: &str) -> Result<Self, RedactPathError> {
        let step = |step: &str| if step == "*" { Step::Any } else { Step::Named(step.to_owned()) };
        let mut steps = Vec::new();
        for part in text.split('.') {
            let mut pieces = part.split('[');
            let name = pieces.next().filter(|name| !name.is_empty()).ok_or(RedactPathError)?;
            steps.push(step(name));
            for position in pieces {
                let position = position.strip_suffix(']').ok_or(RedactPathError)?;
                if position != "*" && position.parse::<u32>().is_err() {
                    return Err(RedactPathError);
                }
                steps.push(step(position));
            }
        }
        if steps.len() > MAX_STEPS
            || text.chars().any(char::is_control)
            || text.contains(']') && !text.contains('[')
        {
            return Err(RedactPathError);
        }
        Ok(Self { text: text.to_owned(), steps })
    }
}

impl RedactPath {
    /// Masks what stands there.
    pub fn apply(&self, value: &mut Value) {
        mask(value, &self.steps);
    }
}

/// Takes out of a payload what is masked: it is not there to be acted upon. Whether there was any.
pub fn take_out(payload: &mut Value) -> bool {
    match payload {
        Value::String(text) if text == MASK => {
            *payload = Value::Null;
            true
        }
        Value::Array(items) => items.iter_mut().fold(false, |any, item| take_out(item) | any),
        Value::Object(members) => members.values_mut().fold(false, |any, member| take_out(member) | any),
        _ => false,
    }
}

fn mask(value: &mut Value, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            *value = MASK.into();
        }
        return;
    };
    match (value, step) {
        (Value::Object(members), Step::Any) => members.values_mut().for_each(|member| mask(member, rest)),
        (Value::Array(items), Step::Any) => items.iter_mut().for_each(|item| mask(item, rest)),
        (Value::Object(members), Step::Named(name)) => {
            if let Some(member) = members.get_mut(name) {
                mask(member, rest);
            }
        }
        (Value::Array(items), Step::Named(position)) => {
            if let Some(item) = position.parse::<usize>().ok().and_then(|position| items.get_mut(position)) {
                mask(item, rest);
            }
        }
        _ => {}
    }
}

impl fmt::Display for RedactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for RedactPath {
    type Error = RedactPathError;

    fn try_from(text: String) -> Result<Self, RedactPathError> {
        text.parse()
    }
}

impl From<RedactPath> for String {
    fn from(path: RedactPath) -> String {
        path.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_there_is_masked() {
        let payload = || json!({"card": {"number": "4111", "cvc": 123}, "items": [{"card": "a"}, {"card": null}, 7], "a": {"password": "x"}, "password": "y"});
        for (path, at, expected) in [
            ("card.number", "/card/number", json!(MASK)),
            ("card", "/card", json!(MASK)),
            ("card.*", "/card/cvc", json!(MASK)),
            ("items[*].card", "/items/0/card", json!(MASK)),
            ("items[*].card", "/items/1/card", json!(null)),
            ("items[2]", "/items/2", json!(MASK)),
            ("*.password", "/a/password", json!(MASK)),
            ("*.password", "/password", json!("y")),
            ("nothing.here", "/card/cvc", json!(123)),
        ] {
            let mut value = payload();
            path.parse::<RedactPath>().unwrap().apply(&mut value);
            assert_eq!(value.pointer(at), Some(&expected), "{path}");
        }
    }

    #[test]
    fn what_is_masked_is_taken_out() {
        let mut payload = json!({"a": [MASK, "b"], "c": {"d": MASK}});
        assert!(take_out(&mut payload));
        assert_eq!(payload, json!({"a": [null, "b"], "c": {"d": null}}));
        assert!(!take_out(&mut payload));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for wrong in ["", ".", "a.", "a[", "a[x]", "a]", "[0]", "a..b", &"a.".repeat(30)] {
            assert!(wrong.parse::<RedactPath>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn prop_no_path_breaks_it(text in "\\PC{0,40}") {
            if let Ok(path) = text.parse::<RedactPath>() {
                path.apply(&mut json!({"a": [1, {"b": "c"}]}));
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
