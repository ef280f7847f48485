//! From the bytes of a request to the payload that they say, by their content type.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::receive::Reply;

/// The most fields of a form: those that people fill in have some dozens.
const MAX_FIELDS: usize = 1_000;
/// How deep the names of a form may nest.
const MAX_DEPTH: usize = 20;

/// A payload, and how the log keeps it.
pub(crate) struct Payload {
    pub(crate) value: Value,
    pub(crate) text: String,
}

/// Reads a body.
///
/// # Errors
/// What the sender is told instead.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Result<Payload, Reply> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => form(body).map_err(|message| Reply::refusal(400, &message)),
        _ if is_json(&essence) => {
            let value = json(body).map_err(|message| Reply::refusal(400, &message))?;
            // It was parsed as JSON, which is UTF-8.
            Ok(Payload { value, text: String::from_utf8_lossy(body).into_owned() })
        }
        _ => Err(Reply::refusal(
            415,
            "The content type must be application/json, text/plain with JSON in it, or application/x-www-form-urlencoded",
        )),
    }
}

/// `application/json`, the types that end in `+json` (RFC 6839), and plain text, as which some senders post JSON.
fn is_json(essence: &str) -> bool {
    essence == "application/json"
        || essence == "text/plain"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads JSON.
///
/// # Errors
/// Says where it is none.
pub(crate) fn json(body: &[u8]) -> Result<Value, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("The body is empty".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| format!("The body is not valid JSON: {error}"))
}

fn form(body: &[u8]) -> Result<Payload, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("The body is empty".to_owned());
    }
    let mut fields = Map::new();
    for (count, (name, text)) in form_urlencoded::parse(body).enumerate() {
        if count == MAX_FIELDS {
            return Err(format!("The form has more than {MAX_FIELDS} fields"));
        }
        let steps = steps(&name);
        if steps.len() > MAX_DEPTH {
            return Err(format!("A name in the form nests deeper than {MAX_DEPTH}"));
        }
        set(&mut fields, &steps, text.replace('\0', "\u{fffd}"));
    }
    let value = Value::Object(fields);
    Ok(Payload { text: value.to_string(), value })
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
fn set(fields: &mut Map<String, Value>, steps: &[&str], text: String) {
    let Some((name, rest)) = steps.split_first() else { return };
    let Some((next, _)) = rest.split_first() else {
        // Of a name that is there twice both values count, as in a list.
        match fields.get_mut(*name) {
            Some(Value::Array(items)) => items.push(text.into()),
            Some(first) if first.is_string() => *first = Value::Array(vec![first.take(), text.into()]),
            _ => {
                fields.insert((*name).to_owned(), text.into());
            }
        }
        return;
    };
    if next.is_empty() && rest.len() == 1 {
        let items = fields.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
        match items {
            Value::Array(items) => items.push(text.into()),
            other => *other = Value::Array(vec![other.take(), text.into()]),
        }
        return;
    }
    let inner = fields.entry(*name).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        set(inner, rest, text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form_of(body: &str) -> Value {
        let payload = read("application/x-www-form-urlencoded; charset=utf-8", body.as_bytes()).ok().unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&payload.text).unwrap(),
            payload.value,
            "as the log keeps it"
        );
        payload.value
    }

    #[test]
    fn a_form_is_an_object_and_brackets_nest() {
        for (body, value) in [
            ("email=ada%40example.com&name=Ada+L", json!({"email": "ada@example.com", "name": "Ada L"})),
            ("data[email]=a&data[list][name]=b", json!({"data": {"email": "a", "list": {"name": "b"}}})),
            ("tags[]=a&tags[]=b", json!({"tags": ["a", "b"]})),
            ("tag=a&tag=b&tag=c", json!({"tag": ["a", "b", "c"]})),
            (
                "items[0][sku]=x&items[999999999][sku]=y",
                json!({"items": {"0": {"sku": "x"}, "999999999": {"sku": "y"}}}),
            ),
            ("a[b=1&[c]=2&d]=3", json!({"a[b": "1", "[c]": "2", "d]": "3"})),
            ("a=1&a[b]=2", json!({"a": {"b": "2"}})),
            ("a[b]=1&a[]=2", json!({"a": [{"b": "1"}, "2"]})),
            ("empty=&flag", json!({"empty": "", "flag": ""})),
            ("n=%00", json!({"n": "\u{fffd}"})),
        ] {
            assert_eq!(form_of(body), value, "{body}");
        }
    }

    #[test]
    fn a_form_has_limits() {
        let refusal =
            |body: String| read("application/x-www-form-urlencoded", body.as_bytes()).err().unwrap().status;
        assert_eq!(refusal(String::new()), 400);
        assert_eq!(refusal("a=1&".repeat(MAX_FIELDS + 1)), 400);
        assert_eq!(refusal(format!("a{}=1", "[b]".repeat(MAX_DEPTH))), 400);
        form_of(&"a[]=1&".repeat(MAX_FIELDS));
    }

    #[test]
    fn plain_text_may_be_json() {
        let payload = read("text/plain;charset=UTF-8", b"{\"a\": 1}").ok().unwrap();
        assert_eq!((payload.value, payload.text.as_str()), (json!({"a": 1}), "{\"a\": 1}"));
        assert_eq!(read("text/plain", b"hello").err().unwrap().status, 400);
        assert_eq!(read("text/html", b"{}").err().unwrap().status, 415);
    }
}
