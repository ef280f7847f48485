//! Deliveries sent again with edited data.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};

use crate::support::{Answer, PATIENCE, Server, request};

/// A server with a delivery that its receiver refused, and will not refuse once more.
struct Refused {
    server: Server,
    receiver: Receiver,
    webhook: String,
    delivery: String,
    event: String,
}

impl Refused {
    async fn on(server: Server, more: Value) -> Self {
        let receiver = Receiver::start().await.unwrap();
        receiver.otherwise(always(Reply::new(StatusCode::BAD_REQUEST)));
        let mut settings = json!({"name": "Shop", "url": receiver.url("/hook"), "events": ["order_paid"],
            "retry": {"schedule_seconds": []}});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = server.post("/outgoing-webhooks", settings).await;
        let webhook = format!("/outgoing-webhooks/{}", text(&made.json()["id"]));
        let event = json!({"event": "order_paid", "data": {"subscriber_id": 7, "n": 1},
            "timestamp": "2026-01-15T10:30:00.000Z"});
        let event = text(&server.post("/events", event).await.json()["id"]);
        let mut all = Self { server, receiver, webhook, delivery: String::new(), event };
        all.delivery = text(&all.ended("failed").await["id"]);
        all.receiver.otherwise(always(Reply::ok()));
        all
    }

    /// Waits until a delivery has this status.
    async fn ended(&self, status: &str) -> Value {
        let log = format!("{}/deliveries?status={status}", self.webhook);
        let found = eventually(status, PATIENCE, async || {
            self.server.get(&log).await.json()["data"].as_array().unwrap().first().cloned()
        });
        found.await.unwrap()
    }

    async fn resend(&self, input: Value) -> Answer {
        self.server.post(&format!("/deliveries/{}/resend", self.delivery), input).await
    }

    async fn total(&self, path: &str) -> usize {
        self.server.get(path).await.json()["data"].as_array().unwrap().len()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_arrives_under_an_id_of_its_own_and_nobody_else_gets_it_on_sqlite() {
    it_arrives_under_an_id_of_its_own_and_nobody_else_gets_it(Server::start_beside_receivers().await).await;
}

#[tokio::test]
async fn it_arrives_under_an_id_of_its_own_and_nobody_else_gets_it_on_postgres() {
    let server = Server::start_on_postgres_beside_receivers().await;
    it_arrives_under_an_id_of_its_own_and_nobody_else_gets_it(server).await;
}

async fn it_arrives_under_an_id_of_its_own_and_nobody_else_gets_it(server: Server) {
    // The filter takes the first, and would not take what it is edited to.
    let more = json!({"filter": "data.n == 1", "payload": {"number": "{data.n}", "at": "{timestamp}"}});
    let all = Refused::on(server, more).await;
    let server = &all.server;
    let other = json!({"name": "Other", "url": all.receiver.url("/other"), "events": ["*"]});
    let other = text(&server.post("/outgoing-webhooks", other).await.json()["id"]);

    let made = all.resend(json!({"data": {"subscriber_id": 7, "n": 2}})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let entry = made.json();
    let id = text(&entry["id"]);
    assert_eq!((&entry["resent_from"], &entry["status"]), (&json!(all.delivery), &json!("pending")));
    assert!(made.headers["location"].to_str().unwrap().ends_with(&format!("/deliveries/{id}")));
    let arrived = all.ended("delivered").await;
    assert_eq!((&arrived["id"], &arrived["resent_from"]), (&json!(id), &json!(all.delivery)));
    let sent = all.receiver.requests().pop().unwrap();
    assert_eq!((sent.path(), sent.json().unwrap()["number"].clone()), ("/hook", json!(2)));
    assert_eq!(sent.json().unwrap()["at"], "2026-01-15T10:30:00Z", "when it happened");
    assert_eq!(sent.header("webhook-id"), entry["event_id"].as_str());
    assert_ne!(sent.header("webhook-id"), Some(all.event.as_str()));
    assert!(sent.header("webhook-signature").is_some(), "signed like any other");

    // The first stays as it is, and names it.
    let first = server.get(&format!("/deliveries/{}", all.delivery)).await.json();
    assert_eq!((&first["status"], &first["resends"]), (&json!("failed"), &json!([id])));
    assert_eq!(first["resent_from"], Value::Null);

    // It is no new fact: the lists have the first event alone, and what others missed does not have it.
    assert_eq!((all.total("/events").await, all.total("/events?q=%22n%22:2").await), (1, 0));
    let shown = server.get(&format!("/events/{}", text(&entry["event_id"]))).await.json();
    assert_eq!((&shown["resent_from"], &shown["data"]["n"]), (&json!(all.delivery), &json!(2)));
    assert_eq!(shown["deliveries"][0]["id"], json!(id));
    assert_eq!(shown["not_subscribed"]["count"], json!(0));
    let missed = json!({"status": "missed", "dry_run": true});
    let missed = server.post(&format!("/outgoing-webhooks/{other}/replay"), missed).await.json();
    assert_eq!(missed["total"], json!(1), "the first, from before there was this webhook");
    assert_eq!(all.total(&format!("/outgoing-webhooks/{other}/deliveries")).await, 0);

    // It counts like any other.
    let stats = server.get(&format!("{}/stats", all.webhook)).await.json();
    assert_eq!((&stats["delivered"], &stats["failed"]), (&json!(1), &json!(1)), "{stats}");
    let told = server.get("/audit-log?action=delivery.resent").await.json();
    assert_eq!(told["data"][0]["target"]["id"], json!(all.delivery));
    assert_eq!(told["data"][0]["changes"][0]["new"], json!(id));
}

#[tokio::test]
async fn the_same_request_twice_sends_once() {
    let all = Refused::on(Server::start_beside_receivers().await, json!({})).await;
    let path = format!("/deliveries/{}/resend", all.delivery);
    let ask = async || {
        let mut asked =
            request(Method::POST, &path, Some(engine::Scope::Write), Some(json!({"data": {"n": 2}})));
        asked.headers_mut().insert("idempotency-key", "k-1".parse().unwrap());
        all.server.send(asked).await
    };
    let (one, again) = (ask().await, ask().await);
    assert_eq!((one.status, again.status, &one.text), (201, 201, &again.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let first = all.server.get(&format!("/deliveries/{}", all.delivery)).await.json();
    assert_eq!(first["resends"], json!([one.json()["id"]]));
    assert_eq!(all.total("/audit-log?action=delivery.resent").await, 1);
}

#[tokio::test]
async fn what_can_not_be_sent_is_refused_and_says_why() {
    let all = Refused::on(Server::start_beside_receivers().await, json!({})).await;
    let server = &all.server;
    for wrong in [json!([1]), json!("x"), json!(7), Value::Null] {
        let answer = all.resend(json!({"data": wrong})).await;
        let fault = answer.json()["errors"][0].clone();
        assert_eq!((answer.status, fault["field"].as_str()), (422, Some("data")), "{}", answer.text);
        assert_eq!(fault["message"], "must be an object");
    }
    let unknown = all.resend(json!({"payload": {}})).await;
    assert_eq!((unknown.status, unknown.json()["errors"][0]["field"].as_str()), (400, Some("payload")));

    let kind = json!({"name": "order_paid", "schema": {"type": "object",
        "properties": {"n": {"type": "integer"}}}});
    let declared = server.post("/event-types", kind).await;
    assert_eq!(declared.status, 201, "{}", declared.text);
    let unfit = all.resend(json!({"data": {"n": "two"}})).await;
    assert_eq!((unfit.status, unfit.json()["errors"][0]["field"].as_str()), (422, Some("data.n")));

    let path = format!("{}/test", all.webhook);
    let test = text(&server.post(&path, json!({"data": {"n": 1}})).await.json()["delivery_id"]);
    let of_test = server.post(&format!("/deliveries/{test}/resend"), json!({"data": {"n": 3}})).await;
    assert_eq!((of_test.status, of_test.code().as_str()), (409, "conflict"));
    let nothing = server.post("/deliveries/dlv_01hm6m6f40qv1s0a7yj1e2x3z4/resend", json!({})).await;
    assert_eq!(nothing.status, 404);

    server.patch(&all.webhook, json!({"status": "inactive"})).await;
    let inactive = all.resend(json!({"data": {"n": 2}})).await;
    assert_eq!((inactive.status, inactive.code().as_str()), (409, "conflict"));
    assert_eq!(server.delete(&all.webhook).await.status, 204);
    assert_eq!(all.resend(json!({"data": {"n": 2}})).await.status, 409);
    let first = server.get(&format!("/deliveries/{}", all.delivery)).await.json();
    assert_eq!(first["resends"], json!([]), "nothing was made");
    assert_eq!(all.total("/audit-log?action=delivery.resent").await, 0);
}

#[tokio::test]
async fn to_a_paused_webhook_it_waits() {
    let all = Refused::on(Server::start_beside_receivers().await, json!({})).await;
    all.server.patch(&all.webhook, json!({"status": "paused"})).await;
    let made = all.resend(json!({"data": {"n": 2}})).await.json();
    let event = all.server.get(&format!("/events/{}", text(&made["event_id"]))).await.json();
    assert_eq!(event["deliveries"][0]["reason"], json!("the webhook is paused"));
    all.server.patch(&all.webhook, json!({"status": "active"})).await;
    assert_eq!(all.ended("delivered").await["id"], made["id"]);
}
