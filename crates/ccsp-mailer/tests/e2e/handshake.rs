//! Senders that ask before they send get the answer that they expect, if they have the token.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Kind, Server, World, target};

on_both_databases!(questions_of_known_senders_are_answered);

async fn ask(
    server: &Server,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let answer = server.raw(method, target, headers, body.to_owned()).await.unwrap();
    (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
}

async fn preset(server: &Server, name: &str) -> (Value, String) {
    let webhook = server.incoming(json!({"preset": name})).await;
    let address = target(&webhook);
    (webhook, address)
}

async fn questions_of_known_senders_are_answered(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;

    // Meta's challenge: the verify token is that of the URL.
    let (webhook, address) = preset(&server, "meta_leads").await;
    let token = webhook["token"].as_str().unwrap();
    let challenge = format!("{address}&hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    assert_eq!(ask(&server, Method::GET, &challenge, &[], "").await, (200, "1158201444".to_owned()));
    let wrong = address.replace(token, "wrong-token-wrong-token-wrong-token-");
    let (status, text) = ask(&server, Method::GET, &challenge.replace(&address, &wrong), &[], "").await;
    assert!(status == 405 && !text.contains("1158201444"), "{status} {text}");

    // Microsoft Graph asks by POST.
    let (_, address) = preset(&server, "microsoft_graph").await;
    let asked = format!("{address}&validationToken=Validation%3A+Testing");
    let (status, text) = ask(&server, Method::POST, &asked, &[("content-type", "text/plain")], "").await;
    assert_eq!((status, text.as_str()), (200, "Validation: Testing"));

    // CloudEvents asks by OPTIONS.
    let (_, address) = preset(&server, "cloudevents").await;
    let headers = [("webhook-request-origin", "eventemitter.example.com")];
    let answer = server.raw(Method::OPTIONS, &address, &headers, "").await.unwrap();
    assert_eq!(answer.header("webhook-allowed-origin"), Some("eventemitter.example.com"));

    // Who knows no such question refuses.
    let webhook = server.incoming(json!({})).await;
    for method in [Method::GET, Method::OPTIONS, Method::PUT] {
        let refused = server.raw(method, &target(&webhook), &headers, "").await.unwrap();
        refused.expect(StatusCode::METHOD_NOT_ALLOWED).unwrap();
    }
}
