//! Headers as the log keeps them: a JSON object, secrets masked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The most bytes of one header's value that are kept.
const MAX_VALUE_BYTES: usize = 2_048;

/// What takes the place of a secret.
const MASK: &str = "••••";

/// Whether a header of this name, in lower case, carries a secret.
pub fn is_secret(name: &str) -> bool {
    const PARTS: &[&str] = &["token", "secret", "password", "api-key", "apikey", "auth", "cookie"];
    // Most headers are one of a few, and searching each name for each part would cost more than all else that is done to it.
    let is_common = matches!(
        name,
        "accept"
            | "accept-encoding"
            | "connection"
            | "content-length"
            | "content-type"
            | "date"
            | "host"
            | "user-agent"
            | "webhook-id"
            | "webhook-signature"
            | "webhook-timestamp"
            | "x-webhook-event"
            | "x-webhook-id"
            | "x-webhook-signature"
            | "x-webhook-timestamp"
    );
    !is_common && PARTS.iter().any(|part| name.contains(part))
}

/// The headers as the text of a JSON object. Names are in lower case; several values of one name are joined by commas.
pub fn to_json(headers: &HeaderMap) -> String {
    to_json_without(headers, &[])
}

/// The same; of these, whose names don't tell, the values are masked, too.
pub(crate) fn to_json_without(headers: &HeaderMap, secret: &[HeaderName]) -> String {
    // Texts can always be written.
    serde_json::to_string(&Shown(headers, secret)).unwrap_or_default()
}

/// Headers that the log kept, as far as they are headers; those that were masked are there as masks.
pub(crate) fn from_json(text: &str) -> HeaderMap {
    let kept: BTreeMap<String, String> = serde_json::from_str(text).unwrap_or_default();
    let header = |(name, value): (String, String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    };
    kept.into_iter().filter_map(header).collect()
}

struct Shown<'a>(&'a HeaderMap, &'a [HeaderName]);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_map(Some(self.0.keys_len()))?;
        // The values of one name come one after the other.
        let mut headers = self.0.iter().peekable();
        while let Some((name, first)) = headers.next() {
            let mut values = self.value(name, first);
            while let Some((_, next)) = headers.next_if(|(other, _)| *other == name) {
                values = values + ", " + self.value(name, next);
            }
            shown.serialize_entry(name.as_str(), &values)?;
        }
        shown.end()
    }
}

impl<'a> Shown<'a> {
    fn value(&self, name: &HeaderName, value: &'a HeaderValue) -> Cow<'a, str> {
        if value.is_sensitive() || is_secret(name.as_str()) || self.1.contains(name) {
            return MASK.into();
        }
        text(value.as_bytes(), MAX_VALUE_BYTES)
    }
}

/// Bytes as a text that any database takes: what is not UTF-8 and null characters are replaced, and it is cut to this many
/// bytes.
pub fn text(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(limit)]);
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn secrets_are_masked_and_values_joined() {
        let mut headers = HeaderMap::new();
        headers.append("Accept", "a".parse().unwrap());
        headers.append("accept", "b".parse().unwrap());
        for name in ["authorization", "x-api-key", "x-my-token", "set-cookie"] {
            headers.insert(name, "hunter2".parse().unwrap());
        }
        headers.insert("x-door", "hunter2".parse().unwrap());
        let secret = [HeaderName::from_static("x-door")];
        let shown: Value = serde_json::from_str(&to_json_without(&headers, &secret)).unwrap();
        assert_eq!(shown["accept"], "a, b");
        assert!(!shown.to_string().contains("hunter2"));
        assert_eq!(shown.as_object().unwrap().len(), 6);
        let kept = from_json(&to_json_without(&headers, &secret));
        assert_eq!((kept.len(), &kept["accept"]), (6, &HeaderValue::from_static("a, b")));
        assert!(from_json("no JSON").is_empty());
    }

    #[test]
    fn any_bytes_become_a_text() {
        assert_eq!(text(b"a\0b\xff", 10), "a\u{fffd}b\u{fffd}");
        assert_eq!(text(b"abcdef", 3), "abc");
    }
}
