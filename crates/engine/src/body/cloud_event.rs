//! CloudEvents over HTTP (<https://github.com/cloudevents/spec>, version 1.0.2): an event in the binary mode becomes what it
//! would be in the structured mode, so that both map alike.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::{BodyError, Payload};

/// What the names of headers begin with that are attributes (HTTP binding, section 3.1.3.1).
const PREFIX: &str = "ce-";
/// The attribute without which nothing is an event.
const VERSION: &str = "ce-specversion";

/// The attributes of an event in the binary mode, if the request is one.
///
/// # Errors
/// If one is no text.
pub(super) fn attributes(headers: &HeaderMap) -> Result<Option<Map<String, Value>>, BodyError> {
    if !headers.contains_key(VERSION) {
        return Ok(None);
    }
    let mut attributes = Map::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix(PREFIX).filter(|name| is_attribute(name)) else {
            continue;
        };
        // Values are percent-encoded UTF-8 (section 3.1.3.2).
        let value = percent_decode(value.as_bytes()).decode_utf8();
        let value = value.map_err(|_| BodyError::Malformed(format!("The header {name} is not UTF-8")))?;
        attributes.insert(attribute.to_owned(), value.replace('\0', "\u{fffd}").into());
    }
    Ok(Some(attributes))
}

/// Names are lower-case letters and digits; `data` is what the body holds (section "Naming conventions").
fn is_attribute(name: &str) -> bool {
    name != "data" && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// An event in the structured form.
pub(super) fn with_data(mut attributes: Map<String, Value>, content_type: &str, data: Value) -> Value {
    if !content_type.is_empty() {
        attributes.insert("datacontenttype".to_owned(), content_type.into());
    }
    attributes.insert("data".to_owned(), data);
    Value::Object(attributes)
}

/// Data that an event, or each of a batch, carries in Base64 becomes its `data`, if it is JSON or at least a text.
pub(super) fn unpack(payload: &mut Payload) {
    let events = match &mut payload.value {
        Value::Array(events) => events.as_mut_slice(),
        event => std::slice::from_mut(event),
    };
    let mut is_changed = false;
    for event in events.iter_mut().filter_map(Value::as_object_mut) {
        let Some(data) = event.get("data_base64").and_then(Value::as_str).and_then(from_base64) else {
            continue;
        };
        event.shift_remove("data_base64");
        event.insert("data".to_owned(), data);
        is_changed = true;
    }
    if is_changed {
        payload.text = payload.value.to_string();
    }
}

fn from_base64(text: &str) -> Option<Value> {
    let bytes = STANDARD.decode(text).ok()?;
    serde_json::from_slice(&bytes)
        .ok()
        .or_else(|| Some(super::fields::clean(str::from_utf8(&bytes).ok()?).into()))
}
