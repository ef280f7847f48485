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
    /// The value at this place, if there is one. A member whose own name has dots is found by it, too: `data.json`, `1.3`.
    pub fn find<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        find(&self.steps, root)
    }

    /// The same, to be changed.
    pub fn find_mut<'a>(&self, root: &'a mut Value) -> Option<&'a mut Value> {
        find_mut(&self.steps, root)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn find<'a>(steps: &[String], value: &'a Value) -> Option<&'a Value> {
    let Some((first, rest)) = steps.split_first() else { return Some(value) };
    match value {
        Value::Object(members) => {
            let plain = members.get(first).and_then(|member| find(rest, member));
            plain.or_else(|| {
                let member = |(name, count)| find(&steps[count..], members.get(&name)?);
                dotted(steps).find_map(member)
            })
        }
        Value::Array(items) => find(rest, items.get(first.parse::<usize>().ok()?)?),
        _ => None,
    }
}

fn find_mut<'a>(steps: &[String], value: &'a mut Value) -> Option<&'a mut Value> {
    let Some((first, rest)) = steps.split_first() else { return Some(value) };
    match value {
        Value::Object(members) => {
            let is_at = |name: &str, count: usize| {
                members.get(name).is_some_and(|member| find(&steps[count..], member).is_some())
            };
            let (name, count) = if is_at(first, 1) {
                (first.clone(), 1)
            } else {
                dotted(steps).find(|(name, count)| is_at(name, *count))?
            };
            find_mut(&steps[count..], members.get_mut(&name)?)
        }
        Value::Array(items) => find_mut(rest, items.get_mut(first.parse::<usize>().ok()?)?),
        _ => None,
    }
}

/// The names with dots that the first steps may be, with how many steps they are.
fn dotted(steps: &[String]) -> impl Iterator<Item = (String, usize)> {
    (2..=steps.len()).map(|count| (steps[..count].join("."), count))
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
    use serde_json::json;

    use super::*;

    #[test]
    fn names_with_dots_are_found_too() {
        let mut root = json!({
            "1.3": "Ada", "data.json": {"email": ["a"], "x.y.z": 1}, "data": {"id": 7}, "a": {"b": 1}, "a.b": 2, "a.b.c": 3,
        });
        for (path, expected) in [
            ("1.3", json!("Ada")),
            ("data.json.email[0]", json!("a")),
            ("data.json.x.y.z", json!(1)),
            ("data.id", json!(7)),
            // What is really inside comes first.
            ("a.b", json!(1)),
            ("a.b.c", json!(3)),
        ] {
            let path: Path = path.parse().unwrap();
            assert_eq!(path.find(&root), Some(&expected), "{path}");
            assert_eq!(path.find_mut(&mut root), Some(&mut expected.clone()), "{path}");
        }
        for path in ["data.json.none", "1.4", "data.id.x", "a.b.d"] {
            let path: Path = path.parse().unwrap();
            assert_eq!(path.find(&root), None, "{path}");
            assert_eq!(path.find_mut(&mut root), None, "{path}");
        }
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
}
