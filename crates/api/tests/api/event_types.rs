//! Kinds of events: built in, and declared.

use domain::catalog;
use serde_json::{Map, Value, json};

use crate::support::Server;

async fn all(server: &Server) -> Vec<Value> {
    server.get("/event-types?limit=200").await.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_built_in_kinds_come_with_schema_and_example() {
    let server = Server::start().await;
    let all = all(&server).await;
    assert_eq!(all.len(), catalog::BUILT_IN.len());
    for (kind, (name, _)) in all.iter().zip(catalog::BUILT_IN) {
        assert_eq!(
            (&kind["name"], &kind["built_in"], &kind["created_at"]),
            (&json!(name), &json!(true), &Value::Null)
        );
        let schema = api::schema::Schema::compile(kind["schema"].clone(), &json!({})).unwrap();
        assert!(schema.check(&kind["example"]).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_declared_kind_is_listed_behind_them() {
    let server = Server::start().await;
    let schema =
        json!({"type": "object", "properties": {"order_id": {"type": "integer"}}, "required": ["order_id"]});
    let input = json!({"name": "order_paid", "description": "An order was paid.", "schema": schema, "example": {"order_id": 7}});
    let declared = server.post("/event-types", input).await;
    assert_eq!(declared.status, 201, "{}", declared.text);
    let kind = declared.json();
    for (member, expected) in [
        ("name", json!("order_paid")),
        ("description", json!("An order was paid.")),
        ("built_in", json!(false)),
        ("schema", schema),
        ("example", json!({"order_id": 7})),
    ] {
        assert_eq!(kind[member], expected, "{member}");
    }
    let bare = server.post("/event-types", json!({"name": "order_sent"})).await.json();
    assert_eq!(
        (&bare["schema"], &bare["example"], &bare["description"]),
        (&Value::Null, &Value::Null, &json!(""))
    );
    let all = all(&server).await;
    let custom = &all[catalog::BUILT_IN.len()..];
    assert!(custom.contains(&kind) && custom.contains(&bare) && custom.len() == 2, "{custom:?}");
}

#[tokio::test]
async fn the_kinds_come_in_pages() {
    let server = Server::start().await;
    for name in ["order_paid", "order_sent"] {
        assert_eq!(server.post("/event-types", json!({"name": name})).await.status, 201);
    }
    let (mut found, mut query) = (Vec::new(), "?limit=4".to_owned());
    loop {
        let page = server.get(&format!("/event-types{query}")).await.json();
        found.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=4&cursor={cursor}");
    }
    assert_eq!(found, all(&server).await);
}

#[tokio::test]
async fn a_name_is_declared_once() {
    let server = Server::start().await;
    assert_eq!(server.post("/event-types", json!({"name": "order_paid"})).await.status, 201);
    for (name, message) in [
        ("order_paid", "is that of a kind declared before"),
        ("subscriber_added", "is that of a built-in kind"),
    ] {
        let answer = server.post("/event-types", json!({"name": name})).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "conflict"));
        assert_eq!(answer.faults(), [("name".to_owned(), message.to_owned())]);
    }
}

#[tokio::test]
async fn a_declaration_must_be_right() {
    let server = Server::start().await;
    let large: Map<String, Value> = [("x".to_owned(), json!("y".repeat(17_000)))].into_iter().collect();
    for (input, field) in [
        (json!({"name": "Order"}), "name"),
        (json!({}), "name"),
        (json!({"name": "a", "schema": []}), "schema"),
        (json!({"name": "a", "schema": {"type": "thing"}}), "schema.type"),
        (
            json!({"name": "a", "schema": {"properties": {"b": {"minimum": "1"}}}}),
            "schema.properties.b.minimum",
        ),
        (json!({"name": "a", "schema": large.clone()}), "schema"),
        (json!({"name": "a", "example": large.clone()}), "example"),
        (json!({"name": "a", "example": 7}), "example"),
    ] {
        let answer = server.post("/event-types", input).await;
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (422, field), "{}", answer.text);
    }
    // Read, and never run: this one has no end.
    let endless = json!({"name": "a", "schema": {"$ref": "#"}, "example": {}});
    assert_eq!(server.post("/event-types", endless).await.status, 201);
}
