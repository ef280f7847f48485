//! Subscribers, events, deliveries and log entries to write.

use domain::log::{DeliveryStatus, RequestStatus};
use domain::roster::Changed;
use domain::subscriber::MemberStatus;
use domain::{DeliveryId, Event, EventId, ListId, Status, Subscriber, SubscriberId, Timestamp, WebhookId};
use serde_json::json;
use store::commit::{NewDelivery, RequestRow, Writes};
use store::health::HealthRow;
use store::record::{AttemptRow, Record};

use crate::support::{Database, NOW};

/// A webhook's id, by a letter.
pub fn webhook(letter: char) -> WebhookId {
    letter.to_string().repeat(12).parse().unwrap()
}

/// A subscriber with nothing but an address.
pub fn subscriber(id: i64, email: &str) -> Subscriber {
    Subscriber::new(SubscriberId(id), email.parse().unwrap(), Status::Subscribed, NOW)
}

/// A subscriber who is new.
pub fn added(subscriber: Subscriber) -> Changed {
    Changed { before: None, after: Some(subscriber) }
}

/// An event of a kind.
pub fn event(id: EventId, event_type: &str) -> Event {
    Event {
        id,
        event_type: event_type.parse().unwrap(),
        occurred_at: NOW,
        data: r#"{"email":"ada@example.com"}"#.into(),
        request_id: None,
        subscriber: None,
    }
}

/// The delivery of an event.
pub fn delivery(database: &Database, event: &Event, to: WebhookId, due_at: Timestamp) -> NewDelivery {
    NewDelivery {
        id: database.id(),
        webhook_id: to,
        event_id: event.id,
        event_type: event.event_type.clone(),
        created_at: due_at,
        node: None,
        subject: None,
    }
}

/// An entry of the request log, processed.
pub fn request(database: &Database, webhook_id: WebhookId, payload: &str) -> RequestRow {
    RequestRow {
        id: database.id(),
        webhook_id,
        received_at: NOW,
        event_type: "subscriber_added".into(),
        sender_ip: "203.0.113.7".into(),
        method: "POST".into(),
        content_type: "application/json".into(),
        headers: r#"{"content-type":"application/json"}"#.into(),
        payload: payload.into(),
        status: RequestStatus::Processed,
        attempts: 1,
        outcome: "{}".into(),
        response_status: 200,
        response_body: "{}".into(),
        resent_from: None,
        sealed: None,
    }
}

/// A subscriber with everything.
pub fn full(id: i64, email: &str) -> Subscriber {
    let mut subscriber = subscriber(id, email);
    subscriber.first_name = Some("Ada".into());
    subscriber.last_name = Some("Lovelace".into());
    subscriber.phone = Some("+44 20 7946 0000".into());
    subscriber.company = Some("Analytical Engines".into());
    subscriber.source = Some("form".into());
    subscriber.custom_fields =
        json!({"plan": "pro", "seats": 3, "score": 0.5, "tags": ["a"], "nothing": null})
            .as_object()
            .unwrap()
            .clone();
    subscriber.lists = [(ListId(1), MemberStatus::Subscribed), (ListId(2), MemberStatus::Pending)].into();
    subscriber.tags = ["web".into(), "VIP ✓".into()].into();
    subscriber.confirmed_at = Some(NOW);
    subscriber
}

/// Adds subscribers.
pub async fn put_subscribers(database: &Database, subscribers: Vec<Subscriber>) {
    let changes = move || subscribers.iter().cloned().map(added).collect();
    database.put(move || Writes { subscribers: changes(), ..Writes::default() }).await;
}

/// A delivery of an event of its own, leased to a node.
pub async fn leased(database: &Database, to: &WebhookId, node: &'static str) -> DeliveryId {
    let told = event(database.id(), "order_paid");
    let new = NewDelivery { node: Some(node.into()), ..delivery(database, &told, to.clone(), NOW) };
    let id = new.id;
    database
        .put(move || Writes {
            events: vec![told.clone()],
            deliveries: vec![new.clone()],
            ..Writes::default()
        })
        .await;
    id
}

/// An attempt that took 100 ms.
pub fn attempt(delivery_id: DeliveryId, to: WebhookId, number: u32, status: DeliveryStatus) -> AttemptRow {
    AttemptRow {
        delivery_id,
        webhook_id: to,
        subject: None,
        number,
        attempted_at: NOW,
        first_attempt_at: NOW,
        duration_ms: 100,
        is_sent: true,
        http_status: Some(200),
        error_code: None,
        error: None,
        target: None,
        request_body: None,
        request_headers: "{}".into(),
        response_headers: r#"{"x":"ü"}"#.into(),
        response_body: "ok".into(),
        status,
        due_at: (status == DeliveryStatus::Retrying).then(|| NOW.plus_millis(300_000)),
        not_before: None,
        sign: None,
    }
}

/// Records attempts of a node.
pub async fn record(database: &Database, node: &str, attempts: Vec<AttemptRow>) {
    let judge = |row: &HealthRow, _: &AttemptRow| row.clone();
    database.store.write(Record { node: node.into(), attempts: attempts.into(), judge }).await.unwrap();
}
