//! Lists: in pages, newest first, filtered, and with nothing but known parameters.

use serde_json::{Value, json};

use crate::support::Server;

async fn with_webhooks(count: usize) -> Server {
    let server = Server::start().await;
    for number in 0..count {
        let status = if number % 2 == 0 { "active" } else { "inactive" };
        let input =
            json!({"name": format!("Form {number}"), "event_type": "subscriber_added", "status": status});
        assert_eq!(server.post("/incoming-webhooks", input).await.status, 201);
    }
    server
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let server = with_webhooks(7).await;
    let all = server.get("/incoming-webhooks").await.json();
    assert_eq!((ids(&all).len(), &all["next_cursor"]), (7, &Value::Null));
    let times: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|entry| entry["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");

    let mut found = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = server.get(&format!("/incoming-webhooks{query}")).await.json();
        found.extend(ids(&page));
        // What is deleted where a page ended doesn't lose the place.
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
        assert_eq!(server.delete(&format!("/incoming-webhooks/{}", found.last().unwrap())).await.status, 204);
    }
    assert_eq!(found, ids(&all));
}

#[tokio::test]
async fn filters_narrow_a_list() {
    let server = with_webhooks(5).await;
    assert_eq!(ids(&server.get("/incoming-webhooks?status=inactive").await.json()).len(), 2);
    assert_eq!(ids(&server.get("/incoming-webhooks?q=fORM%203").await.json()).len(), 1);
    assert_eq!(ids(&server.get("/incoming-webhooks?q=form&status=active&limit=200").await.json()).len(), 3);
    assert_eq!(
        server.get("/incoming-webhooks?q=none").await.json(),
        json!({"data": [], "next_cursor": null})
    );
}

#[tokio::test]
async fn parameters_that_are_not_right_are_named() {
    let server = Server::start().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=%21", "cursor"),
        ("cursor=bm90IGEgY3Vyc29y", "cursor"),
        ("status=asleep", "status"),
        ("q=", "q"),
        ("q=%00", "q"),
        ("page=2", "page"),
        ("Limit=2", "Limit"),
    ] {
        let answer = server.get(&format!("/incoming-webhooks?{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid-query"), "{query}");
        assert_eq!(answer.faults()[0].0, field, "{query}");
    }
    let unread = server.get("/incoming-webhooks/a1b2c3d4e5f6?verbose=1").await;
    assert_eq!((unread.status, unread.faults()[0].0.as_str()), (400, "verbose"));
    let several = server.get("/incoming-webhooks?limit=0&page=2&status=x").await;
    assert_eq!(several.faults().len(), 3);
}
