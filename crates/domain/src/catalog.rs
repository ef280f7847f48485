//! The built-in kinds of events, each with what it means, an example, and the JSON Schema of its data.

use serde_json::{Value, json};

use crate::event::EventType;

macro_rules! built_in {
    ($($constant:ident $name:literal $description:literal;)+) => {
        $(#[doc = $description] pub const $constant: EventType = EventType::built_in($name);)+

        /// All built-in kinds: those of the specification, in its order, and those about the program itself.
        pub const BUILT_IN: &[(EventType, &str)] = &[$(($constant, $description)),+];
    };
}

built_in! {
    SUBSCRIBER_ADDED "subscriber_added" "A new subscriber was created.";
    SUBSCRIBER_UPDATED "subscriber_updated" "A subscriber's data changed.";
    SUBSCRIBER_DELETED "subscriber_deleted" "A subscriber was removed.";
    SUBSCRIBER_STATUS_CHANGED "subscriber_status_changed" "A subscriber's status changed.";
    SUBSCRIBER_TAGGED "subscriber_tagged" "A tag was applied to a subscriber.";
    SUBSCRIBER_UNTAGGED "subscriber_untagged" "A tag was removed from a subscriber.";
    EMAIL_SENT "email_sent" "An email was delivered.";
    EMAIL_OPENED "email_opened" "A subscriber opened an email.";
    EMAIL_CLICKED "email_clicked" "A subscriber clicked a link in an email.";
    EMAIL_BOUNCED "email_bounced" "An email could not be delivered.";
    EMAIL_COMPLAINED "email_complained" "A subscriber marked an email as spam.";
    CAMPAIGN_CREATED "campaign_created" "A campaign was created.";
    CAMPAIGN_SENT "campaign_sent" "Sending of a campaign started.";
    CAMPAIGN_COMPLETED "campaign_completed" "A campaign was sent to everyone.";
    CAMPAIGN_FAILED "campaign_failed" "Sending of a campaign failed.";
    WEBHOOK_FAILING "webhook_failing" "An outgoing webhook has delivered nothing for a while: every attempt failed.";
    WEBHOOK_DISABLED "webhook_disabled" "The program deactivated an outgoing webhook.";
    WEBHOOK_RECOVERED "webhook_recovered" "An outgoing webhook that was told to be failing delivers again.";
}

/// Those of them that are about the program itself: what becomes of outgoing webhooks. A webhook never gets those about itself.
pub const OPERATIONAL: &[EventType] = &[WEBHOOK_FAILING, WEBHOOK_DISABLED, WEBHOOK_RECOVERED];

/// The versions of those whose form has changed since the first release.
const CHANGED: &[(EventType, u32)] = &[];

/// Whether the name is taken by a built-in kind.
pub fn is_built_in(name: &EventType) -> bool {
    BUILT_IN.iter().any(|(built_in, _)| built_in == name)
}

/// The version of the form of a built-in kind's data, from 1. It grows when what receivers have built on changes; members that
/// are added do not count.
pub fn version(name: &EventType) -> u32 {
    CHANGED.iter().find(|(changed, _)| changed == name).map_or(1, |(_, version)| *version)
}

/// When the campaign of the examples was sent.
const SENT: &str = "2026-01-15T10:00:00Z";

/// An example of the data of a built-in kind.
pub fn example(name: &EventType) -> Value {
    let name = name.as_str();
    let mut data = match name.split_once('_').map_or(name, |(family, _)| family) {
        "subscriber" => json!({
            "subscriber_id": 123, "email": "john@example.com", "first_name": "John", "last_name": "Doe", "phone": "+1234567890",
            "company": "Acme Corp", "list_id": 1, "lists": [1], "tags": ["web"], "status": "subscribed", "source": "form_submission",
            "custom_fields": {"plan": "pro"},
        }),
        "email" => json!({
            "subscriber_id": 123, "subscriber_email": "john@example.com", "campaign_id": 456, "campaign_name": "January Newsletter",
        }),
        "webhook" => json!({
            "webhook_id": "f6e5d4c3b2a1", "webhook_name": "HubSpot", "webhook_host": "api.example.com",
            "failing_since": "2026-01-15T10:30:00Z", "failed_attempts": 12, "http_status": 503, "error_code": "http_status",
        }),
        _ => json!({"campaign_id": 456, "campaign_name": "January Newsletter"}),
    };
    let more = match name {
        "subscriber_updated" => json!({"changes": {"first_name": {"old": "Jon", "new": "John"}}}),
        "subscriber_status_changed" => json!({"old_status": "pending", "new_status": "subscribed"}),
        "subscriber_tagged" | "subscriber_untagged" => json!({"tag": "web"}),
        "email_opened" => json!({
            "device_type": "desktop", "email_client": "Gmail", "ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0", "open_count": 1,
        }),
        "email_clicked" => {
            json!({"url": "https://example.com/offer", "ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0"})
        }
        "email_bounced" => json!({"bounce_type": "hard", "reason": "550 5.1.1 no such mailbox"}),
        "campaign_sent" => json!({"campaign_sent_date": SENT, "recipients": 1000}),
        "campaign_completed" => {
            json!({"campaign_sent_date": SENT, "recipients": 1000, "sent": 998, "failed": 2})
        }
        "campaign_failed" => {
            json!({"campaign_sent_date": SENT, "reason": "the mail server refused the connection"})
        }
        "webhook_failing" => json!({"disabled_at_the_earliest": "2026-01-20T10:30:00Z"}),
        "webhook_disabled" => json!({"reason": "Nothing but failure for 5 days"}),
        "webhook_recovered" => json!({"recovered_at": "2026-01-15T12:00:00Z"}),
        _ => json!({}),
    };
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    data
}

/// The JSON Schema of the data of a built-in kind: its members and their types. More members may come in later versions.
pub fn schema(name: &EventType) -> Value {
    let example = example(name);
    let members = example.as_object().cloned().unwrap_or_default();
    let required: Vec<&String> = members.keys().filter(|member| is_always_there(name, member)).collect();
    let properties: serde_json::Map<String, Value> =
        members.iter().map(|(member, value)| (member.clone(), property(member, value))).collect();
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": properties, "required": required})
}

/// What the program itself always sets. Email and campaign events may come from elsewhere, with less.
fn is_always_there(name: &EventType, member: &str) -> bool {
    match name.as_str().split_once('_') {
        Some(("subscriber" | "webhook", _)) => true,
        Some(("email", _)) => member == "subscriber_email",
        _ => member == "campaign_id",
    }
}

fn property(member: &str, example: &Value) -> Value {
    let nullable = matches!(
        member,
        "first_name"
            | "last_name"
            | "phone"
            | "company"
            | "list_id"
            | "source"
            | "failing_since"
            | "http_status"
            | "error_code"
            | "disabled_at_the_earliest"
    );
    let kind = match example {
        Value::String(_) => "string",
        Value::Number(_) => "integer",
        Value::Array(_) => "array",
        _ => "object",
    };
    if nullable { json!({"type": [kind, "null"]}) } else { json!({ "type": kind }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_names_are_well_formed_and_distinct() {
        let mut names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.iter().all(|name| name.parse::<EventType>().is_ok()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 15 + OPERATIONAL.len());
    }

    #[test]
    fn the_schema_names_the_members_of_the_example() {
        let schema = schema(&SUBSCRIBER_TAGGED);
        assert_eq!(schema["properties"]["tag"], json!({"type": "string"}));
        assert_eq!(schema["properties"]["phone"], json!({"type": ["string", "null"]}));
        assert!(schema["required"].as_array().unwrap().contains(&json!("tag")));
    }
}
