//! Tags: made by hand or by being applied.

use serde_json::{Value, json};

use crate::support::Server;

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_tag_lives_from_post_to_delete() {
    let server = Server::start().await;
    let made = server.post("/tags", json!({"name": "50% off / été", "description": "a sale"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let location = made.headers["location"].to_str().unwrap();
    let path = location.strip_prefix("/wp-json/ccsp-mailer/v1").unwrap();
    assert_eq!(path, "/tags/50%25%20off%20%2F%20%C3%A9t%C3%A9");
    assert_eq!(server.get(path).await.json(), made.json());
    assert_eq!((&made.json()["subscribers"], &made.json()["description"]), (&json!(0), &json!("a sale")));

    let again = server.post("/tags", json!({"name": "50% off / été"})).await;
    assert_eq!((again.status, again.faults()), (409, vec![("name".into(), "is that of another tag".into())]));

    let changed = server.patch(path, json!({"description": "over"})).await;
    assert_eq!((changed.status, &changed.json()["description"]), (200, &json!("over")));
    assert_eq!(server.get(path).await.json(), changed.json());
    let renamed = server.patch(path, json!({"name": "x"})).await;
    assert_eq!((renamed.status, renamed.code().as_str()), (400, "unknown-fields"));

    assert_eq!(server.delete(path).await.status, 204);
    for gone in [
        server.get(path).await,
        server.delete(path).await,
        server.patch(path, json!({"description": "x"})).await,
    ] {
        assert_eq!((gone.status, gone.code().as_str()), (404, "not-found"));
    }
}

#[tokio::test]
async fn a_tag_that_is_applied_is_there_and_stays_while_it_is_used() {
    let server = Server::start().await;
    server.post("/subscribers", json!({"email": "ada@example.com", "tags": ["web", "vip"]})).await;
    server.post("/subscribers", json!({"email": "bob@example.com", "tags": ["web"]})).await;
    assert_eq!(server.get("/tags/web").await.json()["subscribers"], 2);
    let refused = server.delete("/tags/vip").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    assert_eq!(server.patch("/subscribers/1", json!({"tags": ["web"]})).await.status, 200);
    assert_eq!(server.delete("/tags/vip").await.status, 204);
    assert_eq!(names(&server.get("/tags").await.json()), ["web"]);
}

#[tokio::test]
async fn tags_come_in_pages_and_by_name() {
    let server = Server::start().await;
    for name in ["Alpha", "beta", "alphabet", "a:b"] {
        assert_eq!(server.post("/tags", json!({"name": name})).await.status, 201);
    }
    let all = server.get("/tags").await.json();
    assert_eq!(names(&all).len(), 4);
    let mut found = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let page = server.get(&format!("/tags{query}")).await.json();
        found.extend(names(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=1&cursor={cursor}");
    }
    assert_eq!(found, names(&all));
    let mut by_name = server.get("/tags?q=ALPHA").await.json();
    by_name["data"].as_array_mut().unwrap().sort_by_key(|tag| tag["name"].to_string());
    assert_eq!(names(&by_name), ["Alpha", "alphabet"]);
}

#[tokio::test]
async fn a_tag_has_the_name_of_a_tag() {
    let server = Server::start().await;
    for (name, message) in [
        (json!(""), "must not be empty"),
        (json!(" web"), "must not begin or end with white space"),
        (json!("a\tb"), "must not contain control characters"),
        (json!("a".repeat(101)), "must have at most 100 characters"),
        (json!(7), "must be a string"),
    ] {
        let answer = server.post("/tags", json!({"name": name})).await;
        assert_eq!((answer.status, answer.faults()), (422, vec![("name".into(), message.into())]));
    }
}
