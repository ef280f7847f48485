//! A sender that the user describes is as good as one that the program knows.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signature::{Scheme, Secret, Source};

use crate::support::{Kind, Server, World, merged, target, text};

on_both_databases!(a_sender_of_ones_own);

fn description() -> Value {
    json!({
        "id": "our_shop", "name": "Our shop",
        "scheme": {
            "algorithm": "hmac_sha512", "encoding": "base64", "content": "{timestamp}|{body}",
            "signature": {"from": "header:x-shop-signature", "prefix": "s1="},
            "timestamp": {"from": "header:x-shop-time"}, "timestamp_unit": "rfc3339", "tolerance_seconds": 86400,
        },
        "handshakes": [{"method": "GET", "when": {"query:challenge": "*"}, "json": {"answer": "{hmac(query:challenge)}"}}],
        "records": "orders", "event": ["body:kind"], "dedupe": ["header:x-shop-id"],
        "mapping": [{"to": "email", "from": "buyer.mail"}, {"to": "first_name", "from": "buyer.name"}],
        "on_unprocessable": "accept",
    })
}

async fn post(server: &Server, webhook: &Value, secret: &str) -> StatusCode {
    let body = r#"{"orders":[{"kind":"paid","buyer":{"mail":"ada@example.com","name":"Ada"}}]}"#;
    let scheme: Scheme = serde_json::from_value(description()["scheme"].clone()).unwrap();
    let now = crate::signatures::now();
    let signed = scheme.sign(&Secret::new(secret), "POST", "", body.as_bytes(), "", now).unwrap();
    let mut headers = vec![("content-type", "application/json")];
    for (source, value) in &signed {
        let Source::Header(name) = source else { panic!("{source}") };
        headers.push((name.as_str(), value));
    }
    server.raw(Method::POST, &target(webhook), &headers, body).await.unwrap().status
}

async fn a_sender_of_ones_own(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    server.make("/presets", description()).await;
    let mut large = merged(description(), json!({"id": "large"}));
    large["samples"] = json!([{"body": "x".repeat(70_000)}]);
    server.post("/presets", &large).await.unwrap().expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    let settings = json!({"preset": "our_shop", "signature": {"secret": "a secret of the shop"}});
    let webhook = server.incoming(settings).await;

    assert_eq!(post(&server, &webhook, "another secret").await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&server, &webhook, "a secret of the shop").await, StatusCode::OK);
    assert_eq!(server.subscriber("ada@example.com").await.unwrap()["first_name"], "Ada");
    let asked = format!("{}&challenge=abc", target(&webhook));
    let answer = server.raw(Method::GET, &asked, &[], "").await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(text(&answer["answer"]).len(), 64);

    // It is stored, and what is changed of it holds for the webhooks that have it.
    server.program.kill9().await.unwrap();
    let server = Server::of(node.start().await.unwrap(), server.key);
    assert_eq!(post(&server, &webhook, "a secret of the shop").await, StatusCode::OK);
    server.change("/presets/our_shop", json!({"scheme": {"content": "{timestamp}:{body}"}})).await;
    assert_eq!(post(&server, &webhook, "a secret of the shop").await, StatusCode::UNAUTHORIZED);
}
