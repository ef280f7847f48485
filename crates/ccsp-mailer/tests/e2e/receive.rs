//! The receive endpoint: every answer of the contract's table, and what the log says of it.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::http::{BASE, Response};

use crate::support::{Kind, SPEC_PAYLOAD, Server, World, merged, python, target, text};

on_both_databases!(
    what_is_no_payload_is_refused_and_not_kept,
    strangers_learn_nothing,
    what_is_not_for_the_webhook_is_ignored,
    the_same_again_is_done_once,
    an_array_is_several_records,
    no_email_where_one_is_needed,
    signed_by_the_published_libraries,
    an_api_key_can_be_asked_for,
    an_opted_out_subscriber_is_not_brought_back,
);

const JSON: (&str, &str) = ("content-type", "application/json");

async fn log(server: &Server, webhook: &Value) -> Vec<Value> {
    server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await
}

/// A refusal in the endpoint's own form; gives its message.
fn refused(response: &Response, status: u16) -> String {
    let body = response.expect(StatusCode::from_u16(status).unwrap()).unwrap();
    assert_eq!(body["success"], false, "{body}");
    assert_eq!(response.header("content-type"), Some("application/json"));
    text(&body["message"]).to_owned()
}

async fn what_is_no_payload_is_refused_and_not_kept(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({})).await;

    let message = refused(&server.receive(&webhook, &[], "{\n  \"a\": oops}").await, 400);
    assert!(message.contains("line 2 column"), "{message}");
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for body in ["", "  ", "7", "null", "\"text\"", "[1]", "[null, 7]", "{\"a\":1} x", &deep] {
        refused(&server.receive(&webhook, &[], body).await, 400);
    }
    let post = |headers: &[(&str, &str)], body: Vec<u8>| {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (server, target) = (&server, target(&webhook));
        async move {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (&**n, &**v)).collect();
            server.raw(Method::POST, &target, &headers, body).await.unwrap()
        }
    };
    let read = post(&[JSON], b"{\"a\": \"\xff\"}".to_vec()).await;
    refused(&read, 400);
    assert_eq!(read.header("connection"), None);
    let unread = post(&[JSON], vec![b' '; 1024 * 1024 + 1]).await;
    refused(&unread, 413);
    assert_eq!(unread.header("connection"), Some("close"), "what follows is the rest of that body");
    refused(&post(&[("content-type", "application/xml")], b"<a/>".to_vec()).await, 415);
    refused(&post(&[], b"email=ada@example.com".to_vec()).await, 415);
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let response = server.raw(method, &target(&webhook), &[], "").await.unwrap();
        refused(&response, 405);
    }
    assert_eq!(log(&server, &webhook).await.len(), 0);
    assert_eq!(server.list("/subscribers").await.len(), 0);

    // The same webhook takes what is right, at the limit of what it takes.
    let padded = format!("{SPEC_PAYLOAD}{}", " ".repeat(1024 * 1024 - SPEC_PAYLOAD.len()));
    server.receive(&webhook, &[], &padded).await.expect(StatusCode::OK).unwrap();
    assert_eq!(log(&server, &webhook).await.len(), 1);
}

async fn strangers_learn_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({})).await;
    let (id, token) = (text(&webhook["id"]), text(&webhook["token"]));
    assert!(id.len() == 12 && token.len() >= 32);

    let short = &token[1..];
    let mut bodies = Vec::new();
    for target in [
        format!("{BASE}/webhooks/{id}"),
        format!("{BASE}/webhooks/{id}?token="),
        format!("{BASE}/webhooks/{id}?token={short}"),
        format!("{BASE}/webhooks/aaaaaaaaaaaa?token={token}"),
        format!("{BASE}/webhooks/x?token={token}"),
    ] {
        let response = server.raw(Method::POST, &target, &[JSON], SPEC_PAYLOAD).await.unwrap();
        refused(&response, 404);
        bodies.push(response.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "the same answer to all");

    let bare = format!("{BASE}/webhooks/{id}");
    let with_header = [JSON, ("x-webhook-token", token)];
    let taken = server.raw(Method::POST, &bare, &with_header, SPEC_PAYLOAD).await.unwrap();
    taken.expect(StatusCode::OK).unwrap();

    let path = format!("/incoming-webhooks/{id}");
    server.change(&path, json!({"status": "inactive"})).await;
    refused(&server.receive(&webhook, &[], SPEC_PAYLOAD).await, 410);
    server.change(&path, json!({"status": "active"})).await;
    server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    server.delete(&path).await.unwrap().expect(StatusCode::NO_CONTENT).unwrap();
    refused(&server.receive(&webhook, &[], SPEC_PAYLOAD).await, 404);
}

async fn what_is_not_for_the_webhook_is_ignored(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({"event_type": "subscriber_updated"})).await;
    let answer = server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    assert_eq!((&answer["success"], &answer["processed_records"]), (&json!(true), &json!(0)));
    assert!(text(&answer["message"]).starts_with("Ignored: "));
    assert_eq!(log(&server, &webhook).await[0]["status"], "ignored");
    assert_eq!(server.list("/subscribers").await.len(), 0);
}

async fn the_same_again_is_done_once(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({})).await;
    for header in ["webhook-id", "idempotency-key"] {
        let named = [(header, "m-1")];
        let first = server.receive(&webhook, &named, SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
        assert_eq!(first["duplicate"], Value::Null);
        let again = server.receive(&webhook, &named, SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
        assert_eq!(again, merged(first, json!({"duplicate": true})));
    }
    assert_eq!(log(&server, &webhook).await.len(), 2);
    // The name counts within its webhook.
    let other = server.incoming(json!({})).await;
    let answer = server.receive(&other, &[("webhook-id", "m-1")], SPEC_PAYLOAD).await;
    assert_eq!(answer.expect(StatusCode::OK).unwrap()["duplicate"], Value::Null);
    assert_eq!(server.list("/events?event_type=subscriber_added").await.len(), 1);
}

async fn an_array_is_several_records(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({"respond": "accepted"})).await;
    let record = |email: &str| json!({"event": "subscriber_added", "data": {"email": email}});
    let both = json!([record("a@example.com"), record("b@example.com")]).to_string();
    let answer = server.receive(&webhook, &[], &both).await.expect(StatusCode::ACCEPTED).unwrap();
    assert_eq!((&answer["message"], &answer["processed_records"]), (&json!("Webhook accepted"), &json!(0)));

    let path = format!("/incoming-webhooks/{}", text(&webhook["id"]));
    server.change(&path, json!({"respond": "processed"})).await;
    let answer = server.receive(&webhook, &[], &both).await.expect(StatusCode::OK).unwrap();
    assert_eq!(answer["processed_records"], 2);
    assert_eq!(server.list("/subscribers").await.len(), 2);
    let many = Value::from(vec![record("c@example.com"); 1_001]).to_string();
    refused(&server.receive(&webhook, &[], &many).await, 400);
}

async fn no_email_where_one_is_needed(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({})).await;
    let body = json!({"event": "subscriber_added", "data": {"reach_me_at": "ada@example.com"}}).to_string();
    let answer = server.receive(&webhook, &[], &body).await.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    assert_eq!((&answer["success"], &answer["errors"][0]["field"]), (&json!(false), &json!("email")));
    let wrong = json!({"data": {"email": "not an address"}}).to_string();
    refused(&server.receive(&webhook, &[], &wrong).await, 422);
    assert!(log(&server, &webhook).await.iter().all(|entry| entry["status"] == "failed"));

    // With the mapping mended, the stored request can be retried by hand.
    let path = format!("/incoming-webhooks/{}", text(&webhook["id"]));
    server.change(&path, json!({"mapping": [{"to": "email", "from": "data.reach_me_at"}]})).await;
    let retry = format!("/requests/{}/retry", text(&answer["request_id"]));
    let retried = server.post(&retry, &json!({})).await.unwrap();
    assert!(retried.status.is_success(), "{retried:?}");
    let entry = server.show(&format!("/requests/{}", text(&answer["request_id"]))).await;
    assert_eq!((&entry["status"], &entry["attempts"]), (&json!("processed"), &json!(2)));
    assert!(server.subscriber("ada@example.com").await.is_some());

    server.change(&path, json!({"mapping": null, "on_unprocessable": "accept"})).await;
    let answer = server.receive(&webhook, &[], &body).await.expect(StatusCode::ACCEPTED).unwrap();
    assert_eq!(answer["processed_records"], 0);
    assert_eq!(log(&server, &webhook).await[0]["status"], "failed");
}

async fn signed_by_the_published_libraries(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    for scheme in ["hmac_sha256", "standard_webhooks"] {
        let webhook = server.incoming(json!({"signature": {"scheme": scheme}})).await;
        let signed = async |body: &str, id: &str, age: i64| {
            let secret = &webhook["signature"]["secret"];
            python("sign.py", &json!({"secret": secret, "body": body, "id": id, "age_seconds": age})).await
        };
        let send = async |headers: &Value, body: &str| {
            let headers: Vec<(&str, &str)> =
                headers.as_object().unwrap().iter().map(|(name, value)| (&**name, text(value))).collect();
            server.receive(&webhook, &headers, body).await
        };
        let headers = signed(SPEC_PAYLOAD, "msg_1", 0).await;
        send(&headers, SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
        refused(&send(&headers, "{}").await, 401);
        refused(&send(&json!({}), SPEC_PAYLOAD).await, 401);
        let mut rejected = 2;
        if scheme == "standard_webhooks" {
            let stale = signed(SPEC_PAYLOAD, "msg_2", 3_600).await;
            refused(&send(&stale, SPEC_PAYLOAD).await, 401);
            rejected += 1;
        }
        let entries = log(&server, &webhook).await;
        let found = entries.iter().filter(|entry| entry["status"] == "rejected").count();
        assert_eq!((found, entries.len()), (rejected, rejected + 1), "{scheme}");
    }
}

async fn an_api_key_can_be_asked_for(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({"require_api_key": true})).await;
    let right = [("x-api-key", text(&webhook["api_key"]))];
    server.receive(&webhook, &right, SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    refused(&server.receive(&webhook, &[], SPEC_PAYLOAD).await, 401);
    refused(&server.receive(&webhook, &[("x-api-key", "wrong")], SPEC_PAYLOAD).await, 401);
    let entries = log(&server, &webhook).await;
    assert_eq!(entries[0]["status"], "rejected");
    let shown = Value::from(entries).to_string();
    assert!(!shown.contains(right[0].1) && !shown.contains(text(&webhook["token"])), "no secret in the log");
}

async fn an_opted_out_subscriber_is_not_brought_back(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    server.make("/lists", json!({"name": "Newsletter"})).await;
    server.make("/subscribers", json!({"email": "john@example.com", "status": "unsubscribed"})).await;
    let webhook = server.incoming(json!({})).await;
    server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    assert_eq!(server.subscriber("john@example.com").await.unwrap()["status"], "unsubscribed");
    assert_eq!(log(&server, &webhook).await[0]["warnings"].as_array().unwrap().len(), 1);

    let explicit = json!({"actions": [{"type": "change_status", "status": "subscribed"}]});
    let webhook = server.incoming(explicit).await;
    server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    assert_eq!(server.subscriber("john@example.com").await.unwrap()["status"], "subscribed");
}
