//! From a subscriber before and after a change to the events that the change causes. Nothing changed, no event.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::catalog::{
    SUBSCRIBER_ADDED, SUBSCRIBER_DELETED, SUBSCRIBER_STATUS_CHANGED, SUBSCRIBER_TAGGED, SUBSCRIBER_UNTAGGED,
    SUBSCRIBER_UPDATED,
};
use crate::event::EventType;
use crate::id::{ListId, SubscriberId};
use crate::subscriber::{Subscriber, TextField};

/// An event that has no id yet: what happened, and its data as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What kind of thing.
    pub event_type: EventType,
    /// A JSON object.
    pub data: String,
    /// Whom it is about.
    pub subject: Option<SubscriberId>,
    /// Whether the data say all that is known of a subscriber whom they name.
    pub is_whole: bool,
}

impl Draft {
    /// What someone tells of their own: it is about whom its data name.
    pub fn told(event_type: EventType, data: String) -> Self {
        #[derive(Deserialize)]
        struct Named {
            subscriber_id: SubscriberId,
        }
        let subject = serde_json::from_str::<Named>(&data).ok().map(|named| named.subscriber_id);
        Self { event_type, data, subject, is_whole: false }
    }

    fn about(subscriber: &Subscriber, event_type: EventType, data: String) -> Self {
        Self { event_type, data, subject: Some(subscriber.id), is_whole: true }
    }
}

/// The events of one change, in the order in which they are told: the subscriber, then its status, then its tags.
pub fn events(before: Option<&Subscriber>, after: Option<&Subscriber>) -> Vec<Draft> {
    match (before, after) {
        (None, None) => Vec::new(),
        (Some(gone), None) => vec![Draft::about(gone, SUBSCRIBER_DELETED, data(gone))],
        (None, Some(new)) => {
            let added = Draft::about(new, SUBSCRIBER_ADDED, data(new));
            std::iter::once(added)
                .chain(new.tags.iter().map(|tag| tagged(SUBSCRIBER_TAGGED, new, tag)))
                .collect()
        }
        (Some(before), Some(after)) if before == after => Vec::new(),
        (Some(before), Some(after)) => update_events(before, after),
    }
}

fn update_events(before: &Subscriber, after: &Subscriber) -> Vec<Draft> {
    let mut events = Vec::new();
    let changes = changes(before, after);
    if !changes.is_empty() {
        let data = with(data(after), "changes", &changes);
        events.push(Draft::about(after, SUBSCRIBER_UPDATED, data));
    }
    if before.status != after.status {
        let data = with(with(data(after), "old_status", &before.status), "new_status", &after.status);
        events.push(Draft::about(after, SUBSCRIBER_STATUS_CHANGED, data));
    }
    events.extend(after.tags.difference(&before.tags).map(|tag| tagged(SUBSCRIBER_TAGGED, after, tag)));
    events.extend(before.tags.difference(&after.tags).map(|tag| tagged(SUBSCRIBER_UNTAGGED, after, tag)));
    events
}

/// The changed fields, each with its old and new value. Status and tags have events of their own.
fn changes(before: &Subscriber, after: &Subscriber) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut note = |name: String, old: Value, new: Value| {
        if old != new {
            changes.insert(name, json!({"old": old, "new": new}));
        }
    };
    note("email".into(), json!(before.email), json!(after.email));
    for field in TextField::ALL {
        note(field.as_str().into(), json!(before.text(field)), json!(after.text(field)));
    }
    let names = before
        .custom_fields
        .keys()
        .chain(after.custom_fields.keys().filter(|k| !before.custom_fields.contains_key(*k)));
    for name in names {
        let value = |of: &Subscriber| of.custom_fields.get(name).cloned().unwrap_or_default();
        note(format!("custom_fields.{name}"), value(before), value(after));
    }
    note("lists".into(), json!(list_ids(before)), json!(list_ids(after)));
    changes
}

fn list_ids(subscriber: &Subscriber) -> Vec<ListId> {
    subscriber.lists.keys().copied().collect()
}

/// A subscriber as the data of an event: the names of the specification.
#[derive(Serialize)]
struct Data<'a> {
    subscriber_id: i64,
    email: &'a str,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    phone: Option<&'a str>,
    company: Option<&'a str>,
    list_id: Option<ListId>,
    lists: Vec<ListId>,
    tags: &'a std::collections::BTreeSet<String>,
    status: &'a str,
    source: Option<&'a str>,
    custom_fields: &'a Map<String, Value>,
}

/// A subscriber as the data of an event that is about a change of it.
pub fn data(of: &Subscriber) -> String {
    let data = Data {
        subscriber_id: of.id.0,
        email: of.email.as_str(),
        first_name: of.first_name.as_deref(),
        last_name: of.last_name.as_deref(),
        phone: of.phone.as_deref(),
        company: of.company.as_deref(),
        list_id: of.lists.keys().next().copied(),
        lists: list_ids(of),
        tags: &of.tags,
        status: of.status.as_str(),
        source: of.source.as_deref(),
        custom_fields: &of.custom_fields,
    };
    json_text(&data)
}

fn tagged(event_type: EventType, subscriber: &Subscriber, tag: &str) -> Draft {
    Draft::about(subscriber, event_type, with(data(subscriber), "tag", &tag))
}

/// The object with one more member at its end.
fn with(mut object: String, name: &str, value: &impl Serialize) -> String {
    object.pop();
    object.push_str(&format!(",\"{name}\":{}}}", json_text(value)));
    object
}

#[expect(clippy::expect_used, reason = "strings, numbers and maps with text keys always have a JSON form")]
fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SubscriberId;
    use crate::subscriber::{MemberStatus, Status};
    use crate::time::Timestamp;

    fn ada() -> Subscriber {
        let mut ada = Subscriber::new(
            SubscriberId(7),
            "ada@example.com".parse().unwrap(),
            Status::Subscribed,
            Timestamp::from_millis(0),
        );
        ada.first_name = Some("Ada".into());
        ada.tags.insert("web".into());
        ada.custom_fields.insert("plan".into(), json!("pro"));
        ada
    }

    fn told(before: Option<&Subscriber>, after: Option<&Subscriber>) -> Vec<(String, Value)> {
        let parse = |draft: Draft| (draft.event_type.to_string(), serde_json::from_str(&draft.data).unwrap());
        events(before, after).into_iter().map(parse).collect()
    }

    #[test]
    fn a_new_subscriber_is_added_then_tagged() {
        let told = told(None, Some(&ada()));
        assert_eq!(told[0].0, "subscriber_added");
        assert_eq!(
            told[0].1,
            json!({"subscriber_id": 7, "email": "ada@example.com", "first_name": "Ada", "last_name": null, "phone": null,
                "company": null, "list_id": null, "lists": [], "tags": ["web"], "status": "subscribed", "source": null,
                "custom_fields": {"plan": "pro"}})
        );
        assert_eq!((told[1].0.as_str(), &told[1].1["tag"]), ("subscriber_tagged", &json!("web")));
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn an_update_names_what_changed_with_the_old_values() {
        let mut after = ada();
        after.first_name = None;
        after.company = Some("Acme \"Ltd\"".into());
        after.custom_fields.insert("plan".into(), json!("free"));
        after.lists.insert(ListId(3), MemberStatus::Subscribed);
        let told = told(Some(&ada()), Some(&after));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, "subscriber_updated");
        assert_eq!(
            told[0].1["changes"],
            json!({"first_name": {"old": "Ada", "new": null}, "company": {"old": null, "new": "Acme \"Ltd\""},
                "custom_fields.plan": {"old": "pro", "new": "free"}, "lists": {"old": [], "new": [3]}})
        );
    }

    #[test]
    fn status_and_tags_have_events_of_their_own() {
        let mut after = ada();
        after.status = Status::Unsubscribed;
        after.tags = ["vip".to_owned()].into();
        let told = told(Some(&ada()), Some(&after));
        let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["subscriber_status_changed", "subscriber_tagged", "subscriber_untagged"]);
        assert_eq!(
            (&told[0].1["old_status"], &told[0].1["new_status"]),
            (&json!("subscribed"), &json!("unsubscribed"))
        );
        assert_eq!((&told[1].1["tag"], &told[2].1["tag"]), (&json!("vip"), &json!("web")));
    }

    #[test]
    fn nothing_changed_no_event() {
        let mut touched = ada();
        touched.updated_at = Timestamp::from_millis(5);
        assert_eq!(told(Some(&ada()), Some(&touched)), []);
        assert_eq!(told(None, None), []);
        assert_eq!(told(Some(&ada()), None)[0].0, "subscriber_deleted");
    }
}
