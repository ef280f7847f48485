//! The audit log: every operation that changes something is told there, with who did it and what it was before.

use std::collections::BTreeSet;

use api::links::link;
use api::openapi;
use axum::body::Body;
use engine::Scope;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use store::users::Purpose;
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};

use crate::support::{Answer, PATIENCE, Server, request};

const BASE: &str = "/wp-json/ccsp-mailer/v1";
const PASSWORD: &str = "ein langer Satz";

/// What changes nothing that an operator answers for, or is told elsewhere.
const NOT_NOTED: &[&str] = &[
    // Told as events, with what changed.
    "POST /events",
    "POST /subscribers",
    "PATCH /subscribers/{id}",
    // In the log of the webhook.
    "POST /incoming-webhooks/{id}/test",
    "POST /listen",
    "POST /listen/answers",
    "POST /outgoing-webhooks/{id}/test",
    "POST /webhooks/{id}",
    // Change nothing.
    "POST /incoming-webhooks/{id}/preview",
    "POST /outgoing-webhooks/{id}/preview",
];

/// What is done, one after the other, and what was seen of it.
struct Story {
    server: Server,
    told: BTreeSet<String>,
}

impl Story {
    async fn newest(&self) -> Value {
        self.server.get("/audit-log?limit=1").await.json()["data"][0].clone()
    }

    /// Does something as an administrator, and finds it in the log.
    async fn step(&mut self, operation: &str, id: &str, body: Value, action: &str) -> (Value, Value) {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = path.replace("{id}", id).replace("{name}", id);
        let body = (!body.is_null()).then_some(body);
        let request = request(method.parse().unwrap(), &path, Some(Scope::Admin), body);
        let answer = self.server.send(request).await;
        self.seen(operation, &answer, action).await
    }

    async fn seen(&mut self, operation: &str, answer: &Answer, action: &str) -> (Value, Value) {
        assert!(answer.status < 300, "{operation}: {}", answer.text);
        let entry = self.newest().await;
        assert_eq!(entry["action"], json!(action), "{operation}: {entry}");
        assert_eq!(entry["request_id"].as_str(), Some(answer.headers["x-request-id"].to_str().unwrap()));
        assert_eq!(entry["address"], json!("203.0.113.7"));
        self.told.insert(operation.to_owned());
        (answer.json(), entry)
    }
}

fn change<'a>(entry: &'a Value, field: &str) -> Option<(&'a Value, &'a Value)> {
    let changes = entry["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["field"] == field)?;
    Some((&found["old"], &found["new"]))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[tokio::test]
async fn every_change_is_told_on_sqlite() {
    every_change_is_told(Server::start_beside_receivers().await).await;
}

#[tokio::test]
async fn every_change_is_told_on_postgres() {
    every_change_is_told(Server::start_on_postgres_beside_receivers().await).await;
}

async fn every_change_is_told(server: Server) {
    let mut story = Story { server, told: BTreeSet::new() };
    small_things(&mut story).await;
    incoming(&mut story).await;
    outgoing(&mut story).await;
    subscribers(&mut story).await;
    people(&mut story).await;
    let (_, entry) = story.step("GET /audit-log/export", "", Value::Null, "audit_log.exported").await;
    assert_eq!(
        entry["actor"],
        json!({"kind": "api_key", "id": "ccsp_key_of_the_tests_with_scope_admin", "name": "tests, admin"})
    );

    let document = story.server.get("/openapi.json").await.json();
    let changing = openapi::operations(&document).filter(|(path, method, _)| {
        path.starts_with(BASE) && (*method != "get" || path.ends_with("/export"))
    });
    for (path, method, _) in changing {
        let name = format!("{} {}", method.to_uppercase(), openapi::short_path(path));
        let is_exempt = NOT_NOTED.contains(&name.as_str());
        assert!(story.told.contains(&name) != is_exempt, "{name} is not told, or told although it is exempt");
    }
    for path in ["/audit-log", "/audit-log/{id}"] {
        let methods = document["paths"][format!("{BASE}{path}")].as_object().unwrap();
        assert_eq!(methods.keys().collect::<Vec<_>>(), ["get"], "nobody changes the log");
    }
}

async fn small_things(story: &mut Story) {
    let (list, _) = story.step("POST /lists", "", json!({"name": "News"}), "list.created").await;
    let id = text(&list["id"]);
    let (_, entry) = story.step("PATCH /lists/{id}", &id, json!({"name": "More news"}), "list.updated").await;
    assert_eq!(change(&entry, "name"), Some((&json!("News"), &json!("More news"))));
    assert_eq!(entry["target"], json!({"kind": "list", "id": id, "name": "More news"}));
    story.step("DELETE /lists/{id}", &id, Value::Null, "list.deleted").await;

    story.step("POST /tags", "", json!({"name": "vip"}), "tag.created").await;
    story.step("PATCH /tags/{name}", "vip", json!({"description": "Dear"}), "tag.updated").await;
    story.step("DELETE /tags/{name}", "vip", Value::Null, "tag.deleted").await;

    let field = json!({"name": "plan", "label": "Plan", "type": "text"});
    story.step("POST /custom-fields", "", field, "custom_field.created").await;
    story
        .step("PATCH /custom-fields/{name}", "plan", json!({"label": "The plan"}), "custom_field.updated")
        .await;
    story.step("DELETE /custom-fields/{name}", "plan", Value::Null, "custom_field.deleted").await;

    story.step("POST /event-types", "", json!({"name": "order_paid"}), "event_type.created").await;
    story
        .step("PATCH /event-types/{name}", "order_paid", json!({"description": "Paid"}), "event_type.updated")
        .await;

    let preset = json!({"id": "our_shop", "name": "Our shop", "documentation": ["https://shop.example.com"],
        "scheme": {"algorithm": "hmac_sha256", "signature": {"from": "header:X-Shop-Signature"}}});
    story.step("POST /presets", "", preset, "preset.created").await;
    story.step("PATCH /presets/{id}", "our_shop", json!({"name": "The shop"}), "preset.updated").await;
    story.step("DELETE /presets/{id}", "our_shop", Value::Null, "preset.deleted").await;

    let key = json!({"name": "Website", "scope": "read"});
    let (key, entry) = story.step("POST /api-keys", "", key, "api_key.created").await;
    assert!(!entry.to_string().contains(key["key"].as_str().unwrap()));
    story.step("DELETE /api-keys/{id}", &text(&key["id"]), Value::Null, "api_key.deleted").await;
}

async fn incoming(story: &mut Story) {
    let webhook = json!({"name": "Form", "event_type": "subscriber_added", "api_key": "a secret of ours",
        "actions": [{"type": "add_subscriber"}]});
    let (made, entry) = story.step("POST /incoming-webhooks", "", webhook, "incoming_webhook.created").await;
    let id = text(&made["id"]);
    assert_eq!(change(&entry, "api_key"), Some((&Value::Null, &json!("••••"))));
    for secret in [&made["token"], &made["signature"]["secret"], &json!("secret of ours")] {
        assert!(!entry.to_string().contains(secret.as_str().unwrap()), "{secret}");
    }
    let (_, entry) = story
        .step("PATCH /incoming-webhooks/{id}", &id, json!({"status": "paused"}), "incoming_webhook.updated")
        .await;
    assert_eq!(entry["changes"], json!([{"field": "status", "old": "active", "new": "paused"}]));
    story
        .step("PATCH /incoming-webhooks/{id}", &id, json!({"status": "active"}), "incoming_webhook.updated")
        .await;

    let path = format!("/webhooks/{id}?token={}", made["token"].as_str().unwrap());
    let body = json!({"event": "subscriber_added", "data": {"email": "ada@example.com"}});
    assert_eq!(story.server.send(request(Method::POST, &path, None, Some(body))).await.status, 200);
    let log = story.server.get(&format!("/incoming-webhooks/{id}/requests")).await.json();
    let entry = text(&log["data"][0]["id"]);
    story.step("POST /requests/{id}/retry", &entry, Value::Null, "request.retried").await;
    story.step("POST /requests/{id}/resend", &entry, json!({}), "request.resent").await;
    story.step("POST /incoming-webhooks/{id}/requests/retry", &id, json!({}), "task.started").await;
    story
        .step(
            "GET /incoming-webhooks/{id}/requests/export",
            &id,
            Value::Null,
            "incoming_webhook.log_exported",
        )
        .await;
    story
        .step("DELETE /incoming-webhooks/{id}/requests", &id, Value::Null, "incoming_webhook.log_cleared")
        .await;

    story
        .step(
            "POST /incoming-webhooks/{id}/regenerate-token",
            &id,
            json!({}),
            "incoming_webhook.token_replaced",
        )
        .await;
    story
        .step(
            "POST /incoming-webhooks/{id}/rotate-secret",
            &id,
            json!({}),
            "incoming_webhook.secret_replaced",
        )
        .await;
    story
        .step(
            "POST /incoming-webhooks/{id}/rotate-api-key",
            &id,
            json!({}),
            "incoming_webhook.api_key_replaced",
        )
        .await;
    story.step("DELETE /incoming-webhooks/{id}", &id, Value::Null, "incoming_webhook.deleted").await;
}

async fn outgoing(story: &mut Story) {
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::new(StatusCode::INTERNAL_SERVER_ERROR)));
    let webhook = json!({"name": "Shop", "url": receiver.url("/hook?key=hidden"), "events": ["order_paid"],
        "auth": {"method": "bearer", "token": "a secret of ours"}, "retry": {"schedule_seconds": []}});
    let (made, entry) = story.step("POST /outgoing-webhooks", "", webhook, "outgoing_webhook.created").await;
    let id = text(&made["id"]);
    for secret in ["hidden", "secret of ours", made["signing"]["secret"].as_str().unwrap()] {
        assert!(!entry.to_string().contains(secret), "{secret}: {entry}");
    }
    let patch = json!({"auth": {"token": "another secret"}, "concurrency": 2});
    let (_, entry) =
        story.step("PATCH /outgoing-webhooks/{id}", &id, patch, "outgoing_webhook.updated").await;
    assert_eq!(
        entry["changes"],
        json!([{"field": "auth.token", "old": "••••", "new": "••••"}, {"field": "concurrency", "old": 16, "new": 2}])
    );
    story
        .step(
            "POST /outgoing-webhooks/{id}/rotate-secret",
            &id,
            json!({}),
            "outgoing_webhook.secret_replaced",
        )
        .await;

    let events: Vec<Value> = (0..40).map(|n| json!({"event": "order_paid", "data": {"n": n}})).collect();
    story.server.post("/events", json!(events)).await;
    let log = format!("/outgoing-webhooks/{id}/deliveries?status=failed");
    let failed = eventually("all deliveries to fail", PATIENCE, async || {
        let log = story.server.get(&log).await.json();
        let failed = log["data"].as_array().unwrap();
        (failed.len() == events.len()).then(|| text(&failed[0]["id"]))
    });
    let delivery = failed.await.unwrap();
    // Paused, so that what is put back waits, and no task is in the way of the next.
    story
        .step("PATCH /outgoing-webhooks/{id}", &id, json!({"status": "paused"}), "outgoing_webhook.updated")
        .await;
    story.step("POST /deliveries/{id}/retry", &delivery, Value::Null, "delivery.retried").await;
    story.step("POST /deliveries/{id}/resend", &delivery, json!({}), "delivery.resent").await;
    // Thirty-eight seconds of work.
    let slow = json!({"per_second": 1});
    let (task, entry) = story.step("POST /outgoing-webhooks/{id}/replay", &id, slow, "task.started").await;
    assert_eq!(change(&entry, "webhooks").unwrap().1, &json!([id]));
    story.step("DELETE /tasks/{id}", &text(&task["id"]), Value::Null, "task.cancelled").await;
    for (operation, body) in [
        ("POST /deliveries/recover", json!({"since": "2020-01-01T00:00:00Z"})),
        ("POST /outgoing-webhooks/{id}/deliveries/retry", json!({})),
        ("POST /outgoing-webhooks/{id}/replay", json!({})),
        ("POST /outgoing-webhooks/{id}/deliveries/cancel", json!({})),
    ] {
        story.step(operation, &id, body, "task.started").await;
        eventually("no task to be left", PATIENCE, async || {
            let running = story.server.get("/tasks?state=running").await.json();
            running["data"].as_array().unwrap().is_empty().then_some(())
        })
        .await
        .unwrap();
    }
    story
        .step(
            "GET /outgoing-webhooks/{id}/deliveries/export",
            &id,
            Value::Null,
            "outgoing_webhook.log_exported",
        )
        .await;
    story
        .step("DELETE /outgoing-webhooks/{id}/deliveries", &id, Value::Null, "outgoing_webhook.log_cleared")
        .await;
    let (_, entry) =
        story.step("DELETE /outgoing-webhooks/{id}", &id, Value::Null, "outgoing_webhook.deleted").await;
    assert_eq!(change(&entry, "concurrency"), Some((&json!(2), &Value::Null)));

    let hook = json!({"target_url": receiver.url("/hook"), "event": "order_paid"});
    let (hook, _) = story.step("POST /hooks", "", hook, "outgoing_webhook.created").await;
    let id = text(&hook["id"]);
    story.step("DELETE /hooks/{id}", &id, Value::Null, "outgoing_webhook.deleted").await;
    let before = story.newest().await;
    assert_eq!(story.server.delete(&format!("/hooks/{id}")).await.status, 204);
    assert_eq!(story.newest().await, before, "what is gone is not deleted again");
}

async fn subscribers(story: &mut Story) {
    let made = story.server.post("/subscribers", json!({"email": "bob@example.com"})).await.json();
    let id = text(&made["id"]);
    let (_, entry) = story.step("DELETE /subscribers/{id}", &id, Value::Null, "subscriber.deleted").await;
    assert_eq!(entry["target"], json!({"kind": "subscriber", "id": id, "name": null}));
    story.step("GET /subscribers/export", "", Value::Null, "subscriber.exported").await;
    let mut upload = request(Method::POST, "/subscribers/import", Some(Scope::Admin), None);
    upload.headers_mut().insert("content-type", "text/csv".parse().unwrap());
    *upload.body_mut() = Body::from("email\nbob@example.com\n");
    let answer = story.server.send(upload).await;
    let (import, entry) = story.seen("POST /subscribers/import", &answer, "subscriber.imported").await;
    assert_eq!(change(&entry, "task").unwrap().1, &import["id"]);
}

async fn people(story: &mut Story) {
    let secret = story.server.engine.vault().new_token();
    let (row, path) = link(&secret, Purpose::SetUp, story.server.engine.now());
    story.server.engine.write(row).await.unwrap();
    let link = path.split_once('#').unwrap().1;
    let public = |path: &str, body: Value| request(Method::POST, path, None, Some(body));
    let body = json!({"link": link, "email": "ada@example.com", "password": PASSWORD});
    let answer = story.server.send(public("/set-up", body)).await;
    let (_, entry) = story.seen("POST /set-up", &answer, "user.set_up").await;
    assert_eq!(
        (&entry["actor"]["kind"], &entry["actor"]["name"]),
        (&json!("user"), &json!("ada@example.com"))
    );

    let user = json!({"email": "grace@example.com", "role": "editor"});
    let (grace, _) = story.step("POST /users", "", user, "user.created").await;
    let id = text(&grace["id"]);
    let (_, entry) = story.step("PATCH /users/{id}", &id, json!({"role": "viewer"}), "user.updated").await;
    assert_eq!(change(&entry, "role"), Some((&json!("editor"), &json!("viewer"))));
    story.step("POST /users/{id}/link", &id, Value::Null, "user.link_made").await;
    story.step("DELETE /users/{id}", &id, Value::Null, "user.deleted").await;

    for (email, name) in [("ada@example.com", json!("ada@example.com")), ("my password", Value::Null)] {
        let wrong = json!({"email": email, "password": "another sentence"});
        assert_eq!(story.server.send(public("/session", wrong)).await.status, 401);
        let entry = story.newest().await;
        assert_eq!((&entry["action"], &entry["target"]["name"]), (&json!("user.log_in_failed"), &name));
        assert_eq!(entry["actor"], json!({"kind": "nobody", "id": null, "name": null}));
        assert!(!entry.to_string().contains("password"), "{entry}");
    }
    for (operation, body, action) in [
        (
            "POST /session/password",
            json!({"current_password": PASSWORD, "new_password": PASSWORD}),
            "user.password_changed",
        ),
        ("DELETE /session", Value::Null, "user.logged_out"),
        ("DELETE /sessions", Value::Null, "user.logged_out"),
    ] {
        let right = json!({"email": "ada@example.com", "password": PASSWORD});
        let entered = story.server.send(public("/session", right)).await;
        story.seen("POST /session", &entered, "user.logged_in").await;
        let (method, path) = operation.split_once(' ').unwrap();
        let body = (!body.is_null()).then_some(body);
        let mut request = request(method.parse().unwrap(), path, None, body);
        let cookie = entered.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        let csrf = text(&entered.json()["csrf_token"]);
        request.headers_mut().insert("x-csrf-token", csrf.parse().unwrap());
        let answer = story.server.send(request).await;
        let (_, entry) = story.seen(operation, &answer, action).await;
        assert_eq!(entry["actor"]["name"], json!("ada@example.com"));
    }
}

#[tokio::test]
async fn it_is_found_paged_and_exported() {
    let server = Server::start().await;
    for name in ["One", "Two", "Three"] {
        server.post("/lists", json!({"name": name})).await;
    }
    server.patch("/lists/2", json!({"description": "changed, \"twice\""})).await;
    let actions = async |query: &str| -> Vec<String> {
        let page = server.get(&format!("/audit-log{query}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let entries = page.json()["data"].as_array().unwrap().clone();
        entries
            .iter()
            .map(|entry| format!("{} {}", text(&entry["action"]), text(&entry["target"]["name"])))
            .collect()
    };
    let (all, updated) = (
        ["list.updated Two", "list.created Three", "list.created Two", "list.created One"],
        ["list.updated Two"],
    );
    assert_eq!(actions("").await, all);
    assert_eq!(actions("?action=list").await, all);
    assert_eq!(actions("?action=list.updated").await, updated);
    assert_eq!(actions("?actor=tests,%20admin").await, all);
    assert_eq!(actions("?target=2").await, ["list.updated Two", "list.created Two"]);
    assert_eq!(actions("?q=TWICE").await, updated);
    for none in [
        "?actor=nobody",
        "?action=user",
        "?until=2020-01-01T00:00:00Z",
        "?since=2100-01-01T00:00:00Z",
        "?q=x-y-z",
    ] {
        assert!(actions(none).await.is_empty(), "{none}");
    }
    let first = server.get("/audit-log?limit=3").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(actions(&format!("?limit=3&cursor={cursor}")).await, ["list.created One"]);
    for entry in first["data"].as_array().unwrap() {
        let alone = server.get(&format!("/audit-log/{}", text(&entry["id"]))).await;
        assert_eq!((alone.status, alone.json()), (200, entry.clone()));
    }
    let made_up = text(&first["data"][0]["id"]).replace(|letter: char| letter.is_ascii_digit(), "0");
    let missing = server.get(&format!("/audit-log/{made_up}")).await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "not-found"), "{}", missing.text);
    let wrong = server.get("/audit-log?action=list.flown").await;
    assert_eq!((wrong.status, wrong.faults()[0].0.as_str()), (400, "action"));

    let csv = server.get("/audit-log/export?format=csv&action=list.updated").await.text;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("id,at,actor_kind,actor_id,actor_name,address,action,target_id"), "{csv}");
    assert_eq!(
        (lines.len(), lines[1].contains("list.updated,2,Two,\"description: \"\"\"\" -> ")),
        (2, true),
        "{csv}"
    );
    let ndjson = server.get("/audit-log/export").await.text;
    let kinds: Vec<Value> =
        ndjson.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].clone()).collect();
    assert_eq!((kinds.len(), &kinds[0]), (6, &json!("audit_log.exported")));
}

#[tokio::test]
async fn what_was_not_done_is_not_told() {
    let server = Server::start().await;
    for answer in [
        server.delete("/lists/7").await,
        server.delete("/tags/none").await,
        server.delete("/api-keys/none").await,
        server.patch("/outgoing-webhooks/a1b2c3d4e5f6", json!({"name": "x"})).await,
        server.post("/lists", json!({"name": ""})).await,
    ] {
        assert!(answer.status >= 400, "{}", answer.text);
    }
    let mut again = request(Method::POST, "/lists", Some(Scope::Admin), Some(json!({"name": "Once"})));
    again.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    assert_eq!(server.send(again).await.status, 201);
    let mut again = request(Method::POST, "/lists", Some(Scope::Admin), Some(json!({"name": "Once"})));
    again.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    assert_eq!(server.send(again).await.status, 201);
    assert_eq!(server.get("/audit-log").await.json()["data"].as_array().unwrap().len(), 1);
}
