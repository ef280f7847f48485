//! Trying a payload: everything that would happen is told, and nothing happens.

use serde_json::{Value, json};

use crate::support::Server;

async fn webhook(server: &Server) -> String {
    let settings = json!({
        "name": "Form", "event_type": "subscriber_added", "status": "paused",
        "mapping": [{"to": "email", "from": "contact.mail"}, {"to": "first_name", "from": "contact.name"}],
        "actions": [{"type": "add_subscriber", "tags": ["web"]}],
    });
    let made = server.post("/incoming-webhooks", settings).await;
    assert_eq!(made.status, 201, "{made:?}");
    format!("/incoming-webhooks/{}/preview", made.json()["id"].as_str().unwrap())
}

async fn nothing_happened(server: &Server) {
    for path in ["/subscribers", "/events", "/tags"] {
        assert_eq!(server.get(path).await.json()["data"], json!([]), "{path}");
    }
}

async fn tells_and_does_nothing(server: Server) {
    let path = webhook(&server).await;
    let outgoing = json!({"name": "Out", "url": "https://example.com/", "events": ["subscriber_added"]});
    let outgoing = server.post("/outgoing-webhooks", outgoing).await.json();
    let payload = json!({"payload": {"contact": {"mail": "Ada@Example.com", "name": "Ada"}}});
    let answer = server.post(&path, payload).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!((&told["status"], &told["response"]["status"]), (&json!("processed"), &json!(200)));
    assert_eq!(told["response"]["body"]["processed_records"], 1);
    let change = &told["subscribers"][0];
    assert_eq!((&change["before"], &change["after"]["email"]), (&Value::Null, &json!("ada@example.com")));
    assert_eq!((&change["after"]["first_name"], &change["after"]["tags"]), (&json!("Ada"), &json!(["web"])));
    let events: Vec<&Value> =
        told["events"].as_array().unwrap().iter().map(|event| &event["event_type"]).collect();
    assert_eq!(events, ["subscriber_added", "subscriber_tagged"]);
    assert_eq!(told["events"][0]["data"]["email"], "ada@example.com");
    assert_eq!(told["deliveries"], json!([{"webhook_id": outgoing["id"], "event_type": "subscriber_added"}]));
    nothing_happened(&server).await;
    let log = server.get(&path.replace("preview", "requests")).await;
    assert_eq!(log.json()["data"], json!([]));
}

#[tokio::test]
async fn tells_and_does_nothing_on_sqlite() {
    tells_and_does_nothing(Server::start().await).await;
}

#[tokio::test]
async fn tells_and_does_nothing_on_postgres() {
    tells_and_does_nothing(Server::start_on_postgres().await).await;
}

#[tokio::test]
async fn a_filter_is_checked_when_it_is_saved_and_told_when_it_does_not_hold() {
    let server = Server::start().await;
    let path = webhook(&server).await;
    let own = path.replace("/preview", "");
    assert_eq!(server.patch(&own, json!({"filter": "contact.plan == 'pro'"})).await.status, 200);
    let told = |plan: &str| json!({"payload": {"contact": {"mail": "ada@example.com", "plan": plan}}});
    assert_eq!(server.post(&path, told("pro")).await.json()["status"], "processed");
    let ignored = server.post(&path, told("free")).await.json();
    assert_eq!((&ignored["status"], &ignored["response"]["status"]), (&json!("ignored"), &json!(200)));
    assert_eq!(ignored["response"]["body"]["message"], "Ignored: the filter does not hold");
    assert_eq!(ignored["response"]["body"]["processed_records"], 0);
    for wrong in ["contact.plan ==", "plan == 'a", "plan|nonsense", "f(1)", ""] {
        let refused = server.patch(&own, json!({"filter": wrong})).await;
        assert_eq!((refused.status, refused.faults()[0].0.as_str()), (422, "filter"), "{wrong}");
    }
}

#[tokio::test]
async fn what_is_not_saved_can_be_tried() {
    let server = Server::start().await;
    let path = webhook(&server).await;
    let payload = json!({"people": [{"contact": {"mail": "ada@example.com"}}]});
    let actions = json!([{"type": "add_subscriber", "tags": ["draft"]}, {"type": "publish_event", "event_type": "tried", "data": {}}]);
    let draft = json!({"payload": payload, "records": "people", "actions": actions});
    let told = server.post(&path, draft).await;
    assert_eq!((told.status, &told.json()["status"]), (200, &json!("processed")), "{told:?}");
    assert_eq!(told.json()["subscribers"][0]["after"]["tags"], json!(["draft"]));
    let done: Vec<Value> =
        told.json()["actions"].as_array().unwrap().iter().map(|action| action["type"].clone()).collect();
    assert_eq!(done, ["add_subscriber", "publish_event"]);
    for (draft, field) in [
        (json!({"actions": [{"type": "add_to_list", "list_id": 7}]}), "actions.0.list_id"),
        (json!({"actions": [{"type": "call_api", "url": "nowhere"}]}), "actions.0.url"),
        (json!({"records": "a..b"}), "records"),
        (json!({"mapping": [{"to": "email", "template": "{"}]}), "mapping.0.template"),
    ] {
        let mut body = json!({"payload": {}});
        for (name, value) in draft.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = server.post(&path, body).await;
        assert_eq!(refused.status, 422, "{draft}");
        assert_eq!(refused.faults()[0].0, field, "{refused:?}");
    }
    nothing_happened(&server).await;
}

#[tokio::test]
async fn what_would_fail_is_told_as_such() {
    let server = Server::start().await;
    let path = webhook(&server).await;
    let told = server.post(&path, json!({"payload": {"contact": {"mail": "nobody"}}})).await.json();
    assert_eq!((&told["status"], &told["response"]["status"]), (&json!("failed"), &json!(422)));
    assert_eq!(told["errors"][0]["field"], "email");
    for payload in [json!(7), json!([7]), Value::Null, json!("text"), json!(vec![json!({}); 1_001])] {
        let refused = server.post(&path, json!({"payload": payload})).await;
        assert_eq!((refused.status, refused.faults()[0].0.as_str()), (422, "payload"), "{refused:?}");
    }
    let gone = server.post("/incoming-webhooks/a1b2c3d4e5f6/preview", json!({"payload": {}})).await;
    assert_eq!(gone.status, 404);
    nothing_happened(&server).await;
}

#[tokio::test]
async fn records_may_stand_inside_and_one_takes_no_other_with_it() {
    let server = Server::start().await;
    let settings = json!({
        "name": "Import", "event_type": "contact_changed", "event_path": "header:X-Event",
        "parse_json": ["form.raw"], "records": "form.raw.contacts", "actions": [{"type": "add_subscriber"}],
    });
    let made = server.post("/incoming-webhooks", settings.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    for name in ["event_path", "parse_json", "records"] {
        assert_eq!(made.json()[name], settings[name]);
    }
    let path = format!("/incoming-webhooks/{}/preview", made.json()["id"].as_str().unwrap());
    let raw = json!({"contacts": [{"email": "ada@example.com"}, 7, {"email": "nobody"}]}).to_string();
    let told = server.post(&path, json!({"payload": {"form": {"raw": raw}}})).await.json();
    assert_eq!(
        (&told["status"], &told["response"]["body"]["processed_records"]),
        (&json!("failed"), &json!(1))
    );
    assert_eq!(told["subscribers"].as_array().unwrap().len(), 1);
    let fields: Vec<&Value> =
        told["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["form.raw.contacts.1", "form.raw.contacts.2.email"]);

    let told = server.post(&path, json!({"payload": {"form": {}}})).await.json();
    assert_eq!((&told["response"]["status"], &told["errors"][0]["field"]), (&json!(422), &json!("records")));
}

#[tokio::test]
async fn where_records_and_names_stand_is_checked_when_it_is_saved() {
    let server = Server::start().await;
    for (field, value) in [
        ("event_path", json!("header:no such")),
        ("event_path", json!("a..b")),
        ("records", json!("a..b")),
        ("parse_json", json!(["a..b"])),
        ("parse_json", json!(vec!["a"; 21])),
    ] {
        let mut settings = json!({"name": "Import", "event_type": "contact_changed"});
        settings[field] = value;
        let answer = server.post("/incoming-webhooks", settings.clone()).await;
        assert_eq!(answer.status, 422, "{settings}");
        assert!(answer.faults()[0].0.starts_with(field), "{:?}", answer.faults());
    }
}
