//! A delivery that was refused, sent again with edited data: over REST, and at the command line.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::receiver::{Answer, always};
use testkit::{Receiver, eventually};

use crate::commands::Operator;
use crate::load::SETTLING;
use crate::support::{Kind, PATIENCE, Server, World, text};

on_both_databases!(it_outlives_the_process, the_command_takes_a_file_or_stdin);

/// A webhook whose destination refused one event, and the delivery of it.
async fn refused(server: &Server, receiver: &Receiver, settings: Value) -> (String, String) {
    receiver.otherwise(always(Answer::new(StatusCode::BAD_REQUEST)));
    let outgoing = server.outgoing(&receiver.url("/hook"), settings).await;
    let event = json!({"event": "order_paid", "data": {"number": "seven"}});
    server.make("/events", event).await;
    let path = format!("/outgoing-webhooks/{}", text(&outgoing["id"]));
    let log = format!("{path}/deliveries?status=failed,retrying");
    let found = eventually("the refusal", PATIENCE, async || server.list(&log).await.pop());
    (path, text(&found.await.unwrap()["id"]).to_owned())
}

/// Killed before it arrives, it is sent by the next process.
async fn it_outlives_the_process(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let receiver = Receiver::start().await.unwrap();
    let settings = json!({"events": ["order_paid"], "retry": {"schedule_seconds": [1, 2, 4, 8, 16]}});
    let (path, first) = refused(&server, &receiver, settings).await;

    receiver.otherwise(always(Answer::new(StatusCode::SERVICE_UNAVAILABLE)));
    let edited = json!({"data": {"number": 7}});
    let made = server.post(&format!("/deliveries/{first}/resend"), &edited).await.unwrap();
    let made = made.expect(StatusCode::CREATED).unwrap();
    server.program.kill9().await.unwrap();
    receiver.otherwise(always(Answer::ok()));
    let before = receiver.count();
    server = Server::of(node.start().await.unwrap(), server.key);

    let log = format!("{path}/deliveries?status=delivered");
    let id = text(&made["id"]);
    let arrived = eventually("it to arrive", SETTLING, async || {
        server.list(&log).await.into_iter().find(|entry| text(&entry["id"]) == id)
    });
    assert_eq!(arrived.await.unwrap()["resent_from"], json!(first));
    let sent = receiver.requests();
    let webhook_id = text(&made["event_id"]);
    let sent =
        sent[before..].iter().find(|request| request.header("webhook-id") == Some(webhook_id)).unwrap();
    assert_eq!(sent.json().unwrap()["data"], json!({"number": 7}));
    let shown = server.show(&format!("/deliveries/{first}")).await;
    assert_eq!(shown["resends"], json!([id]));
    assert_eq!(server.list("/events").await.len(), 1, "it is no new event");
}

async fn the_command_takes_a_file_or_stdin(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let receiver = Receiver::start().await.unwrap();
    let settings = json!({"events": ["order_paid"], "retry": {"schedule_seconds": []}});
    let (path, first) = refused(&server, &receiver, settings).await;
    receiver.otherwise(always(Answer::ok()));

    let fed = operator.feed(&["outgoing", "resend", &first, "--file", "-"], br#"{"number":7}"#).await;
    assert!(fed.status.success(), "{fed:?}");
    let told = String::from_utf8(fed.stdout).unwrap();
    assert!(told.contains(&format!("edited from  {first}")), "{told}");
    receiver.wait_for(2, PATIENCE).await.unwrap();
    let file = world.folder().join("data.json");
    std::fs::write(&file, r#"{"number":8}"#).unwrap();
    let made = operator.json(&["outgoing", "resend", &first, "--file", file.to_str().unwrap()]).await;
    assert_eq!(made["resent_from"], json!(first));
    receiver.wait_for(3, PATIENCE).await.unwrap();
    operator.run(&["outgoing", "resend", &first]).await;
    let sent = receiver.wait_for(4, PATIENCE).await.unwrap();
    let numbers: Vec<Value> =
        sent.iter().map(|request| request.json().unwrap()["data"]["number"].clone()).collect();
    assert_eq!(numbers, [json!("seven"), json!(7), json!(8), json!("seven")]);

    std::fs::write(&file, "[7]").unwrap();
    let wrong = operator.fails(1, &["outgoing", "resend", &first, "--file", file.to_str().unwrap()]).await;
    assert!(wrong.contains("data"), "{wrong}");
    operator.fails(2, &["outgoing", "resend", "dlv_1"]).await;
    server.change(&path, json!({"status": "inactive"})).await;
    let refused = operator.fails(1, &["outgoing", "resend", &first]).await;
    assert!(refused.contains("activate it"), "{refused}");
}
