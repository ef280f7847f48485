//! What a script gives back of what it was shown. JavaScript has one kind of number, so that it gives back 9007199254740992 where
//! it was shown 9007199254740993: what it did not touch must not change by that.

use std::collections::HashMap;

use serde_json::{Number, Value};

/// From here on JavaScript rounds integers: 2^53.
const ROUNDED: f64 = 9_007_199_254_740_992.0;

/// Whether a script that was shown the one may give back the other without having changed it.
pub(crate) fn is_same(shown: &Value, given: &Value) -> bool {
    match (shown, given) {
        (Value::Number(shown), Value::Number(given)) => shown.as_f64() == given.as_f64(),
        (Value::Array(shown), Value::Array(given)) => {
            shown.len() == given.len() && shown.iter().zip(given).all(|(shown, given)| is_same(shown, given))
        }
        // In another order they are something else: some receivers sign what they read.
        (Value::Object(shown), Value::Object(given)) => {
            let members = shown.iter().zip(given);
            shown.len() == given.len()
                && members
                    .into_iter()
                    .all(|((name, shown), (as_name, given))| name == as_name && is_same(shown, given))
        }
        (shown, given) => shown == given,
    }
}

/// What a script gave back, with the numbers that it did not change as they were shown. A rounded integer is known by its value,
/// wherever it stands now, unless two that were shown are rounded to the same.
pub(crate) fn restored(shown: &Value, mut given: Value) -> Value {
    let mut rounded = HashMap::new();
    collect(shown, &mut rounded);
    restore(Some(shown), &mut given, &rounded);
    given
}

fn collect<'a>(shown: &'a Value, rounded: &mut HashMap<u64, Option<&'a Number>>) {
    match shown {
        Value::Number(number) => {
            if let Some(bits) = bits(number) {
                let known = rounded.entry(bits).or_insert(Some(number));
                *known = known.filter(|known| *known == number);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, rounded)),
        Value::Object(members) => members.values().for_each(|member| collect(member, rounded)),
        _ => {}
    }
}

fn restore(shown: Option<&Value>, given: &mut Value, rounded: &HashMap<u64, Option<&Number>>) {
    match given {
        Value::Number(number) => {
            let as_shown = match bits(number) {
                Some(bits) => rounded.get(&bits).copied().flatten(),
                // As it is written: 1.0 and not 1.
                None => shown.and_then(Value::as_number).filter(|shown| shown.as_f64() == number.as_f64()),
            };
            if let Some(as_shown) = as_shown {
                *number = as_shown.clone();
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                restore(shown.and_then(|shown| shown.get(at)), item, rounded);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                restore(shown.and_then(|shown| shown.get(name)), member, rounded);
            }
        }
        _ => {}
    }
}

/// As what a number stands in JavaScript, if it may have been rounded.
fn bits(number: &Number) -> Option<u64> {
    number.as_f64().filter(|number| number.abs() >= ROUNDED).map(f64::to_bits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_moves_keeps_its_number_and_what_is_not_known_for_sure_is_left() {
        let shown = json!([{"id": 9_007_199_254_740_993_u64, "n": 1.0}, {"id": 9_223_372_036_854_775_807_u64, "n": 2.0}]);
        let shifted = json!([{"id": 9_223_372_036_854_775_807_f64, "n": 2}]);
        assert_eq!(restored(&shown, shifted), json!([{"id": 9_223_372_036_854_775_807_u64, "n": 2}]));
        let alike = json!([1_234_567_890_123_456_789_u64, 1_234_567_890_123_456_790_u64]);
        let second = json!([1_234_567_890_123_456_790_f64]);
        assert_eq!(restored(&alike, second.clone()), second);
        assert_eq!(restored(&json!({"a": 1.0}), json!({"a": 1})).to_string(), r#"{"a":1.0}"#);
        assert!(!is_same(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})));
    }
}
