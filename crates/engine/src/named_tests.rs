use std::sync::Arc;

use domain::subscriber::MemberStatus;
use domain::{ListId, Named, Status, Subscriber, SubscriberId};
use serde_json::{Value, json};
use store::commit::{Decide, Needs, Writes};

use crate::batch::Item;
use crate::command::{Command, NewEvent};
use crate::snapshot::Snapshot;
use crate::testing::{NOW, batch, config, decide, request, signup, vault};

const TEMPLATE: &str = "{subscriber_first_name}";

/// The incoming webhook with these settings, and outgoing webhooks with these.
fn with(incoming: Value, outgoing: &[Value]) -> Arc<Snapshot> {
    let vault = vault();
    let kinds: Vec<&[&str]> = vec![&["email_*"]; outgoing.len()];
    let mut config = config(&vault, incoming, &kinds);
    for ((webhook, _), change) in config.outgoing.changed.iter_mut().zip(outgoing) {
        let mut settings = serde_json::to_value(&webhook.settings).unwrap();
        settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        webhook.settings = serde_json::from_value(settings).unwrap();
    }
    Arc::new(Snapshot::new(config, &vault).unwrap())
}

fn ada() -> Subscriber {
    let email = "ada@example.com".parse().unwrap();
    let mut ada = Subscriber::new(SubscriberId(7), email, Status::Subscribed, NOW);
    ada.first_name = Some("Ada".to_owned());
    ada.lists.insert(ListId(1), MemberStatus::Subscribed);
    ada
}

fn publish(event_type: &str, data: &[Value]) -> Item {
    let new = |data: &Value| NewEvent {
        event_type: event_type.parse().unwrap(),
        occurred_at: None,
        data: data.to_string(),
    };
    Item::Command(Box::new(Command::Publish(data.iter().map(new).collect())))
}

fn received(snapshot: &Snapshot, body: String) -> Item {
    Item::Request(Box::new(crate::receive::admit(snapshot, &Arc::new(request(body)), NOW).unwrap()))
}

fn needs(snapshot: &Arc<Snapshot>, item: Item) -> Needs {
    batch(snapshot, vec![item], 1).0.needs()
}

fn first_names(writes: &Writes) -> Vec<Option<Value>> {
    let kept = |text: &Arc<str>| serde_json::from_str::<Value>(text).unwrap()["first_name"].clone();
    writes.events.iter().map(|event| event.subscriber.as_ref().map(kept)).collect()
}

#[test]
fn whom_events_name_is_known_where_a_webhook_asks_for_more_than_they_say() {
    let snapshot = with(json!({}), &[json!({}), json!({"payload": TEMPLATE, "status": "inactive"})]);
    let by_address = json!({"subscriber_email": "Ada@example.com"});
    let data = [
        json!({"subscriber_id": 7, "first_name": "Augusta"}),
        json!({"subscriber_id": 7}),
        by_address.clone(),
        json!({"subscriber_id": 8}),
        json!({"campaign_id": 456}),
    ];
    let address = Named::Email("ada@example.com".parse().unwrap());
    assert_eq!(
        needs(&snapshot, publish("email_opened", &data)).looked_at,
        [Named::Id(SubscriberId(7)), address, Named::Id(SubscriberId(8))]
    );
    let (writes, _) = decide(&snapshot, vec![publish("email_opened", &data)], vec![ada()]);
    let known = || Some(json!("Ada"));
    assert_eq!(first_names(&writes), [None, known(), known(), None, None]);
    assert_eq!(*writes.events[2].data, *by_address.to_string(), "what they say stays as it is");
    assert!(writes.subscribers.is_empty());
}

#[test]
fn what_nobody_asks_for_is_neither_loaded_nor_kept() {
    let snapshot = with(json!({}), &[json!({"payload": {"id": "{subscriber_id}", "of": "{data.n}"}})]);
    let asking = with(json!({}), &[json!({"payload": TEMPLATE})]);
    for (snapshot, event_type) in [(&snapshot, "email_opened"), (&asking, "order_paid")] {
        let item = || publish(event_type, &[json!({"subscriber_id": 7})]);
        assert_eq!(needs(snapshot, item()).looked_at, []);
        let (writes, _) = decide(snapshot, vec![item()], vec![ada()]);
        assert_eq!(first_names(&writes), [None]);
    }
    // The events of the program's own changes say everything.
    let all = with(json!({}), &[json!({"payload": "{custom_field_plan}", "events": ["*"]})]);
    let signup = || received(&all, signup("eve@example.com"));
    assert_eq!(needs(&all, signup()).looked_at, []);
    assert_eq!(first_names(&decide(&all, vec![signup()], vec![]).0), [None]);
}

#[test]
fn lists_and_filters_decide_by_what_is_known() {
    let outgoing = [
        json!({"lists": [1]}),
        json!({"lists": [2]}),
        json!({"filter": "subscriber_status == 'subscribed'"}),
    ];
    let snapshot = with(json!({}), &outgoing);
    let data = [json!({"subscriber_id": 7}), json!({"subscriber_id": 8})];
    let (writes, _) = decide(&snapshot, vec![publish("email_opened", &data)], vec![ada()]);
    let told = |at: usize| writes.deliveries.iter().filter(|d| d.event_id == writes.events[at].id).count();
    assert_eq!((told(0), told(1)), (2, 0));
    let reasons = |at: usize| -> Vec<&str> {
        writes.skipped[&writes.events[at].id].first.iter().map(|skipped| skipped.reason.as_str()).collect()
    };
    assert_eq!(reasons(0), ["the subscriber is on none of the webhook's lists"]);
    let unsaid = "the event does not say which lists a subscriber is on";
    assert_eq!(reasons(1), [unsaid, unsaid, "the webhook's filter does not hold"]);
}

#[test]
fn what_an_action_publishes_is_looked_up_as_well() {
    let opened = json!({"type": "publish_event", "event_type": "email_opened", "data": {"subscriber_id": "{data.id}"}});
    let actions = json!({"actions": [opened, {"type": "publish_event", "event_type": "order_paid"}]});
    let snapshot = with(actions, &[json!({"payload": TEMPLATE})]);
    let body = || json!({"data": {"id": 7, "email": "eve@example.com"}}).to_string();
    assert_eq!(needs(&snapshot, received(&snapshot, body())).looked_at, [Named::Id(SubscriberId(7))]);
    let (writes, _) = decide(&snapshot, vec![received(&snapshot, body())], vec![ada()]);
    assert_eq!(first_names(&writes), [Some(json!("Ada")), None]);
}

#[test]
fn someone_who_comes_with_the_same_request_is_known() {
    let opened =
        json!({"type": "publish_event", "event_type": "email_opened", "data": {"email": "{data.email}"}});
    let actions = json!({"actions": [{"type": "add_subscriber"}, opened]});
    let snapshot = with(actions, &[json!({"payload": TEMPLATE})]);
    let (writes, _) = decide(&snapshot, vec![received(&snapshot, signup("eve@example.com"))], vec![]);
    assert_eq!(first_names(&writes), [None, Some(json!("Ada"))], "added, and then told of");
}
