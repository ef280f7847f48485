//! `Idempotency-Key`: carried out once, answered as often as asked.

use engine::Scope;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, Server, request};

fn keyed(key: &str, scope: Scope, path: &str, body: &Value) -> Request<axum::body::Body> {
    let mut request = request(Method::POST, path, Some(scope), Some(body.clone()));
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

fn body(name: &str) -> Value {
    json!({"name": name, "url": "https://example.com/hook", "events": ["subscriber_added"]})
}

async fn create(server: &Server, key: &str, name: &str) -> Answer {
    server.send(keyed(key, Scope::Write, "/outgoing-webhooks", &body(name))).await
}

async fn count(server: &Server) -> usize {
    server.get("/outgoing-webhooks?limit=200").await.json()["data"].as_array().unwrap().len()
}

async fn twice_is_once(server: &Server) {
    let first = create(server, "key-1", "A").await;
    let again = create(server, "key-1", "A").await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.text, first.text, "secrets included");
    assert_eq!(again.headers["location"], first.headers["location"]);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.headers["idempotency-replayed"], "true");

    let other = create(server, "key-1", "B").await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency-key-reused"));
    assert_eq!(count(server).await, 1);
    assert_eq!(create(server, "key-2", "A").await.status, 201);
    assert_eq!(count(server).await, 2);
}

async fn ten_at_once_are_one(server: &Server) {
    let body = body("A");
    let before = count(server).await;
    let all = (0..10).map(|_| server.send(keyed("same", Scope::Write, "/outgoing-webhooks", &body)));
    let answers = futures_util::future::join_all(all).await;
    assert!(
        answers.iter().all(|answer| answer.status == 201 && answer.text == answers[0].text),
        "{answers:?}"
    );
    let replayed = answers.iter().filter(|answer| answer.headers.contains_key("idempotency-replayed"));
    assert_eq!(replayed.count(), 9);
    assert_eq!(count(server).await, before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    let server = Server::start().await;
    twice_is_once(&server).await;
    ten_at_once_are_one(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    let server = Server::start_on_postgres().await;
    twice_is_once(&server).await;
    ten_at_once_are_one(&server).await;
}

#[tokio::test]
async fn a_key_belongs_to_who_sent_it_and_to_one_address() {
    let server = Server::start().await;
    let body = body("A");
    let by = |scope| server.send(keyed("mine", scope, "/outgoing-webhooks", &body));
    assert_ne!(by(Scope::Write).await.text, by(Scope::Admin).await.text);
    let elsewhere = server
        .send(keyed("mine", Scope::Write, "/incoming-webhooks", &json!({"name": "x", "event_type": "a"})))
        .await;
    assert_eq!(elsewhere.code(), "idempotency-key-reused");
}

#[tokio::test]
async fn what_was_refused_may_be_mended_under_the_same_key() {
    let server = Server::start().await;
    let refused = server.send(keyed("k", Scope::Write, "/outgoing-webhooks", &json!({"name": "A"}))).await;
    assert_eq!(refused.status, 422);
    assert_eq!(create(&server, "k", "A").await.status, 201);
}

#[tokio::test]
async fn a_key_must_have_its_form() {
    let server = Server::start().await;
    for wrong in ["", "a b", &"k".repeat(256)] {
        let answer = create(&server, wrong, "A").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid-header"), "{wrong}");
        assert_eq!(answer.faults()[0].0, "Idempotency-Key");
    }
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn an_api_key_is_shown_again_only_to_who_made_it_under_the_same_key() {
    let server = Server::start().await;
    let body = json!({"name": "Website", "scope": "read"});
    let first = server.send(keyed("k", Scope::Admin, "/api-keys", &body)).await;
    let again = server.send(keyed("k", Scope::Admin, "/api-keys", &body)).await;
    assert_eq!((first.status, &again.text), (201, &first.text));
}

/// Also where the POST would be refused now: what it made has the name that it asks for, or what it was for is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_outlives_what_it_was_about() {
    for server in [Server::start().await, Server::start_on_postgres().await] {
        let post = async |path: &str, body: Value| server.send(keyed(path, Scope::Write, path, &body)).await;
        let made = create(&server, "made", "A").await.json();
        let webhook = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
        let rotate = format!("{webhook}/rotate-secret");
        let all = [
            ("/custom-fields", json!({"name": "size", "label": "Size", "type": "text"})),
            ("/event-types", json!({"name": "order_shipped", "description": "It left."})),
            (&*rotate, json!({})),
        ];
        let mut first = Vec::new();
        for (path, body) in &all {
            let answer = post(path, body.clone()).await;
            assert!(answer.status < 300, "{path} {answer:?}");
            first.push(answer);
        }
        server.delete(&webhook).await;
        for ((path, body), first) in all.iter().zip(first) {
            let again = post(path, body.clone()).await;
            assert_eq!((again.status, &again.text), (first.status, &first.text), "{path}");
            assert_eq!(again.headers["idempotency-replayed"], "true", "{path}");
            let other = server.send(keyed("other", Scope::Write, path, body)).await;
            assert!([404, 409].contains(&other.status), "{path} {other:?}");
            // Neither is it given to others.
            let stranger = server.send(keyed(path, Scope::Admin, path, body)).await;
            assert!([404, 409].contains(&stranger.status), "{path} {stranger:?}");
        }
    }
}
