//! Events: what happened here, told to every outgoing webhook that subscribes to it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::email::Email;
use crate::id::{EventId, RequestId, SubscriberId};
use crate::time::Timestamp;

/// The name of a kind of event, built in or custom: `^[a-z][a-z0-9_]{0,63}$`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventType(Cow<'static, str>);

crate::schema::text_schema!(EventType, pattern = "^[a-z][a-z0-9_]{0,63}$", "subscriber_added");

/// The text is not the name of a kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters of a-z, 0-9 and _, and start with a letter")]
pub struct EventTypeError;

impl EventType {
    /// A built-in name, known to be well formed: `catalog`'s tests check each.
    pub(crate) const fn built_in(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventType {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, EventTypeError> {
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if starts && rest && text.len() <= 64 {
            Ok(Self(text.to_owned().into()))
        } else {
            Err(EventTypeError)
        }
    }
}

impl TryFrom<String> for EventType {
    type Error = EventTypeError;

    fn try_from(text: String) -> Result<Self, EventTypeError> {
        text.parse()
    }
}

impl From<EventType> for String {
    fn from(name: EventType) -> String {
        name.0.into_owned()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which kinds of events: a name, `*` for all, or a beginning such as `subscriber_*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventPattern {
    /// One kind.
    Exactly(EventType),
    /// All whose name begins like this.
    Beginning(String),
}

crate::schema::text_schema!(
    EventPattern,
    pattern = r"^([a-z][a-z0-9_]{0,63}|([a-z][a-z0-9_]{0,62})?\*)$",
    "subscriber_added"
);

impl EventPattern {
    /// Whether an event is of these kinds.
    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == event_type,
            Self::Beginning(beginning) => event_type.as_str().starts_with(beginning),
        }
    }
}

impl FromStr for EventPattern {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, EventTypeError> {
        match text.strip_suffix('*') {
            Some("") => Ok(Self::Beginning(String::new())),
            Some(beginning) => beginning.parse::<EventType>().map(|_| Self::Beginning(beginning.to_owned())),
            None => text.parse().map(Self::Exactly),
        }
    }
}

impl TryFrom<String> for EventPattern {
    type Error = EventTypeError;

    fn try_from(text: String) -> Result<Self, EventTypeError> {
        text.parse()
    }
}

impl From<EventPattern> for String {
    fn from(pattern: EventPattern) -> String {
        pattern.to_string()
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(name) => write!(f, "{name}"),
            Self::Beginning(beginning) => write!(f, "{beginning}*"),
        }
    }
}

/// Something that happened. Its data is kept as JSON text: it is rendered once and then only copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Unique, and sorts by time.
    pub id: EventId,
    /// What kind of thing.
    pub event_type: EventType,
    /// When.
    pub occurred_at: Timestamp,
    /// A JSON object.
    pub data: Arc<str>,
    /// The incoming request that caused it, if one did.
    pub request_id: Option<RequestId>,
    /// What was known of the subscriber whom the data name when it happened, where a webhook asks for more than the data say: a
    /// JSON object, as [`crate::change::data`] makes it. It stands beside the data, and is never sent as it is.
    pub subscriber: Option<Arc<str>>,
}

/// How an event's data name a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By `subscriber_id`.
    Id(SubscriberId),
    /// By `subscriber_email` or `email`, where there is no id.
    Email(Email),
}

impl Named {
    /// Whom data name, if they name anybody.
    pub fn in_data(data: &Value) -> Option<Self> {
        if let Some(id) = data.get("subscriber_id").and_then(Value::as_i64) {
            return Some(Self::Id(SubscriberId(id)));
        }
        let addresses = ["subscriber_email", "email"].into_iter().filter_map(|name| data.get(name)?.as_str());
        addresses.filter_map(|address| address.parse().ok()).next().map(Self::Email)
    }
}

impl Event {
    /// The subscriber that it is about, if it says so.
    pub fn subscriber_id(&self) -> Option<SubscriberId> {
        #[derive(Deserialize)]
        struct About {
            subscriber_id: i64,
        }
        let about: About = serde_json::from_str(&self.data).ok()?;
        Some(SubscriberId(about.subscriber_id))
    }

    /// The body of a delivery without a template: `{"event","timestamp","data"}`, as in the specification.
    pub fn envelope(&self) -> String {
        let Self { event_type, occurred_at, data, .. } = self;
        format!(r#"{{"event":"{event_type}","timestamp":"{occurred_at}","data":{data}}}"#)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names() {
        for right in ["a", "subscriber_added", "order_2_paid"] {
            assert!(right.parse::<EventType>().is_ok());
        }
        for wrong in ["", "_a", "2a", "A", "a-b", "a b", "é", &"a".repeat(65)] {
            assert!(wrong.parse::<EventType>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns() {
        let added: EventType = "subscriber_added".parse().unwrap();
        for (pattern, expected) in [
            ("*", true),
            ("subscriber_*", true),
            ("subscriber_added", true),
            ("campaign_*", false),
            ("email_sent", false),
        ] {
            let parsed: EventPattern = pattern.parse().unwrap();
            assert_eq!((parsed.matches(&added), parsed.to_string().as_str()), (expected, pattern));
        }
        for wrong in ["", "**", "*a", "a*b", "A*"] {
            assert!(wrong.parse::<EventPattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_envelope_is_the_specifications() {
        let event = Event {
            id: EventId::lowest_at(Timestamp::from_millis(0)),
            event_type: "email_opened".parse().unwrap(),
            occurred_at: "2024-01-15T11:45:00Z".parse().unwrap(),
            data: r#"{"campaign_id":456}"#.into(),
            request_id: None,
            subscriber: Some(r#"{"first_name":"Ada"}"#.into()),
        };
        assert_eq!(
            event.envelope(),
            r#"{"event":"email_opened","timestamp":"2024-01-15T11:45:00Z","data":{"campaign_id":456}}"#
        );
    }

    #[test]
    fn data_name_a_subscriber_by_id_or_else_by_address() {
        let ada = || Some(Named::Email("ada@example.com".parse().unwrap()));
        for (data, expected) in [
            (json!({"subscriber_id": 7, "email": "ada@example.com"}), Some(Named::Id(SubscriberId(7)))),
            (json!({"subscriber_id": null, "subscriber_email": "Ada@example.com"}), ada()),
            (json!({"subscriber_email": "nobody", "email": "ada@example.com"}), ada()),
            (json!({"subscriber_id": "7", "email": ""}), None),
            (json!({"campaign_id": 456}), None),
        ] {
            assert_eq!(Named::in_data(&data), expected, "{data}");
        }
    }
}
