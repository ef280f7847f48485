//! A sender that names its requests may send them again at any time and in any order: each is acted upon once.

use std::collections::HashSet;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::http::Response;
use testkit::{Api, eventually};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{Kind, PATIENCE, Server, World, target, text};

on_both_databases!(
    one_after_the_other_and_in_another_order,
    sixty_four_at_once,
    from_who_did_not_wait_for_the_answer,
    across_a_restart,
    records_of_batches_that_overlap,
    batches_that_overlap_at_once,
);

/// A webhook whose payloads name their requests.
async fn webhook(server: &Server) -> Value {
    server.incoming(json!({"dedupe": {"key": "data.event_id", "window_seconds": 600}})).await
}

fn body(name: &str) -> String {
    json!({"data": {"event_id": name, "email": format!("{name}@example.com")}}).to_string()
}

async fn send(server: &Server, webhook: &Value, name: &str) -> Value {
    server.receive(webhook, &[], &body(name)).await.expect(StatusCode::OK).unwrap()
}

async fn log(server: &Server, webhook: &Value) -> Vec<Value> {
    server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await
}

/// Takes away what a request did: whoever acts upon it again brings it back.
async fn undo(server: &Server, name: &str) {
    let found = server.subscriber(&format!("{name}@example.com")).await.unwrap();
    server
        .delete(&format!("/subscribers/{}", found["id"]))
        .await
        .unwrap()
        .expect(StatusCode::NO_CONTENT)
        .unwrap();
}

/// That these were done once, and not again since they were undone.
async fn done_once(server: &Server, webhook: &Value, names: &[&str]) {
    assert_eq!(log(server, webhook).await.len(), names.len());
    assert_eq!(server.list("/events?event_type=subscriber_added").await.len(), names.len());
    for name in names {
        assert!(server.subscriber(&format!("{name}@example.com")).await.is_none(), "{name} came back");
    }
}

async fn one_after_the_other_and_in_another_order(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = webhook(&server).await;
    let names = ["a", "b", "c", "d"];
    let mut first = Vec::new();
    for name in names {
        let answer = send(&server, &webhook, name).await;
        assert_eq!(answer["duplicate"], Value::Null);
        undo(&server, name).await;
        first.push((name, answer["request_id"].clone()));
    }
    for round in 0..3 {
        first.rotate_left(round);
        for (name, request) in first.iter().rev() {
            let answer = send(&server, &webhook, name).await;
            assert_eq!((&answer["request_id"], &answer["duplicate"]), (request, &json!(true)));
        }
    }
    done_once(&server, &webhook, &names).await;
}

async fn sixty_four_at_once(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = webhook(&server).await;
    let mut senders = JoinSet::new();
    for _ in 0..64 {
        // Each on a connection of its own.
        let (api, target) = (Api::anonymous(server.program.address()), target(&webhook));
        senders.spawn(async move {
            let headers = [("content-type", "application/json")];
            api.raw(Method::POST, &target, &headers, body("a")).await.unwrap()
        });
    }
    let answers: Vec<Response> = senders.join_all().await;
    let answers: Vec<Value> = answers.iter().map(|answer| answer.expect(StatusCode::OK).unwrap()).collect();
    let requests: HashSet<&str> = answers.iter().map(|answer| text(&answer["request_id"])).collect();
    let first = answers.iter().filter(|answer| answer["duplicate"] != true).count();
    assert_eq!((requests.len(), first), (1, 1), "all of them are told of the one that was first");
    undo(&server, "a").await;
    send(&server, &webhook, "a").await;
    done_once(&server, &webhook, &["a"]).await;
}

async fn from_who_did_not_wait_for_the_answer(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = webhook(&server).await;
    let (target, body) = (target(&webhook), body("a"));
    let request = format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // A server that notices in time does nothing; the sender does not know, and sends again until it has been done.
    eventually("the request to be stored", PATIENCE, async || {
        let mut gone = TcpStream::connect(server.program.address()).await.unwrap();
        gone.write_all(request.as_bytes()).await.unwrap();
        drop(gone);
        (!log(&server, &webhook).await.is_empty()).then_some(())
    })
    .await
    .unwrap();
    undo(&server, "a").await;
    assert_eq!(send(&server, &webhook, "a").await["duplicate"], true);
    done_once(&server, &webhook, &["a"]).await;
}

async fn across_a_restart(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let webhook = webhook(&server).await;
    let first = send(&server, &webhook, "a").await;
    undo(&server, "a").await;
    server.program.kill9().await.unwrap();
    let server = Server::of(node.start().await.unwrap(), server.key);
    let again = send(&server, &webhook, "a").await;
    assert_eq!((&again["request_id"], &again["duplicate"]), (&first["request_id"], &json!(true)));
    done_once(&server, &webhook, &["a"]).await;
}

/// A batch of events as SendGrid posts them.
fn batch(names: impl IntoIterator<Item = usize>) -> String {
    let event = |name: usize| json!({"email": format!("r{name}@example.com"), "event": "open", "sg_event_id": format!("ev{name}")});
    Value::Array(names.into_iter().map(event).collect()).to_string()
}

async fn sendgrid(server: &Server) -> Value {
    server.incoming(json!({"preset": "sendgrid", "signature": {"scheme": "none"}})).await
}

async fn send_batch(server: &Server, webhook: &Value, names: impl IntoIterator<Item = usize>) -> Value {
    server.receive(webhook, &[], &batch(names)).await.expect(StatusCode::OK).unwrap()
}

/// A sender puts what it sends again into other arrays than before: each record is acted upon once, also after a crash.
async fn records_of_batches_that_overlap(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let webhook = sendgrid(&server).await;
    let first = send_batch(&server, &webhook, [1, 2, 2]).await;
    assert_eq!((&first["processed_records"], &first["duplicate"]), (&json!(2), &Value::Null));
    for name in ["r1", "r2"] {
        undo(&server, name).await;
    }
    let second = send_batch(&server, &webhook, [2, 3]).await;
    assert_eq!((&second["processed_records"], &second["duplicate"]), (&json!(1), &Value::Null));
    undo(&server, "r3").await;
    let same = send_batch(&server, &webhook, [2, 3]).await;
    assert_eq!((&same["request_id"], &same["duplicate"]), (&second["request_id"], &json!(true)));
    assert_eq!(log(&server, &webhook).await.len(), 2);

    server.program.kill9().await.unwrap();
    let server = Server::of(node.start().await.unwrap(), server.key);
    let mixed = send_batch(&server, &webhook, [3, 1]).await;
    assert_eq!((&mixed["processed_records"], &mixed["duplicate"]), (&json!(0), &json!(true)));
    let entries = log(&server, &webhook).await;
    assert_eq!(
        entries.iter().map(|entry| text(&entry["status"])).collect::<Vec<_>>(),
        ["ignored", "processed", "processed"]
    );
    let of = |record: usize, request: &Value| json!({"record": record, "of": request["request_id"]});
    assert_eq!(entries[0]["duplicates"], json!([of(0, &second), of(1, &first)]));
    assert_eq!(entries[1]["duplicates"], json!([of(0, &first)]));
    assert_eq!(entries[2]["duplicates"], json!([of(2, &first)]));

    // Run again by hand, a request does again what it did, and not what others did.
    let again = format!("/requests/{}/retry?all=true", text(&second["request_id"]));
    let again: Value = server.post(&again, &json!({})).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(again["duplicates"], entries[1]["duplicates"]);
    assert!(server.subscriber("r3@example.com").await.is_some());
    for name in ["r1", "r2"] {
        assert!(server.subscriber(&format!("{name}@example.com")).await.is_none(), "{name} came back");
    }
}

async fn batches_that_overlap_at_once(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = sendgrid(&server).await;
    let mut senders = JoinSet::new();
    for number in 0..32 {
        let (api, target) = (Api::anonymous(server.program.address()), target(&webhook));
        // Some in one order and some in the other.
        let mut names: Vec<usize> = (number..number + 8).collect();
        if number % 2 == 0 {
            names.reverse();
        }
        senders.spawn(async move {
            let headers = [("content-type", "application/json")];
            api.raw(Method::POST, &target, &headers, batch(names)).await.unwrap()
        });
    }
    let answers: Vec<Response> = senders.join_all().await;
    let answers: Vec<Value> = answers.iter().map(|answer| answer.expect(StatusCode::OK).unwrap()).collect();
    let processed: u64 = answers.iter().map(|answer| answer["processed_records"].as_u64().unwrap()).sum();
    assert_eq!(processed, 39, "each record by one of the requests that held it");
    assert_eq!(server.list("/events?event_type=subscriber_added&limit=200").await.len(), 39);
}
