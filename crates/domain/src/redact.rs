//! Values that no log may hold: where they stand, and what is kept in their place.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is kept in the place of a value.
pub const MASK: &str = "••••";
/// How many characters a value must have to be looked for elsewhere: shorter ones are a part of too much.
const MIN_REPEATED_CHARS: usize = 4;
/// The most values that are looked for elsewhere. Of an entry with more, no text is kept that could repeat one.
const MAX_VALUES: usize = 500;
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
    /// The value at these steps, in all items of an array where one of them says a position.
    pub fn of_steps<'a>(steps: impl Iterator<Item = &'a str>) -> Self {
        let is_position = |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        // That of an array of records is in each of them by itself.
        let steps: Vec<Step> = steps
            .enumerate()
            .filter(|(index, step)| *index > 0 || !is_position(step))
            .map(|(_, step)| if is_position(step) { Step::Any } else { Step::Named(step.to_owned()) })
            .collect();
        let names = steps.iter().map(|step| match step {
            Step::Any => "*",
            Step::Named(name) => name,
        });
        Self { text: names.collect::<Vec<_>>().join("."), steps }
    }

    /// Masks what stands there, and keeps in mind what that was.
    fn apply(&self, value: &mut Value, masked: &mut Vec<Value>) {
        mask(value, &self.steps, masked);
    }
}

/// Values that were masked, so that what repeats them can be masked, too: a header, an answer, the message of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// The longest first, so that none is torn apart by another.
    values: Vec<String>,
    /// The same, to be found at once.
    known: HashSet<String>,
}

impl Masked {
    /// Masks in a payload what stands at these paths, of an array of records in each of them, and whatever else in it is the same
    /// value. Returns what was masked.
    pub fn mask(paths: &[RedactPath], payload: &mut Value) -> Self {
        let mut found = Vec::new();
        for path in paths {
            match &mut *payload {
                Value::Array(items) => items.iter_mut().for_each(|item| path.apply(item, &mut found)),
                value => path.apply(value, &mut found),
            }
        }
        let mut values = Vec::new();
        found.iter().for_each(|value| collect(value, &mut values));
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        let masked = Self { known: values.iter().cloned().collect(), values };
        masked.hide_same(payload);
        masked
    }

    /// Whether nothing was masked.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A text without these values, as they are, as they stand inside of JSON, and as they stand in a URL.
    pub fn hide(&self, text: &mut String) {
        if self.values.len() > MAX_VALUES {
            text.replace_range(.., MASK);
            return;
        }
        for value in &self.values {
            let forms = [Some(value.clone()), in_json(value), in_url(value)];
            for form in forms.into_iter().flatten() {
                if text.contains(&form) {
                    *text = text.replace(&form, MASK);
                }
            }
        }
    }

    /// A JSON value with none of these in its texts, nor as a number.
    pub fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.hide_in(member)),
            value => self.hide_same(value),
        }
    }

    /// The text of a JSON document without them; any other text as [`Masked::hide`] does it.
    pub fn hide_json(&self, text: &mut String) {
        match serde_json::from_str::<Value>(text) {
            Ok(mut value) => {
                self.hide_in(&mut value);
                *text = value.to_string();
            }
            Err(_) => self.hide(text),
        }
    }

    /// Masks what is one of them as a whole: parts of other values are data that is still acted upon.
    fn hide_same(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_same(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.hide_same(member)),
            value => {
                if text_of(value).is_some_and(|text| self.known.contains(&text)) {
                    *value = MASK.into();
                }
            }
        }
    }
}

/// The texts and numbers in a value.
fn collect(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(members) => members.values().for_each(|member| collect(member, values)),
        value => values.extend(text_of(value).filter(|text| text.chars().count() >= MIN_REPEATED_CHARS)),
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text != MASK => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// As it stands inside of a text that is JSON, if that is another form.
fn in_json(value: &str) -> Option<String> {
    let quoted = Value::from(value).to_string();
    let inner = quoted.get(1..quoted.len() - 1)?;
    (inner != value).then(|| inner.to_owned())
}

/// As it stands in a URL (RFC 3986, section 2.1), if that is another form.
fn in_url(value: &str) -> Option<String> {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    (encoded != value).then_some(encoded)
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

fn mask(value: &mut Value, steps: &[Step], masked: &mut Vec<Value>) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            masked.push(std::mem::replace(value, MASK.into()));
        }
        return;
    };
    match (value, step) {
        (Value::Object(members), Step::Any) => {
            members.values_mut().for_each(|member| mask(member, rest, masked))
        }
        (Value::Array(items), Step::Any) => items.iter_mut().for_each(|item| mask(item, rest, masked)),
        (Value::Object(members), Step::Named(name)) => {
            if let Some(member) = members.get_mut(name) {
                mask(member, rest, masked);
            }
        }
        (Value::Array(items), Step::Named(position)) => {
            if let Some(item) = position.parse::<usize>().ok().and_then(|position| items.get_mut(position)) {
                mask(item, rest, masked);
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
            Masked::mask(&[path.parse().unwrap()], &mut value);
            assert_eq!(value.pointer(at), Some(&expected), "{path}");
        }
    }

    #[test]
    fn what_repeats_a_value_is_masked() {
        let mut payload = json!({"card": {"number": "4111 1111", "cvc": 123, "pin": 98765}, "same": "4111 1111", "note": "4111 1111 is it", "n": 98765});
        let masked = Masked::mask(&["card".parse().unwrap()], &mut payload);
        assert_eq!(payload, json!({"card": MASK, "same": MASK, "note": "4111 1111 is it", "n": MASK}));
        for (text, hidden) in [
            ("card 4111 1111 refused", "card •••• refused"),
            ("https://example.com/?card=4111%201111", "https://example.com/?card=••••"),
            ("123 is too short", "123 is too short"),
            ("pin=98765", "pin=••••"),
        ] {
            let mut text = text.to_owned();
            masked.hide(&mut text);
            assert_eq!(text, hidden);
        }
        let mut json = json!({"a": ["x 98765", 98765, 7], "4111 1111": true}).to_string();
        masked.hide_json(&mut json);
        assert_eq!(json, r#"{"a":["x ••••","••••",7],"4111 1111":true}"#, "names are no values");
        let quoted = Masked::mask(&["a".parse().unwrap()], &mut json!({"a": "say \"it\""}));
        let mut text = r#"{"echo":"say \"it\""#.to_owned();
        quoted.hide_json(&mut text);
        assert_eq!(text, r#"{"echo":"••••"#, "also in JSON that was cut");
    }

    #[test]
    fn of_more_values_than_can_be_looked_for_nothing_is_kept() {
        let mut payload = json!({"a": (0..=MAX_VALUES).map(|n| format!("value {n}")).collect::<Vec<_>>()});
        let masked = Masked::mask(&["a".parse().unwrap()], &mut payload);
        let mut text = "anything".to_owned();
        masked.hide(&mut text);
        assert_eq!(text, MASK);
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
        fn prop_no_value_is_left_in_what_repeats_it(
            secret in "[ -~]{4,12}", before in "[ -~]{0,6}", after in "[ -~]{0,6}",
        ) {
            let mut payload = json!({"secret": secret, "more": [secret]});
            let masked = Masked::mask(&["secret".parse().unwrap()], &mut payload);
            let mut echo = json!({"m": format!("{before}{secret}{after}")}).to_string();
            masked.hide_json(&mut echo);
            let shown: Value = serde_json::from_str(&echo).unwrap();
            prop_assert!(!shown["m"].as_str().unwrap().contains(&secret));
            prop_assert_eq!(payload, json!({"secret": MASK, "more": [MASK]}));
        }

        #[test]
        fn prop_no_path_breaks_it(text in "\\PC{0,40}") {
            if let Ok(path) = text.parse::<RedactPath>() {
                prop_assert_eq!(path.to_string(), text);
                Masked::mask(&[path], &mut json!({"a": [1, {"b": "c"}]}));
            }
        }
    }
}
