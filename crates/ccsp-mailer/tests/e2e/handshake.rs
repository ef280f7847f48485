//! Senders that ask before they send get the answer that they expect, if they have the token.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use signature::{Scheme, Secret, Source};
use testkit::http::BASE;
use tokio::time::Instant;

use crate::support::{Kind, SPEC_PAYLOAD, Server, World, target, text};

on_both_databases!(
    questions_of_known_senders_are_answered,
    what_was_answered_stands_in_the_log,
    a_secret_that_is_handed_over_is_kept,
    rejections_are_counted_by_their_reason,
);

async fn ask(
    server: &Server,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let answer = server.raw(method, target, headers, body.to_owned()).await.unwrap();
    (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
}

async fn preset(server: &Server, name: &str) -> (Value, String) {
    let webhook = server.incoming(json!({"preset": name})).await;
    let address = target(&webhook);
    (webhook, address)
}

async fn questions_of_known_senders_are_answered(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;

    // Meta's challenge: the verify token is that of the URL.
    let (webhook, address) = preset(&server, "meta_leads").await;
    let token = webhook["token"].as_str().unwrap();
    let challenge = format!("{address}&hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    assert_eq!(ask(&server, Method::GET, &challenge, &[], "").await, (200, "1158201444".to_owned()));
    let wrong = address.replace(token, "wrong-token-wrong-token-wrong-token-");
    let (status, text) = ask(&server, Method::GET, &challenge.replace(&address, &wrong), &[], "").await;
    assert!(status == 405 && !text.contains("1158201444"), "{status} {text}");

    // Microsoft Graph asks by POST.
    let (_, address) = preset(&server, "microsoft_graph").await;
    let asked = format!("{address}&validationToken=Validation%3A+Testing");
    let (status, text) = ask(&server, Method::POST, &asked, &[("content-type", "text/plain")], "").await;
    assert_eq!((status, text.as_str()), (200, "Validation: Testing"));

    // CloudEvents asks by OPTIONS.
    let (_, address) = preset(&server, "cloudevents").await;
    let headers = [("webhook-request-origin", "eventemitter.example.com")];
    let answer = server.raw(Method::OPTIONS, &address, &headers, "").await.unwrap();
    assert_eq!(answer.header("webhook-allowed-origin"), Some("eventemitter.example.com"));

    // Who knows no such question refuses.
    let webhook = server.incoming(json!({})).await;
    for method in [Method::GET, Method::OPTIONS, Method::PUT] {
        let refused = server.raw(method, &target(&webhook), &headers, "").await.unwrap();
        refused.expect(StatusCode::METHOD_NOT_ALLOWED).unwrap();
    }
}

async fn log(server: &Server, webhook: &Value, filter: &str) -> Vec<Value> {
    server.list(&format!("/incoming-webhooks/{}/requests{filter}", text(&webhook["id"]))).await
}

async fn what_was_answered_stands_in_the_log(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let (webhook, address) = preset(&server, "meta_leads").await;
    let token = text(&webhook["token"]);
    let challenge = format!("{address}&hub.mode=subscribe&hub.challenge=abc-7&hub.verify_token={token}");
    let begun = Instant::now();
    assert_eq!(ask(&server, Method::GET, &challenge, &[], "").await.0, 200);
    let [entry] = log(&server, &webhook, "").await.try_into().unwrap();
    assert_eq!((&entry["status"], &entry["method"]), (&json!("processed"), &json!("GET")));
    let action = (&entry["actions"][0]["type"], &entry["actions"][0]["detail"]);
    assert_eq!(action, (&json!("handshake"), &json!("handshake answered")));
    assert_eq!(entry["response"], json!({"status": 200, "body": "abc-7"}));
    assert!(!entry.to_string().contains(token), "no secret in the log");
    // There is nothing in it to act upon.
    let retry = format!("/requests/{}/retry", text(&entry["id"]));
    let refused = server.post(&retry, &json!({})).await.unwrap();
    refused.expect(StatusCode::CONFLICT).unwrap();

    // A flood of them is answered, and fills no disk: a hundred a minute are logged.
    for _ in 0..150 {
        assert_eq!(ask(&server, Method::GET, &challenge, &[], "").await.0, 200);
    }
    let logged = log(&server, &webhook, "?limit=200").await.len();
    let since = begun.elapsed().as_secs() as usize * 100 / 60;
    assert!((100..=104 + since).contains(&logged), "{logged}");

    // Not from an address that may not post, nor for a webhook that is gone for good.
    let path = format!("/incoming-webhooks/{}", text(&webhook["id"]));
    server.change(&path, json!({"ip_allowlist": ["203.0.113.0/24"]})).await;
    assert_eq!(ask(&server, Method::GET, &challenge, &[], "").await.0, 405);
    server.change(&path, json!({"ip_allowlist": [], "status": "inactive"})).await;
    assert_eq!(ask(&server, Method::GET, &challenge, &[], "").await.0, 405);
}

/// What Asana posts when something happened.
async fn event(server: &Server, address: &str, secret: &str) -> u16 {
    let scheme: &Scheme = presets::find("asana").unwrap().scheme.as_ref().unwrap();
    let body = r#"{"events":[{"action":"added"}]}"#;
    let signed = scheme.sign(&Secret::new(secret), "POST", "", body.as_bytes(), "", 0).unwrap();
    let [(Source::Header(name), value)] = signed.as_slice() else { panic!("{signed:?}") };
    let headers = [("content-type", "application/json"), (name.as_str(), value.as_str())];
    ask(server, Method::POST, address, &headers, body).await.0
}

async fn a_secret_that_is_handed_over_is_kept(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let (webhook, address) = preset(&server, "asana").await;
    let shake = async |server: &Server, secret: &str| {
        let headers = [("x-hook-secret", secret)];
        server.raw(Method::POST, &address, &headers, "").await.unwrap()
    };
    assert_eq!(event(&server, &address, "first-secret").await, 401);
    let answer = shake(&server, "first-secret").await;
    assert_eq!((answer.status, answer.header("x-hook-secret")), (StatusCode::OK, Some("first-secret")));
    assert_eq!(event(&server, &address, "first-secret").await, 202);
    shake(&server, "second-secret").await.expect(StatusCode::UNAUTHORIZED).unwrap();

    server.program.kill9().await.unwrap();
    let server = Server::of(node.start().await.unwrap(), server.key);
    assert_eq!(event(&server, &address, "first-secret").await, 202, "it outlives the process");
    assert!(!json!(log(&server, &webhook, "").await).to_string().contains("first-secret"));

    // Asana's webhook is made anew: the next one counts, and the one before it for its time of grace.
    let rotate = format!("/incoming-webhooks/{}/rotate-secret", text(&webhook["id"]));
    server.post(&rotate, &json!({"grace_seconds": 600})).await.unwrap().expect(StatusCode::OK).unwrap();
    shake(&server, "second-secret").await.expect(StatusCode::OK).unwrap();
    for (secret, status) in [("first-secret", 202), ("second-secret", 202), ("third-secret", 401)] {
        assert_eq!(event(&server, &address, secret).await, status, "{secret}");
    }
}

async fn rejections_are_counted_by_their_reason(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let signed = server.incoming(json!({"signature": {"scheme": "hmac_sha256"}})).await;
    let limited = server.incoming(json!({"rate_limit": {"requests": 1, "per_seconds": 3600}})).await;
    for _ in 0..2 {
        server.receive(&signed, &[], SPEC_PAYLOAD).await.expect(StatusCode::UNAUTHORIZED).unwrap();
        server.receive(&limited, &[], SPEC_PAYLOAD).await;
    }
    for id in ["zzzzzzzzzzzz", text(&signed["id"]), "%3Cscript%3E"] {
        let target = format!("{BASE}/webhooks/{id}?token=wrong");
        ask(&server, Method::POST, &target, &[("content-type", "application/json")], "{}").await;
    }
    let authorization = format!("Bearer {}", server.key);
    let answer =
        server.raw(Method::GET, "/metrics", &[("authorization", &*authorization)], "").await.unwrap();
    let shown = String::from_utf8(answer.body.to_vec()).unwrap();
    let mut counted: Vec<&str> =
        shown.lines().filter_map(|line| line.strip_prefix("ccsp_requests_rejected_total")).collect();
    counted.sort_unstable();
    let expected = [
        r#"{reason="rate_limited"} 1"#,
        r#"{reason="signature_missing"} 2"#,
        r#"{reason="unknown_webhook"} 3"#,
    ];
    assert_eq!(counted, expected);
}
