//! Events that a webhook never got, sent after all, and each once.

use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};

use crate::support::{PATIENCE, Server};

/// A server with a webhook that never got four of its events, and a receiver.
struct Missing {
    server: Server,
    receiver: Receiver,
    path: String,
}

impl Missing {
    async fn publish(&self, event: &str, n: i64) -> String {
        let event = json!({"event": event, "data": {"n": n}});
        let published = self.server.post("/events", event).await;
        published.json()["id"].as_str().unwrap().to_owned()
    }

    async fn replay(&self, input: Value) -> Value {
        let answer = self.server.post(&format!("{}/replay", self.path), input).await;
        assert!(answer.status < 300, "{}", answer.text);
        answer.json()
    }

    async fn count(&self) -> Value {
        self.replay(json!({"status": "missed", "dry_run": true})).await["total"].clone()
    }

    /// Waits until the receiver has so many, and returns what it has.
    async fn received(&self, count: usize) -> Vec<i64> {
        let requests = self.receiver.wait_for(count, PATIENCE).await.unwrap();
        let number = |request: &testkit::receiver::ReceivedRequest| {
            request.json().unwrap()["data"]["n"].as_i64().unwrap()
        };
        requests.iter().map(number).collect()
    }

    async fn settled(&self, task: &Value) {
        let path = format!("/tasks/{}", task["id"].as_str().unwrap());
        eventually("the task to end", PATIENCE, async || {
            (self.server.get(&path).await.json()["state"] == "done").then_some(())
        })
        .await
        .unwrap();
    }
}

async fn missing(server: Server) -> Missing {
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::ok()));
    let mut all = Missing { server, receiver, path: String::new() };
    // Before there was the webhook.
    all.publish("order_paid", 1).await;
    all.publish("order_lost", 100).await;
    let webhook = json!({"name": "Shop", "url": all.receiver.url("/hook"), "events": ["order_paid"],
        "filter": "data.n < 50", "status": "inactive"});
    let webhook = all.server.post("/outgoing-webhooks", webhook).await.json();
    all.path = format!("/outgoing-webhooks/{}", webhook["id"].as_str().unwrap());
    // While it was inactive; and one that its filter does not take.
    all.publish("order_paid", 2).await;
    all.publish("order_paid", 101).await;
    all.server.patch(&all.path, json!({"status": "active", "events": ["order_sent"]})).await;
    // Of a kind that it did not subscribe to.
    all.publish("order_paid", 3).await;
    all.server.patch(&all.path, json!({"events": ["order_paid"]})).await;
    all
}

#[tokio::test]
async fn what_was_missed_is_sent_once_on_sqlite() {
    what_was_missed_is_sent_once(Server::start_beside_receivers().await).await;
}

#[tokio::test]
async fn what_was_missed_is_sent_once_on_postgres() {
    what_was_missed_is_sent_once(Server::start_on_postgres_beside_receivers().await).await;
}

async fn what_was_missed_is_sent_once(server: Server) {
    let all = missing(server).await;
    // One that it got.
    let got = all.publish("order_paid", 4).await;
    assert_eq!(all.received(1).await, [4]);
    assert_eq!(all.count().await, json!(3));
    let task = all.replay(json!({"status": "missed", "per_second": 1_000})).await;
    assert_eq!((&task["kind"], &task["total"]), (&json!("send_missed"), &json!(3)));
    all.settled(&task).await;
    let mut numbers = all.received(4).await;
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(all.count().await, json!(0), "each once");
    let again = all.replay(json!({"status": "missed"})).await;
    all.settled(&again).await;

    // The page of an event shows the delivery that was made of it later.
    let log = format!("{}/deliveries?status=delivered", all.path);
    let delivered = eventually("all to be recorded", PATIENCE, async || {
        let log = all.server.get(&log).await.json()["data"].as_array().unwrap().clone();
        (log.len() == 4).then_some(log)
    });
    for delivery in delivered.await.unwrap() {
        let event =
            all.server.get(&format!("/events/{}", delivery["event_id"].as_str().unwrap())).await.json();
        assert_eq!(event["deliveries"][0]["id"], delivery["id"]);
        assert_eq!(event["deliveries"][0]["to_listener"], json!(false));
    }

    // What a cleared log does not tell any more is not sent again.
    assert_eq!(all.server.delete(&format!("{}/deliveries", all.path)).await.json(), json!({"deleted": 4}));
    assert_eq!(all.count().await, json!(0));
    let event = all.server.get(&format!("/events/{got}")).await.json();
    assert_eq!(event["deliveries"], json!([]));
    assert_eq!(all.receiver.count(), 4);
}

#[tokio::test]
async fn only_those_of_a_time_and_at_a_rate() {
    let all = missing(Server::start_beside_receivers().await).await;
    // So many that there is a look before the last is sent.
    all.server.patch(&all.path, json!({"events": ["order_sent"]})).await;
    for n in 4..44 {
        all.publish("order_paid", n).await;
    }
    all.server.patch(&all.path, json!({"events": ["order_paid"]})).await;
    let long_ago = json!({"status": "missed", "until": "2020-01-01T00:00:00Z", "dry_run": true});
    assert_eq!(all.replay(long_ago).await["total"], json!(0));
    let task =
        all.replay(json!({"status": "missed", "since": "2020-01-01T00:00:00Z", "per_second": 1})).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    all.received(1).await;
    let running = all.server.get(&path).await.json();
    assert_eq!(
        (&running["state"], running["done"].as_i64() < Some(40)),
        (&json!("running"), true),
        "{running}"
    );
    assert_eq!(all.server.delete(&path).await.status, 204);
    all.server.patch(&all.path, json!({"status": "inactive"})).await;
    let refused = all.server.post(&format!("{}/replay", all.path), json!({"status": "missed"})).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
}
