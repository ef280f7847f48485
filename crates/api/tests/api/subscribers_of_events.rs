//! What outgoing webhooks know of the subscribers whom email events name.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};

use crate::support::{Answer, Server};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that knows Ada, and a receiver.
struct Known {
    server: Server,
    receiver: Receiver,
    lists: Vec<Value>,
    ada: Value,
}

async fn known(server: Server) -> Known {
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::ok()));
    let mut lists = Vec::new();
    for name in ["News", "Offers", "Others"] {
        lists.push(made(server.post("/lists", json!({"name": name})).await)["id"].clone());
    }
    let ada = json!({"email": "ada@example.com", "first_name": "Ada", "status": "subscribed", "tags": ["vip"],
        "lists": [lists[0], lists[1]], "custom_fields": {"plan": "pro"}});
    let ada = made(server.post("/subscribers", ada).await)["id"].clone();
    Known { server, receiver, lists, ada }
}

fn made(answer: Answer) -> Value {
    assert!(answer.status < 300, "{}", answer.text);
    answer.json()
}

impl Known {
    async fn webhook(&self, path: &str, more: Value) -> String {
        let mut settings = json!({"name": "Shop", "url": self.receiver.url(path), "events": ["email_*"],
            "retry": {"schedule_seconds": []}});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let webhook = made(self.server.post("/outgoing-webhooks", settings).await);
        format!("/outgoing-webhooks/{}", webhook["id"].as_str().unwrap())
    }

    fn opened(&self) -> Value {
        json!({"subscriber_id": self.ada, "subscriber_email": "ada@example.com", "campaign_id": 456})
    }

    /// Publishes one, and returns its path.
    async fn publish(&self, data: &Value) -> String {
        let event = json!({"event": "email_opened", "data": data});
        format!("/events/{}", made(self.server.post("/events", event).await)["id"].as_str().unwrap())
    }

    async fn failed(&self, webhook: &str) -> Value {
        let log = format!("{webhook}/deliveries?status=failed");
        let found = eventually("a delivery that failed", PATIENCE, async || {
            self.server.get(&log).await.json()["data"].as_array().unwrap().first().cloned()
        });
        found.await.unwrap()
    }

    /// What came at a path, when so many have come.
    async fn sent_to(&self, path: &str, count: usize) -> Vec<Value> {
        let found = eventually("the requests", PATIENCE, async || {
            let all = self.receiver.requests();
            let sent: Vec<Value> =
                all.iter().filter(|sent| sent.path() == path).map(|sent| sent.json().unwrap()).collect();
            (sent.len() >= count).then_some(sent)
        });
        found.await.unwrap()
    }
}

const TEMPLATE: &str = r#"{"id": "{subscriber_id}", "first_name": "{subscriber_first_name}", "status": "{subscriber_status}",
    "lists": "{subscriber_lists}", "tags": "{subscriber_tags}", "plan": "{custom_field_plan}", "campaign": "{campaign_id}"}"#;

fn template() -> Value {
    serde_json::from_str(TEMPLATE).unwrap()
}

#[tokio::test]
async fn an_email_event_is_rendered_with_its_subscriber_as_it_was_on_sqlite() {
    an_email_event_is_rendered_with_its_subscriber_as_it_was(Server::start_beside_receivers().await).await;
}

#[tokio::test]
async fn an_email_event_is_rendered_with_its_subscriber_as_it_was_on_postgres() {
    let server = Server::start_on_postgres_beside_receivers().await;
    an_email_event_is_rendered_with_its_subscriber_as_it_was(server).await;
}

async fn an_email_event_is_rendered_with_its_subscriber_as_it_was(server: Server) {
    let all = known(server).await;
    let server = &all.server;
    all.receiver.on("/hook", always(Reply::new(StatusCode::BAD_REQUEST)));
    let more = json!({"payload": template(), "headers": {"x-name": "{subscriber_first_name}"}});
    let webhook = all.webhook("/hook", more).await;
    all.webhook("/as-it-is", json!({})).await;
    let event = all.publish(&all.opened()).await;
    let failed = all.failed(&webhook).await;
    let expected = json!({"id": all.ada, "first_name": "Ada", "status": "subscribed",
        "lists": [all.lists[0], all.lists[1]], "tags": ["vip"], "plan": "pro", "campaign": 456});
    assert_eq!(all.sent_to("/hook", 1).await, std::slice::from_ref(&expected));
    assert_eq!(all.sent_to("/as-it-is", 1).await[0]["data"], all.opened(), "without a template");
    assert_eq!(server.get(&event).await.json()["data"], all.opened());

    // She changes, and is gone: what is sent once more of that event is as it was.
    let change = json!({"first_name": "Augusta", "status": "unsubscribed", "tags": [], "custom_fields": {"plan": "free"}});
    made(server.patch(&format!("/subscribers/{}", all.ada), change).await);
    let retry = format!("/deliveries/{}/retry", failed["id"].as_str().unwrap());
    made(server.post(&retry, json!({})).await);
    assert_eq!(all.sent_to("/hook", 2).await[1], expected);
    // Only what is finished is replayed: once its attempt is recorded.
    all.failed(&webhook).await;
    assert_eq!(server.delete(&format!("/subscribers/{}", all.ada)).await.status, 204);
    all.receiver.on("/hook", always(Reply::ok()));
    made(server.post(&format!("{webhook}/replay"), json!({"status": "all"})).await);
    assert_eq!(all.sent_to("/hook", 3).await[2], expected);
    let resend = format!("/deliveries/{}/resend", failed["id"].as_str().unwrap());
    let mut edited = all.opened();
    edited["campaign_id"] = json!(457);
    made(server.post(&resend, json!({"data": edited})).await);
    let mut again = expected.clone();
    again["campaign"] = json!(457);
    assert_eq!(all.sent_to("/hook", 4).await[3], again);
    let id = event.trim_start_matches("/events/");
    let preview = made(server.post(&format!("{webhook}/preview"), json!({"event_id": id})).await);
    assert_eq!(preview["request"]["body"], expected);
    assert_eq!(preview["request"]["headers"]["x-name"], "Ada");
    // What happens now names nobody who is known.
    all.publish(&all.opened()).await;
    let unknown = &all.sent_to("/hook", 5).await[4];
    assert_eq!((&unknown["id"], &unknown["first_name"]), (&all.ada, &Value::Null));
}

#[tokio::test]
async fn lists_tags_and_filters_see_the_subscriber_on_sqlite() {
    lists_tags_and_filters_see_the_subscriber(Server::start_beside_receivers().await).await;
}

#[tokio::test]
async fn lists_tags_and_filters_see_the_subscriber_on_postgres() {
    let server = Server::start_on_postgres_beside_receivers().await;
    lists_tags_and_filters_see_the_subscriber(server).await;
}

async fn lists_tags_and_filters_see_the_subscriber(server: Server) {
    let all = known(server).await;
    let server = &all.server;
    for (path, more) in [
        ("/list", json!({"lists": [all.lists[1]]})),
        ("/tag", json!({"tags": ["vip"]})),
        ("/filter", json!({"filter": "subscriber_status == 'subscribed' and custom_field_plan == 'pro'"})),
    ] {
        all.webhook(path, more).await;
    }
    let elsewhere = all.webhook("/none", json!({"lists": [all.lists[2]]})).await;
    let reason = async |event: &str| {
        let shown = server.get(event).await.json();
        let skipped = shown["skipped"].as_array().unwrap().clone();
        let of = |one: &&Value| elsewhere.ends_with(one["webhook_id"].as_str().unwrap());
        skipped.iter().find(of).unwrap()["reason"].as_str().unwrap().to_owned()
    };
    // By the id, and by the address alone.
    let first = all.publish(&all.opened()).await;
    all.publish(&json!({"subscriber_email": "ADA@example.com"})).await;
    for path in ["/list", "/tag", "/filter"] {
        all.sent_to(path, 2).await;
    }
    assert_eq!(reason(&first).await, "the subscriber is on none of the webhook's lists");
    let unknown = all.publish(&json!({"subscriber_email": "nobody@example.com"})).await;
    assert_eq!(reason(&unknown).await, "the event does not say which lists a subscriber is on");
    let shown = server.get(&unknown).await.json();
    assert_eq!((shown["deliveries"].as_array().unwrap().len(), shown["skipped_more"].clone()), (0, json!(0)));
}

#[tokio::test]
async fn what_an_action_publishes_is_rendered_with_its_subscriber_on_sqlite() {
    what_an_action_publishes_is_rendered_with_its_subscriber(Server::start_beside_receivers().await).await;
}

#[tokio::test]
async fn what_an_action_publishes_is_rendered_with_its_subscriber_on_postgres() {
    let server = Server::start_on_postgres_beside_receivers().await;
    what_an_action_publishes_is_rendered_with_its_subscriber(server).await;
}

async fn what_an_action_publishes_is_rendered_with_its_subscriber(server: Server) {
    let all = known(server).await;
    let payload = json!({"name": "{subscriber_first_name}", "email": "{subscriber_email}"});
    all.webhook("/hook", json!({"payload": payload})).await;
    let data = json!({"subscriber_id": "{data.person}", "campaign_id": 456});
    let action = json!({"type": "publish_event", "event_type": "email_clicked", "data": data});
    let incoming = json!({"name": "Mailer", "event_type": "email_clicked", "actions": [action]});
    let incoming = made(all.server.post("/incoming-webhooks", incoming).await);
    let url = incoming["url"].as_str().unwrap();
    let path = url.split_once(api::BASE).unwrap().1;
    let sent = json!({"event": "email_clicked", "data": {"person": all.ada}});
    made(all.server.post(path, sent).await);
    let expected = json!({"name": "Ada", "email": "ada@example.com"});
    assert_eq!(all.sent_to("/hook", 1).await, [expected]);
}

#[tokio::test]
async fn a_sample_is_rendered_as_what_happens_would_be() {
    let all = known(Server::start_beside_receivers().await).await;
    let webhook = all.webhook("/hook", json!({"payload": {"name": "{subscriber_first_name}"}})).await;
    let preview = async |input: Value| {
        let shown = made(all.server.post(&format!("{webhook}/preview"), input).await);
        shown["request"]["body"]["name"].clone()
    };
    assert_eq!(preview(json!({"event_type": "email_opened", "data": all.opened()})).await, "Ada");
    let nobody = json!({"event_type": "email_opened", "data": {"subscriber_email": "nobody@example.com"}});
    assert_eq!(preview(nobody).await, Value::Null);
    assert_eq!(preview(json!({"event_type": "email_opened"})).await, "John", "of the example");
    made(
        all.server
            .post(&format!("{webhook}/test"), json!({"event_type": "email_sent", "data": all.opened()}))
            .await,
    );
    assert_eq!(all.sent_to("/hook", 1).await, [json!({"name": "Ada"})]);
}
