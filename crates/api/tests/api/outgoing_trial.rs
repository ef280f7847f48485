//! What an outgoing webhook would send, as it is saved or as someone wants to save it.

use domain::Event;
use engine::{Command, Executed, NewEvent};
use serde_json::{Value, json};

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
