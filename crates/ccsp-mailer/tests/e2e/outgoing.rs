//! Outgoing webhooks with payloads, authentication and conditions of their own, and trying them.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::receiver::{Answer, Reply, always, fail_first};
use testkit::{Receiver, eventually};

use crate::support::{Kind, PATIENCE, SPEC_PAYLOAD, Server, World, text};

on_both_databases!(
    a_payload_of_its_own_arrives_signed,
    what_is_not_wanted_is_skipped_with_a_reason,
    a_test_is_sent_and_is_no_event,
    oauth_tokens_are_fetched_once_and_again_when_refused,
    a_new_refresh_token_outlives_the_process,
);

/// Posts the specification's signup, and waits for what the receiver gets of it.
async fn signed_up(
    server: &Server,
    receiver: &Receiver,
    count: usize,
) -> Vec<testkit::receiver::ReceivedRequest> {
    let webhook = server.incoming(json!({"actions": [{"type": "add_subscriber", "tags": ["web"]}]})).await;
    server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    receiver.wait_for(count, PATIENCE).await.unwrap()
}

/// An outgoing webhook for new subscribers.
async fn outgoing(server: &Server, url: &str, settings: Value) -> Value {
    server.outgoing(url, crate::support::merged(json!({"events": ["subscriber_added"]}), settings)).await
}

async fn try_it(server: &Server, webhook: &Value, input: Value) -> Value {
    let path = format!("/outgoing-webhooks/{}/test", text(&webhook["id"]));
    server.post(&path, &input).await.unwrap().expect(StatusCode::OK).unwrap()
}

async fn a_payload_of_its_own_arrives_signed(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let transform = "function transform(event, request) { \
        request.body.scripted = event.event; request.headers['x-script'] = 'yes'; return request }";
    let webhook = outgoing(&server, &receiver.url("/contacts/{subscriber_email}"), json!({
        "method": "PUT",
        "headers": {"X-Company": "{custom_field_company}"},
        "auth": {"method": "api_key", "key": "sekret-key-1234", "header": "X-My"},
        "payload": {"id": "{subscriber_id}", "mail": "{subscriber_email}", "phone?": "{data.phone}", "campaign": "{campaign_id}"},
        "transform": transform,
    }))
    .await;
    assert_eq!(webhook["auth"]["key"], "sekret-key-1234", "shown once");
    let [request] = &signed_up(&server, &receiver, 1).await[..] else { panic!() };
    assert_eq!((&request.method, request.path()), (&Method::PUT, "/contacts/john%40example.com"));
    let body = json!({"id": 1, "mail": "john@example.com", "campaign": null, "scripted": "subscriber_added"});
    assert_eq!(request.json().unwrap(), body);
    let header = |name| request.header(name).unwrap_or_default();
    assert_eq!(
        (header("x-my"), header("x-company"), header("x-script")),
        ("sekret-key-1234", "Acme Corp", "yes")
    );
    let signature = x_webhook_signature(text(&webhook["signing"]["secret"]), &request.body);
    assert_eq!(header("x-webhook-signature"), signature, "of the body as it was sent");

    server.settled(&webhook, PATIENCE).await;
    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    let log = server.list(&format!("{path}/deliveries")).await;
    assert_eq!(log[0]["payload"], body, "{log:?}");
    assert!(!json!(log).to_string().contains("sekret"), "{log:?}");
    let shown = server.show(&path).await;
    assert_eq!(shown["auth"]["key"], "••••1234");
    // The masked form leaves it as it is.
    server.change(&path, json!({"auth": shown["auth"], "transform": null})).await;
    assert_eq!(try_it(&server, &webhook, json!({})).await["status"], 200);
    assert_eq!(receiver.requests().last().unwrap().header("x-my"), Some("sekret-key-1234"));
    assert!(!server.program.log().contains("sekret"));
}

/// By hand, as a receiver would.
fn x_webhook_signature(secret: &str, body: &[u8]) -> String {
    let key = signature::SigningKey::new(&signature::Secret::new(secret)).unwrap();
    signature::x_webhook::sign(&key, body)
}

async fn what_is_not_wanted_is_skipped_with_a_reason(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let wanted = json!({"events": ["subscriber_*"], "filter": "subscriber_status == 'subscribed' and data.source == 'form_submission'", "tags": ["web"]});
    outgoing(&server, &receiver.url("/all"), wanted).await;
    let pending =
        outgoing(&server, &receiver.url("/none"), json!({"filter": "subscriber_status == 'pending'"})).await;
    let listed = outgoing(&server, &receiver.url("/none"), json!({"lists": [7]})).await;
    let cancels = json!({"transform": "function transform() { return { cancel: 'not today' } }"});
    let cancelled = outgoing(&server, &receiver.url("/none"), cancels).await;
    let inactive = outgoing(&server, &receiver.url("/none"), json!({"status": "inactive"})).await;
    let paused = outgoing(&server, &receiver.url("/none"), json!({"status": "paused"})).await;
    let elsewhere = outgoing(&server, &receiver.url("/none"), json!({"events": ["order_*"]})).await;
    let requests = signed_up(&server, &receiver, 2).await;
    assert!(requests.iter().all(|request| request.path() == "/all"), "added and tagged: {requests:?}");

    let added = server.list("/events?event_type=subscriber_added").await.remove(0);
    let shown = server.show(&format!("/events/{}", text(&added["id"]))).await;
    let mut skipped: Vec<(&str, &str)> = shown["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (text(&s["webhook_id"]), text(&s["reason"])))
        .collect();
    skipped.sort_unstable();
    let mut expected = [
        (text(&pending["id"]), "the webhook's filter does not hold"),
        (text(&listed["id"]), "the subscriber is on none of the webhook's lists"),
        (text(&inactive["id"]), "the webhook is inactive"),
    ];
    expected.sort_unstable();
    assert_eq!(skipped, expected);
    let log = format!("/outgoing-webhooks/{}/deliveries?status=cancelled", text(&cancelled["id"]));
    let entry = eventually("the delivery to be cancelled", PATIENCE, async || server.list(&log).await.pop())
        .await
        .unwrap();
    assert_eq!(entry["attempts"][0]["error"], "cancelled by the webhook's transform: not today");
    // What has a delivery says why that stands as it does, and who wanted nothing of the kind is named as well.
    let shown = server.show(&format!("/events/{}", text(&added["id"]))).await;
    let reason = |webhook: &Value| {
        let deliveries = shown["deliveries"].as_array().unwrap();
        deliveries.iter().find(|of| of["webhook_id"] == webhook["id"]).unwrap()["reason"].clone()
    };
    assert_eq!(reason(&cancelled), "cancelled by the webhook's transform: not today");
    assert_eq!(reason(&paused), "the webhook is paused");
    assert_eq!(shown["skipped_more"], 0);
    assert_eq!(shown["not_subscribed"], json!({"count": 1, "webhook_ids": [elsewhere["id"]]}));
}

async fn a_test_is_sent_and_is_no_event(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/good", always(Answer::ok().body(r#"{"success": true}"#)));
    receiver.on("/bad", always(StatusCode::INTERNAL_SERVER_ERROR));
    receiver.on("/gone", always(StatusCode::GONE));
    receiver.on("/closed", always(Reply::Disconnect));
    let webhook = outgoing(
        &server,
        &receiver.url("/good"),
        json!({"status": "inactive", "auth": {"method": "query", "params": {"api_key": "sekret"}}}),
    )
    .await;
    let result =
        try_it(&server, &webhook, json!({"event_type": "email_opened", "data": {"campaign_id": 7}})).await;
    assert_eq!(
        (&result["status"], &result["response"], &result["error"]),
        (&json!(200), &json!({"success": true}), &json!(null))
    );
    assert_eq!(result["request"]["body"]["data"], json!({"campaign_id": 7}));
    assert_eq!((&result["success"], &result["request"]["method"]), (&json!(true), &json!("POST")));
    assert!(!result.to_string().contains("sekret"), "{result}");
    assert_eq!(receiver.requests()[0].path_and_query, "/good?api_key=sekret");

    let delivery = server.show(&format!("/deliveries/{}", text(&result["delivery_id"]))).await;
    assert_eq!((&delivery["test"], &delivery["status"]), (&json!(true), &json!("delivered")));
    assert_eq!(
        (&delivery["event_type"], &delivery["payload"]["data"]),
        (&json!("email_opened"), &json!({"campaign_id": 7}))
    );
    assert!(server.list("/events").await.is_empty());
    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    assert_eq!(server.show(&format!("{path}/stats")).await["total_events"], 0);
    assert_eq!(server.list(&format!("{path}/deliveries")).await.len(), 1);
    let retried = server
        .post(&format!("/deliveries/{}/retry", text(&result["delivery_id"])), &json!({}))
        .await
        .unwrap();
    assert_eq!(retried.status, StatusCode::CONFLICT);

    for (url, code) in [
        (receiver.url("/bad"), "http_status"),
        (receiver.url("/closed"), "connection_closed"),
        (receiver.url("/gone"), "http_status"),
        ("http://127.0.0.1:1/".to_owned(), "connection_refused"),
        ("http://nowhere.invalid/".to_owned(), "dns"),
    ] {
        server.change(&path, json!({"url": url})).await;
        let result = try_it(&server, &webhook, json!({})).await;
        assert_eq!((&result["error_code"], &result["success"]), (&json!(code), &json!(false)), "{result}");
        assert!(text(&result["hint"]).len() > 20 && result["error"].is_string(), "{result}");
    }
    assert_eq!(server.show(&path).await["disabled_reason"], json!(null), "a test deactivates nothing");
}

/// A server of tokens: each is another one.
fn tokens(receiver: &Receiver, answer: Value) {
    receiver.on("/token", always(Answer::ok().body(answer.to_string())));
}

async fn oauth_tokens_are_fetched_once_and_again_when_refused(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    tokens(&receiver, json!({"access_token": "first", "expires_in": 3600, "token_type": "Bearer"}));
    let auth = json!({"method": "oauth2_client_credentials", "token_url": receiver.url("/token"), "client_id": "me",
        "client_secret": "sekret-1234", "scope": "contacts"});
    let webhook = outgoing(&server, &receiver.url("/hook"), json!({"auth": auth})).await;
    for _ in 0..3 {
        assert_eq!(try_it(&server, &webhook, json!({})).await["status"], 200);
    }
    let paths = |receiver: &Receiver| -> Vec<String> {
        receiver.requests().iter().map(|request| request.path().to_owned()).collect()
    };
    assert_eq!(paths(&receiver), ["/token", "/hook", "/hook", "/hook"]);
    let requests = receiver.requests();
    let form = String::from_utf8(requests[0].body.to_vec()).unwrap();
    assert_eq!(form, "grant_type=client_credentials&client_id=me&client_secret=sekret-1234&scope=contacts");
    assert_eq!(requests[1].header("authorization"), Some("Bearer first"));

    // Withdrawn: once more with a new one.
    tokens(&receiver, json!({"access_token": "second"}));
    receiver.on("/hook", fail_first(1, StatusCode::UNAUTHORIZED));
    assert_eq!(try_it(&server, &webhook, json!({})).await["status"], 200);
    assert_eq!(paths(&receiver)[4..], ["/hook", "/token", "/hook"]);
    assert_eq!(receiver.requests()[6].header("authorization"), Some("Bearer second"));

    // No token, no delivery; and the log says why.
    receiver
        .on("/token", always(Answer::new(StatusCode::BAD_REQUEST).body(r#"{"error": "invalid_client"}"#)));
    receiver.on("/hook", always(StatusCode::UNAUTHORIZED));
    let result = try_it(&server, &webhook, json!({})).await;
    assert_eq!(result["error_code"], "oauth_token");
    assert_eq!(result["error"], "the token URL answered 400: invalid_client");
    assert!(!server.program.log().contains("sekret"));
    // The way to the token is guarded as that of deliveries is.
    let input = json!({"name": "x", "url": receiver.url("/"), "events": ["*"], "auth": {
        "method": "oauth2_client_credentials", "token_url": "http://169.254.169.254/", "client_id": "i", "client_secret": "s",
    }});
    let refused = server.post("/outgoing-webhooks", &input);
    let refused = refused.await.unwrap().expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    assert_eq!(refused["errors"][0]["field"], "auth.token_url");
}

async fn a_new_refresh_token_outlives_the_process(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let server = Server::start(&node).await;
    let receiver = Receiver::start().await.unwrap();
    tokens(&receiver, json!({"access_token": "a", "refresh_token": "second-refresh"}));
    let auth = json!({"method": "oauth2_refresh_token", "token_url": receiver.url("/token"), "client_id": "me",
        "client_secret": "sekret", "refresh_token": "first-refresh"});
    let webhook = outgoing(&server, &receiver.url("/hook"), json!({"auth": auth})).await;
    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    let before = server.show(&path).await;
    assert_eq!(try_it(&server, &webhook, json!({})).await["status"], 200);
    eventually("the new token to be stored", PATIENCE, async || {
        (server.show(&path).await["updated_at"] != before["updated_at"]).then_some(())
    })
    .await
    .unwrap();
    let key = server.key.clone();
    drop(server);
    let server = Server::of(node.start().await.unwrap(), key);
    assert_eq!(try_it(&server, &webhook, json!({})).await["status"], 200);
    let forms: Vec<String> = receiver
        .requests()
        .iter()
        .filter(|request| request.path() == "/token")
        .map(|request| String::from_utf8(request.body.to_vec()).unwrap())
        .collect();
    assert!(forms[0].contains("first-refresh") && forms[1].contains("second-refresh"), "{forms:?}");
}
