//! What templates and conditions of outgoing webhooks see of an event: the specification's variables, and the event itself.

use domain::Event;
use serde_json::{Map, Value};

/// The variables of the specification that stand for a member of the event's data: name, and where it is looked for.
const OF_DATA: &[(&str, &[&str])] = &[
    ("subscriber_id", &["subscriber_id"]),
    ("subscriber_email", &["email", "subscriber_email"]),
    ("subscriber_first_name", &["first_name"]),
    ("subscriber_last_name", &["last_name"]),
    ("subscriber_phone", &["phone"]),
    ("subscriber_company", &["company"]),
    ("subscriber_status", &["status"]),
    ("subscriber_source", &["source"]),
    ("subscriber_lists", &["lists"]),
    ("subscriber_tags", &["tags"]),
    ("campaign_id", &["campaign_id"]),
    ("campaign_name", &["campaign_name"]),
    ("campaign_sent_date", &["campaign_sent_date", "sent_at"]),
];
/// Those that stand for the event.
const OF_EVENT: &[&str] = &["event", "event_type", "event_id", "timestamp", "data", "payload"];
/// Those that stand for a custom field: this, and its name.
const OF_FIELDS: &[&str] = &["custom_field_", "subscriber_custom_field_"];

/// Whether there is a variable of this name.
pub(crate) fn is_known(name: &str) -> bool {
    OF_EVENT.contains(&name)
        || OF_DATA.iter().any(|(known, _)| *known == name)
        || OF_FIELDS.iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix))
}

/// What to say of a variable that is not known.
pub(crate) fn unknown(name: &str) -> String {
    format!(
        "there is no variable {name}: use subscriber_email and the like, custom_field_NAME, event_type, timestamp, or data.NAME"
    )
}

/// The variables of an event.
pub(crate) fn of(event: &Event) -> Value {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let mut all = Map::new();
    for (name, places) in OF_DATA {
        let value = places.iter().find_map(|place| data.get(place).filter(|value| !value.is_null()));
        all.insert((*name).to_owned(), value.cloned().unwrap_or_default());
    }
    if let Some(Value::Object(fields)) = data.get("custom_fields") {
        for (name, value) in fields {
            for prefix in OF_FIELDS {
                all.insert(format!("{prefix}{name}"), value.clone());
            }
        }
    }
    let event_type = Value::from(event.event_type.as_str());
    all.insert("event".to_owned(), event_type.clone());
    all.insert("event_type".to_owned(), event_type);
    all.insert("event_id".to_owned(), event.id.to_string().into());
    all.insert("timestamp".to_owned(), event.occurred_at.to_string().into());
    all.insert("data".to_owned(), data);
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use domain::catalog;
    use serde_json::json;

    use super::*;

    #[test]
    fn all_variables_are_known_and_there() {
        let event = Event {
            id: domain::EventId::lowest_at(domain::Timestamp::from_millis(0)),
            event_type: "subscriber_added".parse().unwrap(),
            occurred_at: "2024-01-15T11:45:00Z".parse().unwrap(),
            data: json!({"subscriber_id": 7, "email": "ada@example.com", "custom_fields": {"plan": "pro"}})
                .to_string()
                .into(),
            request_id: None,
        };
        let variables = of(&event);
        for name in variables.as_object().unwrap().keys() {
            assert!(is_known(name), "{name}");
        }
        for (name, expected) in [
            ("subscriber_id", json!(7)),
            ("subscriber_email", json!("ada@example.com")),
            ("subscriber_phone", json!(null)),
            ("custom_field_plan", json!("pro")),
            ("timestamp", json!("2024-01-15T11:45:00Z")),
            ("event_type", json!("subscriber_added")),
        ] {
            assert_eq!(variables[name], expected, "{name}");
        }
        for name in ["subscriber", "custom_field_", "data_", ""] {
            assert!(!is_known(name), "{name}");
        }
        assert!(!catalog::BUILT_IN.is_empty());
    }
}
