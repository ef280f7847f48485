//! Kinds of events: built in, and declared.

use std::sync::Arc;

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
            (&kind["name"], &kind["built_in"], &kind["version"], &kind["created_at"]),
            (&json!(name), &json!(true), &json!(1), &Value::Null)
        );
        assert_eq!(server.get(&format!("/event-types/{name}")).await.json(), *kind);
        let schema = api::schema::Schema::new(kind["schema"].clone(), Arc::default());
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
        (json!({"name": "a", "schema": {"$ref": "#"}}), "schema"),
        (json!({"name": "a", "schema": {"required": ["b"]}, "example": {}}), "example"),
    ] {
        let answer = server.post("/event-types", input).await;
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (422, field), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_changed_schema_is_another_version() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "required": ["order_id"]});
    let input = json!({"name": "order_paid", "schema": schema, "example": {"order_id": 7}});
    assert_eq!(server.post("/event-types", input).await.json()["version"], 1);
    let path = "/event-types/order_paid";
    let described = server.patch(path, json!({"description": "Paid."})).await;
    assert_eq!((described.status, &described.json()["version"]), (200, &json!(1)), "{}", described.text);
    let refused = server.patch(path, json!({"schema": {"required": ["total"]}})).await;
    assert_eq!((refused.status, refused.faults()[0].0.as_str()), (422, "example"), "{}", refused.text);
    let loosened = server.patch(path, json!({"schema": {"type": "object"}})).await.json();
    assert_eq!((&loosened["version"], &loosened["schema"]), (&json!(2), &json!({"type": "object"})));
    assert_eq!(server.get(path).await.json(), loosened);
    for (path, status) in [("/event-types/order_lost", 404), ("/event-types/email_sent", 409)] {
        assert_eq!(server.patch(path, json!({"description": ""})).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn events_of_a_declared_kind_are_checked_by_its_schema() {
    let server = Server::start().await;
    let schema =
        json!({"type": "object", "required": ["order_id"], "properties": {"order_id": {"type": "integer"}}});
    server.post("/event-types", json!({"name": "order_paid", "schema": schema})).await;
    let event = |data: Value| json!({"event": "order_paid", "data": data});
    assert_eq!(server.post("/events", event(json!({"order_id": 7, "more": 1}))).await.status, 201);
    let one = server.post("/events", event(json!({"order_id": "seven"}))).await;
    assert_eq!((one.status, one.faults()[0].0.as_str()), (422, "data.order_id"), "{}", one.text);
    let free = json!({"event": "order_sent", "data": {}});
    let batch =
        json!([event(json!({"order_id": 8})), free, event(json!({"order_id": []})), event(json!({}))]);
    let many = server.post("/events", batch).await;
    let fields: Vec<String> = many.faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!((many.status, fields), (422, vec!["2.data.order_id".to_owned(), "3.data".to_owned()]));
    assert_eq!(server.get("/events").await.json()["data"].as_array().unwrap().len(), 1, "all or nothing");
    server.patch("/event-types/order_paid", json!({"schema": null})).await;
    assert_eq!(server.post("/events", event(json!({}))).await.status, 201, "a change holds at once");
}

#[tokio::test]
async fn samples_are_the_last_events_or_else_the_example() {
    let server = Server::start().await;
    let samples = async |name: &str| {
        let answer = server.get(&format!("/event-types/{name}/samples")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json().as_array().unwrap().clone()
    };
    let [example] = &samples("email_opened").await[..] else { panic!() };
    assert_eq!((&example["event"], &example["data"]["campaign_id"]), (&json!("email_opened"), &json!(456)));
    assert_eq!(samples("order_paid").await, Vec::<Value>::new());
    server.post("/event-types", json!({"name": "order_paid", "example": {"n": 0}})).await;
    assert_eq!(samples("order_paid").await[0]["data"], json!({"n": 0}));
    for n in 1..=4 {
        server.post("/events", json!({"event": "order_paid", "data": {"n": n}})).await;
        server.post("/events", json!({"event": "order_sent", "data": {"n": n}})).await;
    }
    let numbers: Vec<Value> =
        samples("order_paid").await.iter().map(|one| one["data"]["n"].clone()).collect();
    assert_eq!(numbers, [4, 3, 2]);
    assert_eq!(server.get("/event-types/Order/samples").await.status, 404);
}
