//! The main job, end to end: a stranger posts a webhook, and everything that is to follow does.

use serde_json::{Value, json};
use testkit::Receiver;
use testkit::receiver::ReceivedRequest;

use crate::support::{Kind, PATIENCE, SPEC_PAYLOAD, Server, World, python, text};

on_both_databases!(a_webhook_comes_in_and_webhooks_go_out);

async fn a_webhook_comes_in_and_webhooks_go_out(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();

    let list = server.make("/lists", json!({"name": "Newsletter"})).await;
    assert_eq!(list["id"], 1, "the list that the specification's payload names");
    let incoming = server.incoming(json!({})).await;
    let outgoing = server.outgoing(&receiver.url("/hook"), json!({})).await;

    let answer = server.receive(&incoming, &[], SPEC_PAYLOAD).await;
    let answer = answer.expect(http::StatusCode::OK).unwrap();
    assert_eq!(answer["success"], true);
    assert_eq!(answer["message"], "Webhook processed successfully");
    assert_eq!(answer["processed_records"], 1);
    let request_id = text(&answer["request_id"]).to_owned();

    check_subscriber(&server).await;
    let arrived = receiver.wait_for(2, PATIENCE).await.unwrap();
    check_deliveries(&arrived, text(&outgoing["signing"]["secret"])).await;
    server.settled(&outgoing, PATIENCE).await;
    let events = check_request_log(&server, &incoming, &request_id).await;
    check_delivery_log(&server, &outgoing, &arrived, &events).await;
}

async fn check_subscriber(server: &Server) {
    let subscriber = server.subscriber("JOHN@example.com").await.unwrap();
    for (field, expected) in [
        ("email", json!("john@example.com")),
        ("first_name", json!("John")),
        ("last_name", json!("Doe")),
        ("status", json!("subscribed")),
        ("source", json!("form_submission")),
        ("custom_fields", json!({"company": "Acme Corp", "phone": "+1234567890"})),
        ("lists", json!([{"id": 1, "status": "subscribed"}])),
        ("tags", json!(["web"])),
    ] {
        assert_eq!(subscriber[field], expected, "{field}");
    }
    let by_id = server.show(&format!("/subscribers/{}", subscriber["id"])).await;
    assert_eq!(by_id, subscriber);
}

/// What arrived is what the contract promises to receivers.
async fn check_deliveries(arrived: &[ReceivedRequest], secret: &str) {
    assert_eq!(arrived.len(), 2);
    for request in arrived {
        assert_eq!((request.method.as_str(), request.path()), ("POST", "/hook"));
        let header = |name: &str| request.header(name).unwrap_or_else(|| panic!("no header {name}"));
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("user-agent"), concat!("CloudCusp-Mailer/", env!("CARGO_PKG_VERSION")));
        assert_eq!(header("x-webhook-id"), header("webhook-id"));
        assert!(header("webhook-id").starts_with("evt_"));
        assert_eq!(header("x-webhook-timestamp"), header("webhook-timestamp"));

        let body = request.json().unwrap();
        assert_eq!(body["event"], header("x-webhook-event"));
        assert!(text(&body["timestamp"]).ends_with('Z'));
        assert_eq!(body["data"]["email"], "john@example.com");
        assert_eq!(body["data"]["custom_fields"]["company"], "Acme Corp");
    }
    let verified = python("verify.py", &as_received(secret, arrived)).await;
    let mut verified: Vec<&str> = verified.as_array().unwrap().iter().map(text).collect();
    verified.sort_unstable();
    assert_eq!(verified, ["subscriber_added", "subscriber_tagged"]);
}

/// Deliveries as `verify.py` takes them.
pub fn as_received(secret: &str, arrived: &[ReceivedRequest]) -> Value {
    let deliveries: Vec<Value> = arrived
        .iter()
        .map(|request| {
            let names = ["x-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature"];
            let headers: serde_json::Map<String, Value> =
                names.iter().map(|name| ((*name).to_owned(), json!(request.header(name)))).collect();
            json!({"headers": headers, "body": String::from_utf8(request.body.to_vec()).unwrap()})
        })
        .collect();
    json!({"secret": secret, "deliveries": deliveries})
}

/// The log has the request, with everything that it came to; gives the ids of its events.
async fn check_request_log(server: &Server, incoming: &Value, request_id: &str) -> Vec<String> {
    let log = server.list(&format!("/incoming-webhooks/{}/requests", text(&incoming["id"]))).await;
    assert_eq!(log.len(), 1);
    let entry = server.show(&format!("/requests/{request_id}")).await;
    assert_eq!(entry["id"], request_id);
    assert_eq!(entry["webhook_id"], incoming["id"]);
    assert_eq!((&entry["status"], &entry["attempts"]), (&json!("processed"), &json!(1)));
    assert_eq!((&entry["event_type"], &entry["method"]), (&json!("subscriber_added"), &json!("POST")));
    assert_eq!(
        (&entry["sender_ip"], &entry["content_type"]),
        (&json!("127.0.0.1"), &json!("application/json"))
    );
    assert_eq!(entry["payload"], serde_json::from_str::<Value>(SPEC_PAYLOAD).unwrap());
    assert_eq!(entry["response"]["status"], 200);
    assert_eq!(entry["response"]["body"]["request_id"], request_id);
    assert_eq!((&entry["errors"], &entry["warnings"]), (&json!([]), &json!([])));
    let action = &entry["actions"][0];
    assert_eq!((&action["type"], &action["status"]), (&json!("add_subscriber"), &json!("done")));

    let ids: Vec<String> = entry["events"].as_array().unwrap().iter().map(|id| text(id).to_owned()).collect();
    for (id, event) in ids.iter().zip(["subscriber_added", "subscriber_tagged"]) {
        let logged = server.show(&format!("/events/{id}")).await;
        assert_eq!((&logged["event_type"], &logged["request_id"]), (&json!(event), &json!(request_id)));
    }
    assert_eq!(ids.len(), 2);
    ids
}

/// The log has both deliveries, each with its one attempt and what was sent and answered.
async fn check_delivery_log(
    server: &Server,
    outgoing: &Value,
    arrived: &[ReceivedRequest],
    events: &[String],
) {
    let log = server.list(&format!("/outgoing-webhooks/{}/deliveries", text(&outgoing["id"]))).await;
    assert_eq!(log.len(), 2);
    for entry in log {
        let delivery = server.show(&format!("/deliveries/{}", text(&entry["id"]))).await;
        let event_id = text(&delivery["event_id"]);
        assert!(events.iter().any(|id| id == event_id));
        assert_eq!((&delivery["status"], &delivery["test"]), (&json!("delivered"), &json!(false)));
        assert_eq!(delivery["next_attempt_at"], Value::Null);

        let request = arrived.iter().find(|request| request.header("webhook-id") == Some(event_id)).unwrap();
        assert_eq!(delivery["payload"], request.json().unwrap());
        let attempts = delivery["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!((&attempts[0]["http_status"], &attempts[0]["error"]), (&json!(200), &Value::Null));
        assert_eq!(attempts[0]["response_body"], "{}");
        assert_eq!(attempts[0]["request_headers"]["webhook-id"], event_id);
        assert_eq!(attempts[0]["response_headers"]["content-type"], "application/json");
    }
}
