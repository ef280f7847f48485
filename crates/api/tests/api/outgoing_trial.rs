//! What an outgoing webhook would send, as it is saved or as someone wants to save it.

use domain::Event;
use engine::{Command, Executed, NewEvent};
use serde_json::{Value, json};
use testkit::Receiver;
use testkit::receiver::{Answer as Reply, always};

use crate::support::Server;

async fn webhook(server: &Server) -> String {
    let input = json!({
        "name": "Shop", "url": "https://example.com/hook", "events": ["order_paid"], "payload": {"number": "{data.number}"},
        "filter": "data.number > 1",
    });
    let made = server.post("/outgoing-webhooks", input).await;
    assert_eq!(made.status, 201, "{}", made.text);
    format!("/outgoing-webhooks/{}/preview", made.json()["id"].as_str().unwrap())
}

async fn happened(server: &Server) -> Event {
    let event = NewEvent {
        event_type: "order_paid".parse().unwrap(),
        occurred_at: None,
        data: json!({"number": 7}).to_string(),
    };
    match server.engine.execute(Command::Publish(vec![event])).await.unwrap() {
        Executed::Published(mut events) => events.remove(0),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_saved_takes_the_place_of_what_is() {
    let server = Server::start().await;
    let path = webhook(&server).await;
    let preview = async |draft: Value| {
        let mut body = json!({"event_type": "order_paid", "data": {"number": 7}});
        for (name, value) in draft.as_object().unwrap() {
            body[name] = value.clone();
        }
        server.post(&path, body).await
    };
    assert_eq!(preview(json!({})).await.json()["request"]["body"], json!({"number": 7}));
    assert_eq!(preview(json!({"payload": {"a": 1}})).await.json()["request"]["body"], json!({"a": 1}));
    let envelope = preview(json!({"payload": null})).await.json();
    assert_eq!(envelope["request"]["body"]["event"], "order_paid", "the event as it is: {envelope}");
    assert_eq!(envelope["request"]["body"]["data"], json!({"number": 7}));
    let elsewhere =
        json!({"url": "https://example.com/{data.number}", "headers": {"X-Number": "{data.number}"}});
    let elsewhere = preview(elsewhere).await.json();
    assert_eq!(elsewhere["request"]["url"], "https://example.com/7");
    assert_eq!(elsewhere["request"]["headers"]["x-number"], "7");
    let refused = preview(json!({"filter": "data.number > 100"})).await.json();
    assert_eq!((&refused["sent"], &refused["request"]), (&json!(false), &Value::Null), "{refused}");
    let unfiltered = preview(json!({"filter": null, "data": {"number": 0}})).await.json();
    assert_eq!(unfiltered["sent"], true, "{unfiltered}");
    assert_eq!(preview(json!({"data": {"number": 0}})).await.json()["sent"], false);
    for (draft, field) in [
        (json!({"payload": "{nonsense}"}), "payload"),
        (json!({"filter": "data.number >"}), "filter"),
        (json!({"headers": {"Host": "x"}}), "headers.Host"),
        (json!({"url": "https://{data.number}/"}), "url"),
    ] {
        let answer = preview(draft.clone()).await;
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (422, field), "{draft}");
    }
}

#[tokio::test]
async fn an_event_that_happened_is_shown_as_it_was() {
    let server = Server::start().await;
    let path = webhook(&server).await;
    let event = happened(&server).await;
    let body = json!({"event_id": event.id, "payload": {"id": "{event_id}", "at": "{timestamp}"}});
    let shown = server.post(&path, body).await.json();
    assert_eq!(
        shown["request"]["body"],
        json!({"id": event.id.to_string(), "at": event.occurred_at.to_string()}),
        "{shown}"
    );
}

#[tokio::test]
async fn a_test_says_why_such_an_event_would_not_come_by_itself() {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::ok()));
    let settings = json!({"name": "Shop", "url": receiver.url("/hook"), "events": ["order_paid"],
        "filter": "data.number > 1"});
    let made = server.post("/outgoing-webhooks", settings).await.json();
    let webhook = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    let skipped = async |event_type: &str, number: u8| {
        let input = json!({"event_type": event_type, "data": {"number": number}});
        let told = server.post(&format!("{webhook}/test"), input).await.json();
        assert_eq!(told["status"], 200, "it is sent whatever is said: {told}");
        told["skipped"].clone()
    };
    assert_eq!(skipped("order_paid", 2).await, Value::Null);
    assert_eq!(skipped("order_paid", 1).await, "the webhook's filter does not hold");
    assert_eq!(skipped("order_sent", 2).await, "the webhook does not get order_sent");
    server.patch(&webhook, json!({"status": "paused"})).await;
    assert_eq!(skipped("order_paid", 2).await, Value::Null, "it would wait");
    server.patch(&webhook, json!({"status": "inactive"})).await;
    assert_eq!(skipped("order_paid", 2).await, "the webhook is inactive");
}

#[tokio::test]
async fn the_example_of_a_kind_is_its_own_or_nothing() {
    let server = Server::start().await;
    let settings = json!({"name": "Shop", "url": "https://example.com/hook", "events": ["order_paid"],
        "payload": {"data": "{data}"}});
    let made = server.post("/outgoing-webhooks", settings).await.json();
    let path = format!("/outgoing-webhooks/{}/preview", made["id"].as_str().unwrap());
    let shown = async || server.post(&path, json!({})).await.json()["request"]["body"]["data"].clone();
    assert_eq!(shown().await, json!({}), "nobody said what it has");
    let kind = json!({"name": "order_paid", "example": {"total": 42}});
    assert_eq!(server.post("/event-types", kind).await.status, 201);
    assert_eq!(shown().await, json!({"total": 42}));
}

#[tokio::test]
async fn an_attempt_says_where_it_went_if_a_template_decided_that() {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::ok()));
    let url = format!("{}/{{data.number}}?key=sekret", receiver.url("/orders"));
    let settings = json!({"name": "Shop", "url": url, "method": "PUT", "events": ["order_paid"]});
    let made = server.post("/outgoing-webhooks", settings).await.json();
    let webhook = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    let tried = async || {
        let input = json!({"event_type": "order_paid", "data": {"number": 7}});
        let told = server.post(&format!("{webhook}/test"), input).await.json();
        assert_eq!(told["status"], 200, "{told}");
        let id = told["delivery_id"].as_str().unwrap();
        let entry = server.get(&format!("/deliveries/{id}")).await.json();
        (entry["attempts"][0]["method"].clone(), entry["attempts"][0]["url"].clone())
    };
    let went = format!("{}/7?••••", receiver.url("/orders"));
    assert_eq!(tried().await, (json!("PUT"), json!(went)));
    let found = server.get(&format!("{webhook}/deliveries?q=orders/7")).await.json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    server.patch(&webhook, json!({"redact": ["data.number"]})).await;
    assert_eq!(tried().await, (Value::Null, Value::Null), "it may hold what must not be shown");
    server.patch(&webhook, json!({"redact": [], "url": receiver.url("/orders")})).await;
    assert_eq!(tried().await, (Value::Null, Value::Null), "as the webhook says");
}
