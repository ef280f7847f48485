//! What senders send.

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Few people, so that requests meet.
pub const EMAILS: [&str; 5] =
    ["ada@example.com", "bob@example.com", "cleo@example.com", "dan@example.com", "eve@example.com"];

/// The incoming webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// Adds a subscriber to list 1 with the tag `web`.
    Signup,
    /// Updates one who exists: tag `vip` on, `web` off.
    Profile,
    /// Unsubscribes, and takes off list 1.
    Leave,
    /// Adds a subscriber with the tag `half`, then fails for want of a list.
    Broken,
}

/// Which webhook is how likely.
const OFTEN: [Hook; 7] =
    [Hook::Signup, Hook::Signup, Hook::Signup, Hook::Profile, Hook::Profile, Hook::Leave, Hook::Broken];

impl Hook {
    pub const ALL: [Hook; 4] = [Hook::Signup, Hook::Profile, Hook::Leave, Hook::Broken];

    pub fn name(self) -> &'static str {
        match self {
            Hook::Signup => "signup",
            Hook::Profile => "profile",
            Hook::Leave => "leave",
            Hook::Broken => "broken",
        }
    }

    /// The event it is for.
    pub fn event(self) -> &'static str {
        match self {
            Hook::Signup | Hook::Broken => "subscriber_added",
            Hook::Profile => "subscriber_updated",
            Hook::Leave => "subscriber_status_changed",
        }
    }

    pub fn settings(self) -> Value {
        let actions = match self {
            Hook::Signup => json!([{"type": "add_subscriber", "lists": [1], "tags": ["web"]}]),
            Hook::Profile => {
                json!([{"type": "update_subscriber", "add_tags": ["vip"], "remove_tags": ["web"]}])
            }
            Hook::Leave => {
                json!([{"type": "change_status", "status": "unsubscribed"}, {"type": "remove_from_list", "list_id": 1}])
            }
            Hook::Broken => {
                json!([{"type": "add_subscriber", "tags": ["half"]}, {"type": "add_to_list", "list_id": 99}])
            }
        };
        let mapping = (self == Hook::Profile).then(
            || json!([{"to": "email", "from": "data.mail"}, {"to": "first_name", "from": "data.name"}]),
        );
        json!({"name": self.name(), "event_type": self.event(), "actions": actions, "mapping": mapping})
    }
}

/// One record of a request.
#[derive(Clone, Debug)]
pub enum Record {
    /// About a person.
    Person { email: &'static str, name: String, status: Option<&'static str> },
    /// Without an email that is one.
    NoEmail,
    /// For another webhook.
    OtherEvent,
}

/// A request that a sender wants to get through, however often it takes.
#[derive(Clone, Debug)]
pub struct Order {
    pub hook: Hook,
    pub records: Vec<Record>,
    /// The sender's name for it.
    pub key: Option<String>,
    pub body: Bytes,
}

impl Order {
    /// One at random. No two have the same body.
    pub fn draw(number: usize, rng: &mut StdRng) -> Self {
        let hook = OFTEN[rng.random_range(0..OFTEN.len())];
        let count = if rng.random_bool(0.15) { rng.random_range(0..4) } else { 1 };
        let records: Vec<Record> = (0..count).map(|_| Record::draw(rng)).collect();
        let shown: Vec<Value> = records.iter().map(|record| record.json(hook, number)).collect();
        let body = match shown.as_slice() {
            [one] => one.to_string(),
            // White space tells empty arrays apart.
            [] => format!("[{}]", " ".repeat(number)),
            many => Value::from(many).to_string(),
        };
        let key = rng.random_bool(0.7).then(|| format!("order-{number}"));
        Self { hook, records, key, body: body.into() }
    }
}

impl Record {
    fn draw(rng: &mut StdRng) -> Self {
        match rng.random_range(0..20) {
            0 => Record::NoEmail,
            1 => Record::OtherEvent,
            _ => Record::Person {
                email: EMAILS[rng.random_range(0..EMAILS.len())],
                name: format!("Name {}", rng.random_range(0..6)),
                status: [None, None, Some("subscribed"), Some("pending")][rng.random_range(0..4)],
            },
        }
    }

    fn json(&self, hook: Hook, number: usize) -> Value {
        match self {
            Record::NoEmail => json!({"event": hook.event(), "n": number, "data": {"email": "nobody"}}),
            Record::OtherEvent => json!({"event": "order_paid", "n": number, "data": {}}),
            Record::Person { email, name, .. } if hook == Hook::Profile => {
                json!({"event": hook.event(), "n": number, "data": {"mail": email.to_uppercase(), "name": name}})
            }
            Record::Person { email, name, status } => {
                json!({"event": hook.event(), "n": number, "data": {"email": email, "first_name": name, "status": status}})
            }
        }
    }
}
