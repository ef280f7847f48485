//! Any request is read or refused, under any settings: body parsing, decompression, records, names of events, mapping.
//!
//! The header `x-settings` of an input has the settings of the webhook as JSON.

#![no_main]

use fuzz::message;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|input: &[u8]| {
    let (mut headers, body) = message(input);
    let settings = headers.remove("x-settings");
    engine::fuzz::check_body(&headers, body);
    let settings = settings.and_then(|settings| serde_json::from_slice(settings.as_bytes()).ok());
    if let Some(settings) = savable(settings.unwrap_or_else(|| json!({}))) {
        engine::fuzz::check_request(headers, body.to_vec(), settings);
    }
});

/// The settings, if a webhook may have them.
fn savable(settings: Value) -> Option<Value> {
    const NAMES: [&str; 7] = ["records", "event_path", "parse_json", "filter", "dedupe", "preset", "mapping"];
    let settings = settings.as_object()?;
    let mut whole = json!({"name": "Form", "event_type": "subscriber_added"});
    for (name, value) in settings.iter().filter(|(name, _)| NAMES.contains(&name.as_str())) {
        whole[name] = value.clone();
    }
    let parsed: domain::incoming::IncomingSettings = serde_json::from_value(whole.clone()).ok()?;
    parsed.check().is_empty().then_some(whole)
}
