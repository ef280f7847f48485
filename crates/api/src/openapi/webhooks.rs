//! What the program sends, for the section `webhooks` of the document.

use domain::catalog;
use serde_json::{Value, json};

/// One entry for each built-in event.
pub(super) fn all() -> Value {
    let entries = catalog::BUILT_IN.iter().map(|(name, description)| {
        let text = |schema: Value| json!({"schema": schema, "required": true});
        let header = |name: &str, description: &str| {
            let mut header = text(json!({"type": "string"}));
            header["in"] = "header".into();
            header["name"] = name.into();
            header["description"] = description.into();
            header
        };
        let mut data = catalog::schema(name);
        if let Some(data) = data.as_object_mut() {
            data.shift_remove("$schema");
        }
        let envelope = json!({
            "type": "object",
            "required": ["event", "timestamp", "data"],
            "properties": {
                "event": {"type": "string", "const": name.as_str()},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": data,
            },
        });
        let example = json!({"event": name.as_str(), "timestamp": "2024-01-15T10:30:00Z", "data": catalog::example(name)});
        let operation = json!({
            "summary": description,
            "description": "Sent to every active outgoing webhook that subscribes to this event, again until it is answered with a 2xx or the schedule ends.",
            "parameters": [
                header("X-Webhook-Event", "The event."),
                header("X-Webhook-Id", "The delivery: the same on every attempt."),
                header("X-Webhook-Timestamp", "When the attempt was made, in seconds since the Unix epoch."),
                header("X-Webhook-Signature", "`sha256=` and the hex HMAC-SHA256 of the raw body, keyed with the secret's text."),
                header("webhook-id", "The delivery, by the Standard Webhooks specification."),
                header("webhook-timestamp", "When the attempt was made, by the Standard Webhooks specification."),
                header("webhook-signature", "`v1,` and the base64 signature, by the Standard Webhooks specification."),
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": envelope, "example": example}}},
            "responses": {
                "2XX": {"description": "Taken: the event is delivered."},
                "410": {"description": "Not wanted any more: the webhook is deactivated."},
                "default": {"description": "Not taken: the delivery is tried again."},
            },
            "tags": [super::SENT_TAG],
        });
        (name.to_string(), json!({"post": operation}))
    });
    Value::Object(entries.collect())
}
