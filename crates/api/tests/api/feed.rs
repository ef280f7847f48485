//! The feed, as a browser reads it.

use std::time::Duration;

use api::BASE;
use axum::body::Body;
use engine::Scope;
use engine::feed::{Entry, Told};
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};

use crate::support::{PATIENCE, Server, request};

/// How long nothing comes where all that happened has been told already.
const MOMENT: Duration = Duration::from_millis(50);

/// A connection to the feed.
struct Feed {
    body: Body,
    read: String,
}

impl Feed {
    async fn open(server: &Server, query: &str) -> Self {
        let response =
            server.open(request(Method::GET, &format!("/feed{query}"), Some(Scope::Read), None)).await;
        assert_eq!(response.status(), 200, "{query}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("content-type"), header("x-accel-buffering")),
            ("text/event-stream".into(), "no".into())
        );
        let mut feed = Self { body: response.into_body(), read: String::new() };
        let (name, hello) = feed.next().await;
        assert_eq!((name.as_str(), &hello["resumed"]), ("hello", &json!(false)));
        feed
    }

    /// The next event: its name, and its data.
    async fn next(&mut self) -> (String, Value) {
        loop {
            while !self.read.contains("\n\n") {
                let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("an event comes");
                let data = frame.unwrap().unwrap().into_data().unwrap();
                self.read.push_str(std::str::from_utf8(&data).unwrap());
            }
            let read = std::mem::take(&mut self.read);
            let (message, rest) = read.split_once("\n\n").unwrap();
            self.read = rest.to_owned();
            // What comes after a quiet time is a comment.
            if message.starts_with(':') {
                continue;
            }
            let line =
                |field: &str| message.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
            return (line("event: ").to_owned(), serde_json::from_str(line("data: ")).unwrap());
        }
    }
}

async fn post(server: &Server, webhook: &Value, body: Value) -> Value {
    let path = webhook["url"].as_str().unwrap().strip_prefix("https://mail.example.com").unwrap();
    let request = Request::post(path).header("content-type", "application/json");
    server.send(request.body(Body::from(body.to_string())).unwrap()).await.json()
}

#[tokio::test]
async fn requests_and_deliveries_are_told_as_they_happen() {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::ok()));
    let incoming =
        json!({"name": "Form", "event_type": "subscriber_added", "actions": [{"type": "add_subscriber"}]});
    let incoming = server.post("/incoming-webhooks", incoming).await.json();
    let outgoing = json!({"name": "Shop", "url": receiver.url("/hook"), "events": ["subscriber_added"]});
    let outgoing = server.post("/outgoing-webhooks", outgoing).await.json();
    post(&server, &incoming, json!({"data": {"email": "before@example.com"}})).await;
    let log = format!("/outgoing-webhooks/{}/deliveries?status=delivered", outgoing["id"].as_str().unwrap());
    let delivered = async || server.get(&log).await.json()["data"].as_array().unwrap().first().cloned();
    eventually("the delivery from before", PATIENCE, delivered).await.unwrap();

    let mut feed = Feed::open(&server, "").await;
    let answer =
        post(&server, &incoming, json!({"data": {"email": "ada@example.com", "secret": "sekret"}})).await;
    let ((first, request), (second, delivery)) = (feed.next().await, feed.next().await);
    assert_eq!((first.as_str(), second.as_str()), ("request", "delivery"));
    assert!(!format!("{request}{delivery}").contains("sekret"), "{request} {delivery}");
    assert_eq!(request["id"], answer["request_id"]);
    for (member, expected) in [
        ("webhook_id", &incoming["id"]),
        ("event_type", &json!("subscriber_added")),
        ("status", &json!("processed")),
        ("response_status", &json!(200)),
        ("error", &Value::Null),
    ] {
        assert_eq!(&request[member], expected, "{member}");
    }
    assert_eq!((&delivery["webhook_id"], &delivery["status"]), (&outgoing["id"], &json!("delivered")));
    assert_eq!(
        (&delivery["attempt"]["http_status"], &delivery["attempt"]["number"]),
        (&json!(200), &json!(1))
    );
    let id = delivery["id"].as_str().unwrap();
    let logged = server.get(&format!("/deliveries/{id}")).await.json();
    assert_eq!(logged["status"], "delivered", "what is told is in the log");
    server.engine.end_listening();
    while let Some(frame) = feed.body.frame().await {
        let comment = frame.unwrap().into_data().unwrap();
        assert!(comment.starts_with(b":"), "it ends when the server does: {comment:?}");
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_told() {
    let server = Server::start().await;
    let webhook = |name: &str| json!({"name": name, "event_type": "order_paid", "actions": [{"type": "add_subscriber"}]});
    let first = server.post("/incoming-webhooks", webhook("first")).await.json();
    let second = server.post("/incoming-webhooks", webhook("second")).await.json();
    let id = |webhook: &Value| webhook["id"].as_str().unwrap().to_owned();
    let mut of_second = Feed::open(&server, &format!("?incoming={}", id(&second))).await;
    let mut failed = Feed::open(&server, "?status=failed,rejected&events=order_*").await;
    let mut of_none = Feed::open(&server, &format!("?outgoing={}", id(&second))).await;
    let right = json!({"data": {"email": "ada@example.com"}});
    post(&server, &first, right.clone()).await;
    let wrong = post(&server, &first, json!({"data": {"email": "nobody"}})).await;
    let last = post(&server, &second, right).await;
    assert_eq!(of_second.next().await.1["id"], last["request_id"]);
    let (_, entry) = failed.next().await;
    assert_eq!((&entry["id"], &entry["error"]["field"]), (&wrong["request_id"], &json!("email")));
    let nothing = tokio::time::timeout(MOMENT, of_none.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn who_may_listen_and_for_what() {
    let server = Server::start().await;
    let stranger = Request::get(format!("{BASE}/feed")).body(Body::empty()).unwrap();
    assert_eq!(server.send(stranger).await.status, 401);
    for query in ["?status=lost", "?events=Order", "?incoming=1", "?sort=id"] {
        assert_eq!(server.get(&format!("/feed{query}")).await.status, 400, "{query}");
    }
    let mut again = request(Method::GET, "/feed", Some(Scope::Read), None);
    again.headers_mut().insert("last-event-id", "req_01hm6m6f40qv1s0a7yj1e2x3z4".parse().unwrap());
    let mut feed = Feed { body: server.open(again).await.into_body(), read: String::new() };
    assert_eq!(feed.next().await.1["resumed"], true);
    let mut all = Vec::new();
    for _ in 1..64 {
        all.push(Feed::open(&server, "").await);
    }
    let one_more = server.get("/feed").await;
    assert_eq!((one_more.status, one_more.code().as_str()), (503, "unavailable"));
    drop(feed);
    Feed::open(&server, "").await;
}

#[tokio::test]
async fn what_happens_on_another_node_is_told_too() {
    /// More than the nodes tell each other at once.
    const MANY: usize = 30;
    let server = Server::start_on_postgres().await;
    let webhook =
        json!({"name": "Form", "event_type": "subscriber_added", "actions": [{"type": "add_subscriber"}]});
    let webhook = server.post("/incoming-webhooks", webhook).await.json();
    let second = server.second_engine().await;
    let mut listener = second.listen().unwrap();
    // What is told may be lost on the way, and is until both have heard of each other: what happens goes on.
    let (mut posted, mut told) = (Vec::new(), Vec::new());
    eventually("many to be told", PATIENCE, async || {
        let answer = post(&server, &webhook, json!({"data": {"email": "ada@example.com"}})).await;
        posted.push(answer["request_id"].clone());
        while let Ok(next) = tokio::time::timeout(MOMENT, listener.next()).await {
            if let Told::Entry(entry) = next?
                && let Entry::Request(request) = entry.as_ref()
            {
                told.push(json!(request.id));
            }
        }
        (told.len() > MANY).then_some(())
    })
    .await
    .unwrap();
    let mut rest = posted.iter();
    let in_order = told.iter().all(|id| rest.any(|posted| posted == id));
    assert!(in_order, "each once, in order: {told:?} of {posted:?}");
    second.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn it_tells_that_a_webhook_was_deactivated() {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::new(http::StatusCode::GONE)));
    let webhook = json!({"name": "Shop", "url": receiver.url("/hook"), "events": ["order_paid"]});
    let webhook = server.post("/outgoing-webhooks", webhook).await.json();
    let id = webhook["id"].as_str().unwrap();
    let mut feed = Feed::open(&server, &format!("?outgoing={id}")).await;
    let mut of_another = Feed::open(&server, "?outgoing=a1b2c3d4e5f6").await;
    server.post("/events", json!({"event": "order_paid", "data": {}})).await;
    let mut told = [feed.next().await, feed.next().await];
    told.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!((told[0].0.as_str(), &told[0].1["status"]), ("delivery", &json!("failed")));
    let (name, health) = &told[1];
    assert_eq!((name.as_str(), &health["event_type"]), ("health", &json!("webhook_disabled")));
    assert_eq!((&health["webhook_id"], &health["webhook_name"]), (&webhook["id"], &json!("Shop")));
    assert!(health["reason"].as_str().unwrap().contains("410"), "{health}");
    let entry = server.get("/audit-log?action=outgoing_webhook.disabled").await.json()["data"][0].clone();
    assert_eq!((&entry["actor"]["kind"], &entry["target"]["id"]), (&json!("program"), &webhook["id"]));
    let nothing = tokio::time::timeout(MOMENT, of_another.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}
