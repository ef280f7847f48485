//! Where a value stands in a payload.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most steps of one path.
const MAX_STEPS: usize = 20;

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

    /// The same, to be changed.
    pub fn find_mut<'a>(&self, root: &'a mut Value) -> Option<&'a mut Value> {
        self.steps.iter().try_fold(root, |value, step| match value {
            Value::Object(members) => members.get_mut(step),
            Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
