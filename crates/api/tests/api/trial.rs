//! Trying an incoming webhook for real: the answer is the sender's, the secrets stay where they are.

use serde_json::{Value, json};

use crate::support::Server;

async fn webhook(server: &Server, more: Value) -> String {
    let mut settings = json!({
        "name": "Form", "event_type": "subscriber_added", "actions": [{"type": "add_subscriber"}],
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let made = server.post("/incoming-webhooks", settings).await;
    assert_eq!(made.status, 201, "{made:?}");
    format!("/incoming-webhooks/{}", made.json()["id"].as_str().unwrap())
}

async fn answers_as_the_sender_would_be(server: Server) {
    let own =
        webhook(&server, json!({"signature": {"scheme": "standard_webhooks"}, "require_api_key": true}))
            .await;
    let payload = json!({"data": {"email": "ada@example.com"}});
    for (signature, status) in [("right", 200), ("wrong", 401), ("none", 401)] {
        let told = server.post(&format!("{own}/test?signature={signature}"), payload.clone()).await;
        assert_eq!((told.status, &told.json()["status"]), (200, &json!(status)), "{signature}: {told:?}");
        assert_eq!(told.json()["body"]["success"], json!(status == 200));
    }
    let log = server.get(&format!("{own}/requests")).await.json();
    let statuses: Vec<&Value> =
        log["data"].as_array().unwrap().iter().map(|entry| &entry["status"]).collect();
    assert_eq!(statuses, ["rejected", "rejected", "processed"]);
    assert_eq!(
        log["data"][2]["headers"]["authorization"],
        Value::Null,
        "that is the caller's, and not the sender's"
    );
    assert_eq!(server.get("/subscribers").await.json()["data"][0]["email"], "ada@example.com");
}

#[tokio::test]
async fn answers_as_the_sender_would_be_on_sqlite() {
    answers_as_the_sender_would_be(Server::start().await).await;
}

#[tokio::test]
async fn answers_as_the_sender_would_be_on_postgres() {
    answers_as_the_sender_would_be(Server::start_on_postgres().await).await;
}

#[tokio::test]
async fn what_cant_be_done_is_said() {
    let server = Server::start().await;
    let open = webhook(&server, json!({})).await;
    let pointless = server.post(&format!("{open}/test?signature=wrong"), json!({})).await;
    assert_eq!((pointless.status, pointless.code().as_str()), (409, "conflict"), "{pointless:?}");
    let amazon = webhook(&server, json!({"preset": "ses"})).await;
    let theirs = server.post(&format!("{amazon}/test"), json!({})).await;
    assert_eq!((theirs.status, theirs.code().as_str()), (409, "conflict"), "{theirs:?}");
    let nobody = server.post("/incoming-webhooks/a1b2c3d4e5f6/test", json!({})).await;
    assert_eq!(nobody.status, 404);
    let odd = server.post(&format!("{open}/test?signature=maybe"), json!({})).await;
    assert_eq!(odd.faults()[0].0, "signature", "{odd:?}");
    // Whatever the webhook itself has against a request is its answer.
    let told = server.post(&format!("{open}/test"), json!(7)).await;
    assert_eq!((told.status, &told.json()["status"]), (200, &json!(400)));
    let paused = server.patch(&open, json!({"status": "inactive"})).await;
    assert_eq!(paused.status, 200);
    assert_eq!(server.post(&format!("{open}/test"), json!({})).await.json()["status"], 410);
}
