//! Lists: made, changed, found, deleted.

use serde_json::{Value, json};

use crate::support::Server;

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_lives_from_post_to_delete() {
    let server = Server::start().await;
    let made = server.post("/lists", json!({"name": "  Newsletter ", "description": "weekly\nor so"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let list = made.json();
    for (member, expected) in [
        ("id", json!(1)),
        ("name", json!("Newsletter")),
        ("description", json!("weekly\nor so")),
        ("subscribers", json!(0)),
    ] {
        assert_eq!(list[member], expected, "{member}");
    }
    assert_eq!(made.headers["location"], "/wp-json/ccsp-mailer/v1/lists/1");
    assert_eq!(server.get("/lists/1").await.json(), list);

    let changed = server.patch("/lists/1", json!({"name": "News", "description": null})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!((&changed.json()["name"], &changed.json()["description"]), (&json!("News"), &json!("")));
    assert_eq!(changed.json()["created_at"], list["created_at"]);
    assert_eq!(server.get("/lists/1").await.json(), changed.json());

    assert_eq!(server.delete("/lists/1").await.status, 204);
    for gone in [
        server.get("/lists/1").await,
        server.delete("/lists/1").await,
        server.patch("/lists/1", json!({"name": "x"})).await,
        server.get("/lists/one").await,
    ] {
        assert_eq!((gone.status, gone.code().as_str()), (404, "not-found"));
    }
}

#[tokio::test]
async fn lists_come_in_pages_newest_first_and_by_name() {
    let server = Server::start().await;
    for name in ["Alpha", "Beta", "alphabet"] {
        assert_eq!(server.post("/lists", json!({"name": name})).await.status, 201);
    }
    let page = server.get("/lists?limit=2").await.json();
    assert_eq!(names(&page), ["alphabet", "Beta"]);
    let next = format!("/lists?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let last = server.get(&next).await.json();
    assert_eq!((names(&last), &last["next_cursor"]), (vec!["Alpha"], &Value::Null));
    assert_eq!(names(&server.get("/lists?q=ALPHA").await.json()), ["alphabet", "Alpha"]);
}

#[tokio::test]
async fn a_list_needs_a_name_of_one_line() {
    let server = Server::start().await;
    for (body, message) in [
        (json!({}), "is required"),
        (json!({"name": ""}), "must not be empty"),
        (json!({"name": "  "}), "must not be empty"),
        (json!({"name": "a\nb"}), "must not contain control characters"),
        (json!({"name": "a".repeat(501)}), "must have at most 500 characters"),
    ] {
        let answer = server.post("/lists", body.clone()).await;
        assert_eq!((answer.status, answer.faults()), (422, vec![("name".into(), message.into())]), "{body}");
    }
    let unknown = server.post("/lists", json!({"name": "a", "id": 7})).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (400, "unknown-fields"));
    assert_eq!(server.get("/lists").await.json()["data"], json!([]));
}

#[tokio::test]
async fn changes_of_different_settings_at_once_all_hold() {
    let server = Server::start().await;
    server.post("/lists", json!({"name": "a"})).await;
    let (first, second) = tokio::join!(
        server.patch("/lists/1", json!({"name": "b"})),
        server.patch("/lists/1", json!({"description": "c"})),
    );
    assert_eq!((first.status, second.status), (200, 200));
    let list = server.get("/lists/1").await.json();
    assert_eq!((&list["name"], &list["description"]), (&json!("b"), &json!("c")));
}

#[tokio::test]
async fn a_list_that_a_webhook_names_stays() {
    let server = Server::start().await;
    server.post("/lists", json!({"name": "a"})).await;
    server.post("/subscribers", json!({"email": "ada@example.com", "lists": [1]})).await;
    let webhook = json!({"name": "Signup form", "event_type": "subscriber_added", "actions": [{"type": "add_to_list", "list_id": 1}]});
    let webhook = server.post("/incoming-webhooks", webhook).await.json();
    let webhook_id = webhook["id"].as_str().unwrap();

    let refused = server.delete("/lists/1").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(webhook_id) && detail.contains("Signup form"), "{detail}");
    assert_eq!(server.get("/lists/1").await.json()["subscribers"], 1);

    assert_eq!(server.delete(&format!("/incoming-webhooks/{webhook_id}")).await.status, 204);
    assert_eq!(server.delete("/lists/1").await.status, 204);
    assert_eq!(server.get("/subscribers/1").await.json()["lists"], json!([]));
    let unknown = server.patch("/subscribers/1", json!({"lists": [1]})).await;
    assert_eq!((unknown.status, unknown.faults().len()), (422, 1));
}
