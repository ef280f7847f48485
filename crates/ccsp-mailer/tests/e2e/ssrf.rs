//! Destinations that are not public are refused, when they are saved and when they are called: one table through every way out.
//! That there is no other way is shown in `outbound`, whose tests also have what needs a name server of their own (names that
//! lead inside, one bad address among good ones, names that change their mind).

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use signature::sns;
use testkit::destinations::{BLOCKED, UNPARSABLE, USERINFO, WRONG_SCHEME};
use testkit::receiver::{Answer, always};
use testkit::{Receiver, eventually};

use crate::support::{Kind, PATIENCE, SPEC_PAYLOAD, Server, World, merged, text};

on_both_databases!(
    a_private_address_is_not_saved,
    what_is_no_longer_allowed_is_not_called,
    a_script_that_chooses_the_destination_gets_nowhere,
    a_call_gets_nowhere,
    no_redirect_is_followed,
);

fn settings(url: &str) -> Value {
    json!({"name": "Inside", "url": url, "events": ["subscriber_added"], "retry": {"schedule_seconds": []}})
}

/// The whole table.
fn refused() -> impl Iterator<Item = &'static str> {
    let blocked = BLOCKED.iter().map(|(url, _)| *url);
    blocked.chain([UNPARSABLE, USERINFO, WRONG_SCHEME].into_iter().flatten().copied())
}

async fn a_private_address_is_not_saved(kind: Kind) {
    let world = World::new(kind).await;
    let server = Server::start(&world.bare_node("data")).await;
    let outside = server.make("/outgoing-webhooks", settings("https://example.com/hook")).await;
    let path = format!("/outgoing-webhooks/{}", text(&outside["id"]));
    for url in refused() {
        let token = json!({"method": "oauth2_client_credentials", "token_url": url, "client_id": "i", "client_secret": "s"});
        for (change, field) in [(json!({"url": url}), "url"), (json!({"auth": token}), "auth.")] {
            let made = merged(settings("https://example.com/hook"), change.clone());
            for answer in [
                server.post("/outgoing-webhooks", &made).await.unwrap(),
                server.patch(&path, &change).await.unwrap(),
            ] {
                let problem = answer.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
                // What is no URI by its schema is refused with its method.
                assert!(text(&problem["errors"][0]["field"]).starts_with(field), "{url}: {problem}");
            }
        }
    }
    assert_eq!(server.list("/outgoing-webhooks").await, [server.show(&path).await]);
}

/// What was saved while it was allowed is refused when it is called, by address and by name.
async fn what_is_no_longer_allowed_is_not_called(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let port = receiver.address().port();
    let mut webhooks = Vec::new();
    for host in ["127.0.0.1", "2130706433", "localhost", "LOCALHOST.", "inside.localhost"] {
        let url = format!("http://{host}:{port}/");
        webhooks.push(server.make("/outgoing-webhooks", settings(&url)).await);
    }
    server.make("/subscribers", json!({"email": "allowed@example.com"})).await;
    receiver.wait_for(webhooks.len(), PATIENCE).await.unwrap();
    for webhook in &webhooks {
        assert_eq!(server.settled(webhook, PATIENCE).await["delivered"], 1);
    }

    let connections = receiver.connections();
    drop(server);
    let server = Server::start(&world.bare_node("data")).await;
    server.make("/subscribers", json!({"email": "refused@example.com"})).await;
    for webhook in &webhooks {
        let stats = server.settled(webhook, PATIENCE).await;
        assert_eq!((&stats["delivered"], &stats["failed"]), (&json!(1), &json!(1)), "{webhook}");
        let log = server.list(&format!("/outgoing-webhooks/{}/deliveries", text(&webhook["id"]))).await;
        let delivery = server.show(&format!("/deliveries/{}", text(&log[0]["id"]))).await;
        let attempt = &delivery["attempts"][0];
        assert_eq!(attempt["http_status"], Value::Null);
        assert!(attempt.to_string().contains("blocked_address"), "{attempt}");
    }
    assert_eq!(receiver.connections(), connections);
}

/// A `transform` may send each event to another place: the test button and deliveries go the same way.
async fn a_script_that_chooses_the_destination_gets_nowhere(kind: Kind) {
    let world = World::new(kind).await;
    let server = Server::start(&world.bare_node("data")).await;
    let transform = "function transform(event, request) { request.url = event.data.url; return request }";
    let webhook = server
        .make("/outgoing-webhooks", merged(settings("https://example.com/"), json!({"transform": transform})))
        .await;
    let path = format!("/outgoing-webhooks/{}/test", text(&webhook["id"]));
    for url in refused() {
        let result = server.post(&path, &json!({"data": {"url": url}})).await.unwrap();
        let result = result.expect(StatusCode::OK).unwrap();
        let expected: &[&str] = match url {
            url if BLOCKED.iter().any(|(blocked, _)| *blocked == url) => &["blocked_address"],
            url if UNPARSABLE.contains(&url) => &["transform"],
            _ => &["invalid_url"],
        };
        assert!(expected.contains(&text(&result["error_code"])), "{url}: {result}");
        assert_eq!((&result["status"], &result["success"]), (&Value::Null, &json!(false)), "{url}");
    }
}

/// Calls to the whole table, as far as it can be saved; what can't is refused there.
async fn a_call_gets_nowhere(kind: Kind) {
    let world = World::new(kind).await;
    let server = Server::start(&world.bare_node("data")).await;
    let mut calls = Vec::new();
    for url in refused() {
        let call = json!({"type": "call_api", "url": url, "on_error": "continue"});
        let input = json!({"name": "Calls", "event_type": "subscriber_added", "status": "inactive", "actions": [call]});
        let answer = server.post("/incoming-webhooks", &input).await.unwrap();
        match answer.status {
            StatusCode::CREATED => calls.push(call),
            _ => {
                let problem = answer.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
                assert_eq!(problem["errors"][0]["field"], "actions.0.url", "{url}: {problem}");
            }
        }
    }
    assert!(calls.len() > 80, "{}", calls.len());
    for actions in calls.chunks(50) {
        let webhook = server.incoming(json!({"actions": actions})).await;
        let accepted =
            server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::ACCEPTED).unwrap();
        let path = format!("/requests/{}", text(&accepted["request_id"]));
        let entry = eventually("the calls to end", PATIENCE, async || {
            let entry = server.show(&path).await;
            (!["accepted", "retrying"].contains(&text(&entry["status"]))).then_some(entry)
        })
        .await
        .unwrap();
        let outcomes = entry["actions"].as_array().unwrap();
        assert_eq!(outcomes.len(), actions.len());
        for (call, outcome) in actions.iter().zip(outcomes) {
            let detail = text(&outcome["detail"]);
            let is_refused = detail.starts_with("blocked_address") || detail.starts_with("invalid_url");
            assert!(
                outcome["status"] == "failed" && (is_refused || detail.contains("URL is not valid")),
                "{call}: {outcome}"
            );
        }
    }
}

/// Whoever is allowed to be called does not choose who is called next.
async fn no_redirect_is_followed(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let (outside, inside) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    for status in [301, 302, 303, 307, 308] {
        let location = HeaderValue::try_from(inside.url("/secret")).unwrap();
        let answer = Answer::new(StatusCode::from_u16(status).unwrap()).header(LOCATION, location);
        outside.otherwise(always(answer));
        let webhook = server.make("/outgoing-webhooks", settings(&outside.url("/hook"))).await;
        let path = format!("/outgoing-webhooks/{}/test", text(&webhook["id"]));
        let result = server.post(&path, &json!({})).await.unwrap().expect(StatusCode::OK).unwrap();
        assert_eq!(
            (&result["status"], &result["error_code"]),
            (&json!(status), &json!("http_status")),
            "{result}"
        );

        let auth = json!({"method": "oauth2_client_credentials", "token_url": outside.url("/token"), "client_id": "i", "client_secret": "s"});
        server.change(&format!("/outgoing-webhooks/{}", text(&webhook["id"])), json!({"auth": auth})).await;
        let result = server.post(&path, &json!({})).await.unwrap().expect(StatusCode::OK).unwrap();
        assert_eq!(result["error_code"], "oauth_token", "{result}");

        let caller =
            server.incoming(json!({"actions": [{"type": "call_api", "url": outside.url("/call")}]})).await;
        let accepted = server.receive(&caller, &[], SPEC_PAYLOAD).await.expect(StatusCode::ACCEPTED).unwrap();
        let path = format!("/requests/{}", text(&accepted["request_id"]));
        eventually("the call to fail", PATIENCE, async || {
            let entry = server.show(&path).await;
            entry["actions"].to_string().contains(&format!("answered {status}")).then_some(())
        })
        .await
        .unwrap();
    }
    assert_eq!(inside.connections(), 0);
}

/// What an SNS message names is asked for only where Amazon has it.
#[test]
fn an_sns_message_leads_nowhere_else() {
    for url in refused() {
        for text in
            [url.to_owned(), format!("{url}cert.pem"), format!("{url}#sns.us-east-1.amazonaws.com/a.pem")]
        {
            let body = json!({"SigningCertURL": text, "SubscribeURL": text}).to_string();
            assert_eq!(sns::certificate_url(body.as_bytes()), None, "{text}");
            assert_eq!(sns::subscribe_url(body.as_bytes()), None, "{text}");
        }
    }
}
