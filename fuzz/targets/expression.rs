//! Any source is an expression, a template or neither, and comes to an end: the source, an empty line, the payload.

#![no_main]

use expression::{Expression, JsonTemplate, Payload, Template};
use fuzz::split;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let (source, payload) = split(input, b"\n\n");
    let Ok(source) = str::from_utf8(source) else { return };
    let payload = Payload::new(&serde_json::from_slice(payload).unwrap_or(Value::Null));
    if let Ok(expression) = Expression::compile(source) {
        expression.variables();
        let _ = expression.value(&payload);
    }
    if let Ok(template) = Template::compile(source) {
        template.variables();
        template.render(&payload);
    }
    if let Ok(source) = serde_json::from_str(source)
        && let Ok(template) = JsonTemplate::compile(&source)
    {
        template.variables();
        template.render(&payload);
    }
});
