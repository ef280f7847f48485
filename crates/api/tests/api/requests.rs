//! The log of incoming webhooks.

use api::BASE;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, PATIENCE, Server};

/// A server with a webhook: its id, and the path that senders post to.
async fn with_webhook() -> (Server, String, String) {
    let server = Server::start().await;
    let input = json!({
        "name": "Form", "event_type": "subscriber_added", "on_unprocessable": "refuse",
        "mapping": [{"to": "email", "from": "data.mail"}],
        "actions": [{"type": "add_subscriber", "tags": ["web"]}],
    });
    let webhook = server.post("/incoming-webhooks", input).await.json();
    let text = |member: &str| webhook[member].as_str().unwrap().to_owned();
    let path = text("url").strip_prefix("https://mail.example.com").unwrap().to_owned();
    (server, text("id"), path)
}

/// Posts as a sender does, and returns the id of the entry in the log.
async fn send(server: &Server, path: &str, body: impl ToString) -> String {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("x-webhook-token", "a secret that is masked")
        .header("user-agent", "tests");
    let answer = server.send(request.body(Body::from(body.to_string())).unwrap()).await;
    answer.json()["request_id"].as_str().unwrap().to_owned()
}

fn ids(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    let entries = page.json()["data"].as_array().unwrap().clone();
    entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_entry_shows_what_came_in_and_what_became_of_it() {
    let (server, webhook_id, path) = with_webhook().await;
    let id =
        send(&server, &path, r#"{"data": {"mail": "ada@example.com", "n": 12345678901234567890.10}}"#).await;
    let answer = server.get(&format!("/requests/{id}")).await;
    // What was sent stays as it was.
    assert!(answer.text.contains("12345678901234567890.10"), "{}", answer.text);
    let entry = answer.json();
    for (member, expected) in [
        ("id", json!(id)),
        ("webhook_id", json!(webhook_id)),
        ("event_type", json!("subscriber_added")),
        ("sender_ip", json!("203.0.113.7")),
        ("method", json!("POST")),
        ("content_type", json!("application/json")),
        ("status", json!("processed")),
        ("attempts", json!(1)),
        ("errors", json!([])),
        ("warnings", json!([])),
        ("suspicious", json!(false)),
        ("duplicates", json!([])),
    ] {
        assert_eq!(entry[member], expected, "{member}");
    }
    assert_eq!(entry["payload"]["data"]["mail"], "ada@example.com");
    assert_eq!(entry["headers"]["user-agent"], "tests");
    assert!(!answer.text.contains("a secret that is masked"));
    assert_eq!(
        (&entry["actions"][0]["type"], &entry["actions"][0]["status"]),
        (&json!("add_subscriber"), &json!("done"))
    );
    assert_eq!(entry["response"]["status"], 200);
    assert_eq!(entry["response"]["body"]["request_id"], json!(id));
    let events = entry["events"].as_array().unwrap();
    assert!(events.len() == 2 && events.iter().all(|event| event.as_str().unwrap().starts_with("evt_")));
    assert!(entry["received_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_log_is_listed_in_pages_and_filtered() {
    let (server, webhook_id, path) = with_webhook().await;
    let log = format!("/incoming-webhooks/{webhook_id}/requests");
    let first = send(&server, &path, json!({"data": {"mail": "ada@example.com"}})).await;
    let failed = send(&server, &path, json!({"data": {"mail": "nothing"}})).await;
    let ignored =
        send(&server, &path, json!({"event": "email_opened", "data": {"mail": "50%_off@example.com"}})).await;
    assert_eq!(ids(&server.get(&log).await), [ignored.clone(), failed.clone(), first.clone()]);
    let page = server.get(&format!("{log}?limit=2")).await;
    assert_eq!(ids(&page), [ignored.clone(), failed.clone()]);
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    let rest = server.get(&format!("{log}?limit=2&cursor={cursor}")).await;
    assert_eq!((ids(&rest), &rest.json()["next_cursor"]), (vec![first.clone()], &Value::Null));
    for (filter, expected) in [
        ("status=failed", vec![&failed]),
        ("status=processed", vec![&first]),
        ("status=retrying", vec![]),
        ("status=failed,ignored", vec![&ignored, &failed]),
        ("status=failed,processed", vec![&failed, &first]),
        ("status=failed,retrying&q=nothing", vec![&failed]),
        ("sender_ip=203.0.113.7", vec![&ignored, &failed, &first]),
        ("sender_ip=203.0.113.0/24&status=processed", vec![&first]),
        ("sender_ip=198.51.100.0/24", vec![]),
        ("event_type=email_opened", vec![&ignored]),
        ("q=ADA@", vec![&first]),
        ("q=%25_o", vec![&ignored]),
        ("since=2020-01-01T00:00:00Z&q=example", vec![&ignored, &first]),
        ("until=2020-01-01T00:00:00Z", vec![]),
        ("since=2100-01-01T00:00:00Z", vec![]),
        ("until=2100-01-01T00:00:00Z&status=ignored&limit=1", vec![&ignored]),
    ] {
        let found = ids(&server.get(&format!("{log}?{filter}")).await);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    for wrong in [
        "status=done",
        "status=failed,",
        "status=",
        "sender_ip=home",
        "since=yesterday",
        "q=",
        "event_type=",
        "webhook=x",
    ] {
        assert_eq!(server.get(&format!("{log}?{wrong}")).await.status, 400, "{wrong}");
    }
    assert_eq!(server.get("/incoming-webhooks/a1b2c3d4e5f6/requests").await.status, 404);
}

#[tokio::test]
async fn a_failed_request_is_run_again_through_the_mended_mapping() {
    let (server, webhook_id, path) = with_webhook().await;
    let id = send(&server, &path, json!({"data": {"address": "ada@example.com"}})).await;
    let entry = server.get(&format!("/requests/{id}")).await.json();
    assert_eq!((&entry["status"], &entry["response"]["status"]), (&json!("failed"), &json!(422)));
    assert_eq!(entry["errors"][0]["field"], "email");

    let mended = json!({"mapping": [{"to": "email", "from": "data.address"}]});
    assert_eq!(server.patch(&format!("/incoming-webhooks/{webhook_id}"), mended).await.status, 200);
    let retry = |id: &str| {
        let request = crate::support::request(
            http::Method::POST,
            &format!("/requests/{id}/retry"),
            Some(engine::Scope::Write),
            None,
        );
        server.send(request)
    };
    let answer = retry(&id).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let entry = answer.json();
    assert_eq!(
        (&entry["id"], &entry["status"], &entry["attempts"]),
        (&json!(id), &json!("processed"), &json!(2))
    );
    assert_eq!(server.get(&format!("/requests/{id}")).await.json(), entry);

    assert_eq!(retry("req_01hm6m6f40qv1s0a7yj1e2x3z4").await.status, 404);
    assert_eq!(retry("req_1").await.status, 404);
    assert_eq!(server.delete(&format!("/incoming-webhooks/{webhook_id}")).await.status, 204);
    let gone = retry(&id).await;
    assert_eq!((gone.status, gone.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn the_log_is_exported() {
    let (server, webhook_id, path) = with_webhook().await;
    let first = send(&server, &path, "{\n  \"data\": {\n    \"mail\": \"ada@example.com\"\r\n}}").await;
    let second = send(&server, &path, json!({"data": {"mail": "a \"b\", c"}})).await;
    let export = format!("/incoming-webhooks/{webhook_id}/requests/export");
    let file = server.get(&export).await;
    assert_eq!((file.status, file.headers["content-type"].to_str().unwrap()), (200, "application/x-ndjson"));
    let name = format!("attachment; filename=\"requests-{webhook_id}.ndjson\"");
    assert_eq!(file.headers["content-disposition"].to_str().unwrap(), name);
    let lines: Vec<Value> = file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], server.get(&format!("/requests/{first}")).await.json());

    let processed = server.get(&format!("{export}?format=csv&status=processed")).await;
    assert!(processed.text.contains("add_subscriber: done"), "{}", processed.text);
    let table = server.get(&format!("{export}?format=csv&status=failed")).await;
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = table.text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("id,received_at,event_type,status,"));
    assert!(lines[0].ends_with("response_status,response_body,actions,errors,warnings,events,payload"));
    assert!(lines[1].contains("No valid email was found"), "the answer: {}", lines[1]);
    assert!(lines[1].starts_with(&format!("{second},")));
    assert!(lines[1].ends_with(r#","{""data"":{""mail"":""a \""b\"", c""}}""#), "{}", lines[1]);
    assert_eq!(server.get(&format!("{export}?format=xml")).await.status, 400);
}

#[tokio::test]
async fn a_long_export_is_loaded_page_by_page() {
    let (server, webhook_id, path) = with_webhook().await;
    let mut sent = Vec::new();
    for number in 0..450 {
        sent.push(send(&server, &path, json!({"data": {"mail": format!("user{number}@example.com")}})).await);
    }
    let file = server.get(&format!("/incoming-webhooks/{webhook_id}/requests/export?format=csv")).await;
    let found: Vec<&str> = file.text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    sent.reverse();
    assert_eq!(found, sent);
}

#[tokio::test]
async fn the_log_is_cleared() {
    let (server, webhook_id, path) = with_webhook().await;
    let log = format!("/incoming-webhooks/{webhook_id}/requests");
    for number in 0..3 {
        send(&server, &path, json!({"data": {"mail": format!("user{number}@example.com")}})).await;
    }
    send(&server, &path, json!({"data": {"mail": "nothing"}})).await;
    let clear = async |query: &str| {
        let answer = server.delete(&format!("{log}?{query}")).await;
        (answer.status, answer.json()["deleted"].as_i64().unwrap())
    };
    assert_eq!(clear("until=2020-01-01T00:00:00Z").await, (200, 0));
    assert_eq!(clear("dry_run=true").await, (200, 4));
    assert_eq!(ids(&server.get(&log).await).len(), 4);
    assert_eq!(clear("status=failed,rejected").await, (200, 1));
    assert_eq!(clear("q=user1@").await, (200, 1));
    assert_eq!(clear("").await, (200, 2));
    assert_eq!(ids(&server.get(&log).await), [""; 0]);
    assert_eq!(server.delete("/incoming-webhooks/a1b2c3d4e5f6/requests").await.status, 404);
    assert!(path.starts_with(BASE));
}

#[tokio::test]
async fn an_edited_payload_is_a_new_request_that_names_the_first() {
    for server in [Server::start().await, Server::start_on_postgres().await] {
        let webhook = json!({"name": "Form", "event_type": "subscriber_added", "require_api_key": true,
            "mapping": [{"to": "email", "from": "mail"}], "actions": [{"type": "add_subscriber"}]});
        let webhook = server.post("/incoming-webhooks", webhook).await.json();
        let key = webhook["api_key"].as_str().unwrap().to_owned();
        let path =
            webhook["url"].as_str().unwrap().strip_prefix("https://mail.example.com").unwrap().to_owned();
        let request =
            Request::post(&path).header("content-type", "application/json").header("x-api-key", key);
        let answer = server.send(request.body(Body::from(r#"{"mail": "ada at example"}"#)).unwrap()).await;
        let id = answer.json()["request_id"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, 422);

        let edited = json!({"payload": {"mail": "ada@example.com"}});
        let made = server.post(&format!("/requests/{id}/resend"), edited).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let entry = made.json();
        assert_eq!((&entry["status"], &entry["resent_from"]), (&json!("processed"), &json!(id)));
        assert_eq!(entry["payload"], json!({"mail": "ada@example.com"}));
        assert_eq!(
            server.get("/subscribers?email=ada@example.com").await.json()["data"][0]["email"],
            "ada@example.com"
        );
        // The first is as it was, and unedited it is the same again.
        assert_eq!(server.get(&format!("/requests/{id}")).await.json()["status"], "failed");
        let again = server.post(&format!("/requests/{id}/resend"), json!({})).await.json();
        assert_eq!((&again["status"], &again["attempts"]), (&json!("failed"), &json!(1)));

        let wrong = server.post(&format!("/requests/{id}/resend"), json!({"payload": 7})).await;
        assert_eq!((wrong.status, wrong.json()["errors"][0]["field"].as_str()), (422, Some("payload")));

        let log = format!("/incoming-webhooks/{}/requests", webhook["id"].as_str().unwrap());
        let logged = async || server.get(&log).await.json()["data"].as_array().unwrap().len();
        let before = logged().await;
        let once = async |mail: &str| {
            let input = json!({"payload": {"mail": mail}});
            let path = format!("/requests/{id}/resend");
            let mut asked =
                crate::support::request(Method::POST, &path, Some(engine::Scope::Write), Some(input));
            asked.headers_mut().insert("idempotency-key", "k-1".parse().unwrap());
            server.send(asked).await
        };
        let (first, second) = (once("eve@example.com").await, once("eve@example.com").await);
        assert_eq!((first.status, second.status, &first.text), (201, 201, &second.text));
        assert_eq!(second.headers["idempotency-replayed"], "true");
        assert_eq!(logged().await, before + 1);
        let other = once("mallory@example.com").await;
        assert_eq!((other.status, other.code().as_str()), (422, "idempotency-key-reused"));

        server
            .patch(
                &format!("/incoming-webhooks/{}", webhook["id"].as_str().unwrap()),
                json!({"status": "inactive"}),
            )
            .await;
        let third = once("eve@example.com").await;
        assert_eq!((third.status, &third.text), (201, &first.text), "answered as before");
        assert_eq!(server.post(&format!("/requests/{id}/resend"), json!({})).await.status, 409);
    }
}

#[tokio::test]
async fn a_selection_is_retried_as_a_task() {
    for server in [Server::start().await, Server::start_on_postgres().await] {
        let input = json!({"name": "Form", "event_type": "subscriber_added", "mapping": [{"to": "email", "from": "data.email"}],
            "actions": [{"type": "add_subscriber"}]});
        let webhook = server.post("/incoming-webhooks", input).await.json();
        let id = webhook["id"].as_str().unwrap();
        let path =
            webhook["url"].as_str().unwrap().strip_prefix("https://mail.example.com").unwrap().to_owned();
        for number in 0..60 {
            send(&server, &path, json!({"mail": format!("person{number}@example.com")})).await;
        }
        send(&server, &path, json!({"mail": "nobody"})).await;
        send(&server, &path, json!({"data": {"email": "ada@example.com"}})).await;

        let retry = format!("/incoming-webhooks/{id}/requests/retry");
        let size = server.post(&retry, json!({"dry_run": true})).await;
        assert_eq!((size.status, &size.json()), (200, &json!({"total": 61})));
        assert_eq!(server.post(&retry, json!({"dry_run": true, "q": "person1"})).await.json()["total"], 11);
        let elsewhere = json!({"dry_run": true, "sender_ip": "198.51.100.0/24"});
        assert_eq!(server.post(&retry, elsewhere).await.json()["total"], 0);
        server
            .patch(&format!("/incoming-webhooks/{id}"), json!({"mapping": [{"to": "email", "from": "mail"}]}))
            .await;

        let begun = server.post(&retry, json!({})).await;
        assert_eq!((begun.status, &begun.json()["total"]), (202, &json!(61)));
        let task = format!("/tasks/{}", begun.json()["id"].as_str().unwrap());
        let ended = testkit::eventually("the task to end", PATIENCE, async || {
            let shown = server.get(&task).await.json();
            (shown["state"] == "done").then_some(shown)
        });
        let ended = ended.await.unwrap();
        assert_eq!((&ended["done"], &ended["failed"]), (&json!(61), &json!(1)), "{ended}");
        assert_eq!(
            server.get(&format!("/incoming-webhooks/{id}/requests?status=failed")).await.json()["data"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(server.delete(&task).await.status, 409);
        assert_eq!(server.get("/tasks").await.json()["data"].as_array().unwrap().len(), 1);

        for (input, field) in [
            (json!({"ids": []}), "ids"),
            (json!({"status": "rejected"}), "status"),
            (json!({"status": ["failed", "rejected"]}), "status"),
            (json!({"sender_ip": "home"}), "sender_ip"),
            (json!({"per_second": 0}), "per_second"),
        ] {
            let refused = server.post(&retry, input).await;
            assert_eq!((refused.status, refused.json()["errors"][0]["field"].as_str()), (422, Some(field)));
        }
        // Of ids those count that there are.
        let mut ids = Vec::new();
        for number in 0..55 {
            ids.push(send(&server, &path, json!({"mail": format!("again{number}@example.com")})).await);
        }
        ids.insert(3, "req_01hm6m6f40qv1s0a7yj1e2x3z4".to_owned());
        let begun = server.post(&retry, json!({"ids": ids, "per_second": 1000})).await.json();
        assert_eq!(begun["total"], 55);
        let task = format!("/tasks/{}", begun["id"].as_str().unwrap());
        let ended = testkit::eventually("the task to end", PATIENCE, async || {
            let shown = server.get(&task).await.json();
            (shown["state"] == "done").then_some(shown)
        });
        assert_eq!(ended.await.unwrap()["done"], 55);
        // One of a rate is cancelled on its way.
        let slow = server.post(&retry, json!({"status": "processed", "per_second": 1})).await.json();
        let task = format!("/tasks/{}", slow["id"].as_str().unwrap());
        assert_eq!(server.delete(&task).await.status, 204);
        let shown = server.get(&task).await.json();
        assert!(shown["state"] == "cancelled" && shown["done"].as_i64().unwrap() < 61, "{shown}");
    }
}
