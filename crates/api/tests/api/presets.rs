//! Senders that users describe.

use serde_json::{Value, json};

use crate::support::Server;

fn shop() -> Value {
    json!({
        "id": "our_shop", "name": "Our shop", "documentation": ["https://shop.example.com/docs"],
        "scheme": {"algorithm": "hmac_sha256", "signature": {"from": "header:X-Shop-Signature"}},
        "handshakes": [{"method": "GET", "when": {"query:challenge": "*"}, "body": "{query:challenge}"}],
        "event": ["header:X-Shop-Event"], "dedupe": ["body:id"],
        "mapping": [{"to": "email", "from": "buyer.mail"}], "on_unprocessable": "accept",
        "samples": [{"body": "{\"id\":1,\"buyer\":{\"mail\":\"ada@example.com\"}}"}],
    })
}

fn webhook(preset: &str) -> Value {
    json!({"name": "Shop", "event_type": "subscriber_added", "preset": preset, "actions": []})
}

async fn ids(server: &Server) -> Vec<(String, bool)> {
    let known = server.get("/presets").await.json();
    let id = |preset: &Value| (preset["id"].as_str().unwrap().to_owned(), preset["own"] == true);
    known["data"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn one_is_described_used_changed_and_forgotten_on_sqlite() {
    life(&Server::start().await).await;
}

#[tokio::test]
async fn one_is_described_used_changed_and_forgotten_on_postgres() {
    life(&Server::start_on_postgres().await).await;
}

async fn life(server: &Server) {
    assert_eq!(server.post("/incoming-webhooks", webhook("our_shop")).await.status, 422);
    let made = server.post("/presets", shop()).await;
    assert_eq!((made.status, &made.json()["name"]), (201, &json!("Our shop")));
    assert_eq!(server.post("/presets", shop()).await.status, 409);
    let known = ids(server).await;
    assert!(
        known.is_sorted()
            && known.contains(&("our_shop".into(), true))
            && known.contains(&("stripe".into(), false))
    );

    let used = server.post("/incoming-webhooks", webhook("our_shop")).await.json();
    assert_eq!(
        (&used["signature"]["scheme"], &used["on_unprocessable"]),
        (&json!("preset"), &json!("accept"))
    );
    assert_eq!(server.delete("/presets/our_shop").await.status, 409);

    let changed = server.patch("/presets/our_shop", json!({"name": "The shop", "scheme": null})).await.json();
    assert_eq!(
        (&changed["name"], &changed["scheme"], &changed["dedupe"]),
        (&json!("The shop"), &Value::Null, &json!(["body:id"]))
    );
    assert_eq!(server.patch("/presets/our_shop", json!({"id": "another"})).await.status, 422);

    let path = format!("/incoming-webhooks/{}", used["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.delete("/presets/our_shop").await.status, 204);
    assert_eq!(server.get("/presets/our_shop").await.status, 404);
    assert_eq!(server.delete("/presets/our_shop").await.status, 404);
}

#[tokio::test]
async fn those_of_the_program_are_a_beginning_and_stay_as_they_are() {
    let server = Server::start().await;
    for (id, _) in ids(&server).await {
        let mut copy = server.get(&format!("/presets/{id}")).await.json();
        copy["id"] = json!(format!("own_{id}"));
        assert_eq!(server.post("/presets", copy.clone()).await.status, 201, "{copy}");
        assert_eq!(server.get(&format!("/presets/own_{id}")).await.json(), copy);
        assert_eq!(server.post("/incoming-webhooks", webhook(&format!("own_{id}"))).await.status, 201);
    }
    for answer in [
        server.post("/presets", json!({"id": "stripe", "name": "Mine"})).await,
        server.patch("/presets/stripe", json!({"name": "Mine"})).await,
        server.delete("/presets/stripe").await,
    ] {
        assert!([404, 409].contains(&answer.status));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_description_is_named() {
    let server = Server::start().await;
    for (member, value, expected) in [
        ("id", json!("Our Shop"), "id: does not have the form"),
        ("name", json!(""), "name: "),
        (
            "scheme",
            json!({"algorithm": "md5", "signature": {"from": "header:a"}}),
            "scheme.algorithm: must be one of",
        ),
        (
            "scheme",
            json!({"algorithm": "hmac_sha256", "signature": {"from": "header:a"}, "content": "{timestamp}{body}"}),
            "scheme.timestamp: ",
        ),
        (
            "handshakes",
            json!([{"method": "GET", "body": "{secret}"}]),
            "handshakes.0: the answer must not show the secret",
        ),
        ("handshakes", json!([{"method": "PUT"}]), "handshakes.0"),
        ("event", json!(["cookie:a"]), "event.0: must be header:NAME"),
        ("mapping", json!([{"to": "email", "from": "a..b"}]), "mapping.0"),
        ("samples", json!([{"text": "{}"}]), "samples.0"),
        ("schema", json!({}), "schema: is not known"),
    ] {
        let mut input = shop();
        input[member] = value;
        let problem = server.post("/presets", input).await.json();
        let error = &problem["errors"][0];
        let found = format!("{}: {}", error["field"].as_str().unwrap(), error["message"].as_str().unwrap());
        assert!(found.starts_with(expected), "{found}");
    }
}
