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
