//! Headers as the log keeps them: a JSON object, secrets masked.

use http::HeaderMap;
use serde_json::{Map, Value};

/// The most bytes of one header's value that are kept.
const MAX_VALUE_BYTES: usize = 2_048;

/// What takes the place of a secret.
const MASK: &str = "••••";

/// Whether a header of this name carries a secret.
fn is_secret(name: &str) -> bool {
    const NAMES: &[&str] =
        &["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-webhook-token"];
    const PARTS: &[&str] = &["token", "secret", "password", "api-key", "apikey", "auth"];
    NAMES.contains(&name) || PARTS.iter().any(|part| name.contains(part))
}

/// The headers as the text of a JSON object. Names are in lower case; several values of one name are joined by commas.
pub fn to_json(headers: &HeaderMap) -> String {
    let mut shown = Map::with_capacity(headers.keys_len());
    for (name, value) in headers {
        let text =
            if is_secret(name.as_str()) { MASK.to_owned() } else { text(value.as_bytes(), MAX_VALUE_BYTES) };
        match shown.get_mut(name.as_str()) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(&text);
            }
            _ => {
                shown.insert(name.as_str().to_owned(), Value::String(text));
            }
        }
    }
    Value::Object(shown).to_string()
}

/// Bytes as a text that any database takes: what is not UTF-8 and null characters are replaced, and it is cut to this many
/// bytes.
pub fn text(bytes: &[u8], limit: usize) -> String {
    let cut = &bytes[..bytes.len().min(limit)];
    let text = String::from_utf8_lossy(cut);
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_values_joined() {
        let mut headers = HeaderMap::new();
        headers.append("Accept", "a".parse().unwrap());
        headers.append("accept", "b".parse().unwrap());
        for name in ["authorization", "x-api-key", "x-my-token", "cookie"] {
            headers.insert(name, "hunter2".parse().unwrap());
        }
        let shown: Value = serde_json::from_str(&to_json(&headers)).unwrap();
        assert_eq!(shown["accept"], "a, b");
        assert!(!shown.to_string().contains("hunter2"));
        assert_eq!(shown.as_object().unwrap().len(), 5);
    }

    #[test]
    fn any_bytes_become_a_text() {
        assert_eq!(text(b"a\0b\xff", 10), "a\u{fffd}b\u{fffd}");
        assert_eq!(text(b"abcdef", 3), "abc");
    }
}
