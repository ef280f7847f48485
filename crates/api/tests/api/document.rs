//! The OpenAPI document, and the page made of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::openapi;
use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::support::Server;

async fn document() -> Value {
    let answer = Server::start().await.get("/openapi.json").await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, "application/json"));
    answer.json()
}

/// A visible change of the interface is a change of this file.
#[tokio::test]
async fn is_as_committed() {
    insta::assert_json_snapshot!("openapi", document().await);
}

#[tokio::test]
async fn says_who_may_and_what_can_go_wrong() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut names = BTreeSet::new();
    for (path, method, operation) in openapi::operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "two operations are named {name}");
        assert!(tags.contains(&&operation["tags"][0]), "{name} is of no known family");
        let answers = operation["responses"].as_object().unwrap();
        let has = |status: &str| answers.contains_key(status);
        if openapi::scope(operation).is_some() {
            assert!(["400", "401", "403", "500", "503"].into_iter().all(has), "{method} {path}");
        }
        if operation.get("requestBody").is_some() {
            assert!(["400", "408", "413", "415", "422"].into_iter().all(has), "{method} {path}");
        }
        let keyed =
            operation["parameters"].as_array().into_iter().flatten().any(|p| p["name"] == "Idempotency-Key");
        assert_eq!(keyed, has("201"), "{method} {path}: what creates takes an idempotency key");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| collect(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn tells_every_built_in_event_with_an_example_that_fits() {
    let document = Arc::new(document().await);
    let webhooks = document["webhooks"].as_object().unwrap();
    assert_eq!(webhooks.len(), domain::catalog::BUILT_IN.len());
    for (name, item) in webhooks {
        let body = &item["post"]["requestBody"]["content"]["application/json"];
        let schema = api::schema::Schema::new(body["schema"].clone(), document.clone());
        let faults = schema.check(&body["example"]);
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_needs_nothing_from_elsewhere() {
    let server = Server::start().await;
    let page = server.send(Request::get("/docs").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(
        !page.text.contains("<script") && !page.text.contains("src=") && !page.text.contains("href=\"http")
    );
    for (_, _, operation) in openapi::operations(&document().await) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.text.contains(&format!("id=\"{id}\"")), "{id}");
    }
}
