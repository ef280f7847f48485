//! What templates and conditions of outgoing webhooks see of an event: the specification's variables, and the event itself.
//!
//! What the event's data say of the subscriber wins; what they don't say is taken from what is kept beside them.

use domain::Event;
use serde_json::{Map, Value};

/// The members of an object that a variable may stand for: the first that has a value.
type Places = &'static [&'static str];

/// The variables of the specification that stand for a member of the subscriber.
const OF_SUBSCRIBER: &[(&str, Places)] = &[
    ("subscriber_id", &["subscriber_id"]),
    ("subscriber_email", &["subscriber_email", "email"]),
    ("subscriber_first_name", &["first_name"]),
    ("subscriber_last_name", &["last_name"]),
    ("subscriber_phone", &["phone"]),
    ("subscriber_company", &["company"]),
    ("subscriber_status", &["status"]),
    ("subscriber_source", &["source"]),
    ("subscriber_lists", &["lists"]),
    ("subscriber_tags", &["tags"]),
];
/// Those that stand for another member of the event's data.
const OF_DATA: &[(&str, Places)] = &[
    ("campaign_id", &["campaign_id"]),
    ("campaign_name", &["campaign_name"]),
    ("campaign_sent_date", &["campaign_sent_date", "sent_at"]),
];
/// Those that stand for the event.
const OF_EVENT: &[&str] = &["event", "event_type", "event_id", "timestamp", "data", WHOLE];
/// The one that has all others as its members.
const WHOLE: &str = "payload";
/// Those that stand for a custom field: this, and its name.
const OF_FIELDS: &[&str] = &["custom_field_", "subscriber_custom_field_"];
/// Where the custom fields are.
const FIELDS: Places = &["custom_fields"];

/// Whether there is a variable of this name.
pub(crate) fn is_known(name: &str) -> bool {
    OF_EVENT.contains(&name)
        || OF_SUBSCRIBER.iter().chain(OF_DATA).any(|(known, _)| *known == name)
        || is_field(name)
}

fn is_field(name: &str) -> bool {
    OF_FIELDS.iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix))
}

/// What to say of a variable that is not known.
pub(crate) fn unknown(name: &str) -> String {
    format!(
        "there is no variable {name}: use subscriber_email and the like, custom_field_NAME, event_type, timestamp, or data.NAME"
    )
}

/// What of a subscriber someone asks for, each by the places where an event's data may say it.
#[derive(Debug, Default)]
pub(crate) struct Asked(Vec<Places>);

impl Asked {
    /// By variables of these names.
    pub(crate) fn by(names: &[String]) -> Self {
        if names.iter().any(|name| name == WHOLE) {
            return Self::all();
        }
        let is_asked = |(name, places): &(&str, Places)| names.iter().any(|n| n == name).then_some(*places);
        let fields = names.iter().any(|name| is_field(name)).then_some(FIELDS);
        Self(OF_SUBSCRIBER.iter().filter_map(is_asked).chain(fields).collect())
    }

    /// All there is.
    pub(crate) fn all() -> Self {
        Self(OF_SUBSCRIBER.iter().map(|(_, places)| *places).chain([FIELDS]).collect())
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event's data leave some of it unsaid.
    pub(crate) fn exceeds(&self, data: &Value) -> bool {
        self.0.iter().any(|places| !has(data, places))
    }
}

/// Whether data say something of it, be it that there is nothing.
fn has(data: &Value, places: Places) -> bool {
    places.iter().any(|place| data.get(place).is_some())
}

fn find(data: &Value, places: Places) -> Option<&Value> {
    places.iter().find_map(|place| data.get(place).filter(|value| !value.is_null()))
}

/// The variables of an event.
pub(crate) fn of(event: &Event) -> Value {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let beside = beside(event);
    let of_subscriber = |places| find(if has(&data, places) { &data } else { &beside }, places);
    let mut all = Map::new();
    for (name, places) in OF_SUBSCRIBER {
        all.insert((*name).to_owned(), of_subscriber(places).cloned().unwrap_or_default());
    }
    for (name, places) in OF_DATA {
        all.insert((*name).to_owned(), find(&data, places).cloned().unwrap_or_default());
    }
    if let Some(Value::Object(fields)) = of_subscriber(FIELDS) {
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

/// What is kept beside the data; `null` if nothing is.
pub(crate) fn beside(event: &Event) -> Value {
    event.subscriber.as_deref().and_then(|kept| serde_json::from_str(kept).ok()).unwrap_or_default()
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
            subscriber: None,
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

    #[test]
    fn of_two_addresses_it_is_that_by_which_the_subscriber_is_looked_up() {
        let event = beside_ada(json!({"email": "agent@example.com", "subscriber_email": "ada@example.com"}));
        assert_eq!(
            domain::Named::in_data(
                &json!({"email": "agent@example.com", "subscriber_email": "ada@example.com"})
            ),
            Some(domain::Named::Email("ada@example.com".parse().unwrap()))
        );
        let variables = of(&event);
        assert_eq!(
            (&variables["subscriber_email"], &variables["subscriber_first_name"]),
            (&json!("ada@example.com"), &json!("Ada"))
        );
    }

    /// An event with these data, and Ada beside them.
    fn beside_ada(data: Value) -> Event {
        let ada = json!({"subscriber_id": 7, "email": "ada@example.com", "first_name": "Ada", "status": "subscribed",
            "lists": [1, 2], "tags": ["vip"], "custom_fields": {"plan": "pro"}});
        Event {
            id: domain::EventId::lowest_at(domain::Timestamp::from_millis(0)),
            event_type: "email_opened".parse().unwrap(),
            occurred_at: "2024-01-15T11:45:00Z".parse().unwrap(),
            data: data.to_string().into(),
            request_id: None,
            subscriber: Some(ada.to_string().into()),
        }
    }

    #[test]
    fn what_the_data_leave_unsaid_is_taken_from_beside_them() {
        let data = json!({"subscriber_id": 7, "status": "soft", "tags": null, "campaign_name": "January"});
        let variables = of(&beside_ada(data.clone()));
        for (name, expected) in [
            ("subscriber_id", json!(7)),
            ("subscriber_email", json!("ada@example.com")),
            ("subscriber_first_name", json!("Ada")),
            ("subscriber_last_name", json!(null)),
            ("subscriber_lists", json!([1, 2])),
            ("custom_field_plan", json!("pro")),
            ("subscriber_custom_field_plan", json!("pro")),
            ("campaign_name", json!("January")),
            // What the data say wins, be it nothing; and they stay what they are.
            ("subscriber_status", json!("soft")),
            ("subscriber_tags", json!(null)),
            ("data", data),
        ] {
            assert_eq!(variables[name], expected, "{name}");
        }
        let fields = of(&beside_ada(json!({"custom_fields": {"seats": 3}})));
        assert_eq!((&fields["custom_field_seats"], fields.get("custom_field_plan")), (&json!(3), None));
    }

    #[test]
    fn it_is_known_whether_data_say_what_is_asked_for() {
        let asked =
            |names: &[&str]| Asked::by(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let opened = json!({"subscriber_id": 7, "subscriber_email": "ada@example.com", "campaign_id": 456});
        for (names, expected) in [
            (&["subscriber_id", "subscriber_email", "campaign_sent_date", "data"][..], false),
            (&["subscriber_id", "subscriber_lists"], true),
            (&["custom_field_plan"], true),
            (&["payload"], true),
        ] {
            assert_eq!(asked(names).exceeds(&opened), expected, "{names:?}");
        }
        assert!(asked(&["campaign_id", "timestamp", "data"]).is_nothing());
        let mut whole = catalog::example(&catalog::SUBSCRIBER_ADDED);
        assert!(!Asked::all().exceeds(&whole));
        whole["company"] = Value::Null;
        assert!(!Asked::all().exceeds(&whole), "that there is none is said, too");
    }
}
