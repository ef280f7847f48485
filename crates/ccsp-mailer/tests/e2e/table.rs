//! The receive table of the contract, row by row. Its last row, storage that is down, is in `outage`.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::Api;
use testkit::http::{BASE, Response};

use crate::support::{Kind, SPEC_PAYLOAD, Server, World, target, text};

on_both_databases!(every_row, an_unknown_id_and_a_wrong_token_are_the_same);

/// What is sent, and what must come back.
struct Row {
    case: &'static str,
    settings: Value,
    headers: &'static [(&'static str, &'static str)],
    body: String,
    /// How often it was sent before.
    before: usize,
    status: u16,
    /// What the message begins with.
    message: &'static str,
    records: Option<u64>,
    /// What the log says of it, if it is there.
    logged: Option<&'static str>,
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const NAMED: &[(&str, &str)] = &[("content-type", "application/json"), ("webhook-id", "m-1")];

fn row(case: &'static str, settings: Value, status: u16, message: &'static str) -> Row {
    let (body, records, logged) = (SPEC_PAYLOAD.to_owned(), None, None);
    Row { case, settings, headers: JSON, body, before: 0, status, message, records, logged }
}

impl Row {
    fn sending(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    fn after(mut self, times: usize) -> Self {
        self.before = times;
        self
    }

    fn records(mut self, count: u64) -> Self {
        self.records = Some(count);
        self
    }

    fn logged(mut self, status: &'static str) -> Self {
        self.logged = Some(status);
        self
    }
}

fn rows() -> Vec<Row> {
    let nobody = r#"{"data":{"first_name":"Ada"}}"#;
    let signed = json!({"signature": {"scheme": "hmac_sha256"}});
    let timed = json!({"signature": {"scheme": "standard_webhooks"}});
    vec![
        row("processed", json!({}), 200, "Webhook processed successfully").records(1).logged("processed"),
        row("accepted", json!({"respond": "accepted"}), 202, "Webhook accepted")
            .records(0)
            .logged("processed"),
        row("the same again", json!({}), 200, "Webhook processed successfully")
            .with(NAMED)
            .after(1)
            .records(1),
        row("another event", json!({"event_type": "subscriber_updated"}), 200, "Ignored: ")
            .records(0)
            .logged("ignored"),
        row("the filter says no", json!({"filter": "data.status == 'gone'"}), 200, "Ignored: ")
            .records(0)
            .logged("ignored"),
        row("inactive", json!({"status": "inactive"}), 410, "This webhook is inactive"),
        row("paused", json!({"status": "paused"}), 202, "Webhook accepted").records(0).logged("accepted"),
        row("missing signature", signed.clone(), 401, "The signature is missing").logged("rejected"),
        row("bad signature", signed, 401, "The signature does not match").logged("rejected").with(&[
            ("content-type", "application/json"),
            (
                "x-webhook-signature",
                "sha256=0000000000000000000000000000000000000000000000000000000000000000",
            ),
        ]),
        row("stale timestamp", timed, 401, "The signed timestamp is too far").logged("rejected").with(&[
            ("content-type", "application/json"),
            ("webhook-id", "m-1"),
            ("webhook-timestamp", "1000000000"),
            ("webhook-signature", "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="),
        ]),
        row("missing API key", json!({"require_api_key": true}), 401, "The API key in the header")
            .logged("rejected"),
        row(
            "another address",
            json!({"ip_allowlist": ["203.0.113.0/24"]}),
            403,
            "This webhook does not take",
        )
        .logged("rejected"),
        row(
            "over the limit",
            json!({"rate_limit": {"requests": 1, "per_seconds": 3600}}),
            429,
            "Too many requests",
        )
        .after(1),
        row("not JSON", json!({}), 400, "").sending("{"),
        row("no object", json!({}), 400, "").sending("7"),
        row("too deep", json!({}), 400, "").sending(format!("{}{}", "[".repeat(200), "]".repeat(200))),
        row("too large", json!({}), 413, "The body has more than").sending(" ".repeat(1_048_577)),
        row("another type", json!({}), 415, "").with(&[("content-type", "application/xml")]),
        row("no email", json!({}), 422, "No valid email was found")
            .sending(nobody)
            .records(0)
            .logged("failed"),
        row("no email, accepted", json!({"on_unprocessable": "accept"}), 202, "Webhook accepted")
            .sending(nobody)
            .records(0)
            .logged("failed"),
    ]
}

async fn every_row(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    for row in rows() {
        check(&server, row).await;
    }
}

async fn check(server: &Server, row: Row) {
    let case = row.case;
    let webhook = server.incoming(row.settings).await;
    // A sender of its own: after a body that is too large its connection is closed.
    let sender = Api::anonymous(server.program.address());
    let post =
        async || sender.raw(Method::POST, &target(&webhook), row.headers, row.body.clone()).await.unwrap();
    let mut earlier = None;
    for _ in 0..row.before {
        earlier = Some(post().await.json().unwrap());
    }
    let response = post().await;
    let answer = response.json().unwrap();
    assert_eq!(response.status.as_u16(), row.status, "{case}: {answer}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{case}");
    assert_eq!(answer["success"], row.status < 300, "{case}");
    assert!(text(&answer["message"]).starts_with(row.message), "{case}: {answer}");
    assert_eq!(answer["processed_records"].as_u64(), row.records, "{case}: {answer}");
    assert_eq!(response.header("retry-after").is_some(), row.status == 429, "{case}");
    assert_eq!(answer["errors"].is_array(), row.status == 422, "{case}: {answer}");
    let log = server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await;
    match (row.logged, earlier) {
        (Some(status), _) => {
            assert_eq!((log.len(), text(&log[0]["status"])), (1, status), "{case}");
            assert_eq!(log[0]["response"]["status"], row.status, "{case}");
            assert!(answer["request_id"].is_null() || answer["request_id"] == log[0]["id"], "{case}");
        }
        (None, None) => assert_eq!(log.len(), 0, "{case}: nothing is kept"),
        (None, Some(earlier)) => {
            assert_eq!(log.len(), row.before, "{case}: nothing more is kept");
            let is_same = answer["request_id"] == earlier["request_id"];
            assert_eq!(
                (answer["duplicate"] == true, is_same),
                (row.status == 200, row.status == 200),
                "{case}"
            );
        }
    }
}

/// All of an answer but when it was given.
fn seen(response: &Response) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = response.headers.iter().filter(|(name, _)| *name != http::header::DATE);
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (response.status, headers, String::from_utf8(response.body.to_vec()).unwrap())
}

/// By whatever method, with whatever else is wrong, and whatever the webhook would have said.
async fn an_unknown_id_and_a_wrong_token_are_the_same(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    // One that nobody has, one that another webhook has, and none.
    let others = server.incoming(json!({})).await;
    let wrong = [
        "&token=wrong-token-wrong-token-wrong-token-wrong",
        &format!("&token={}", text(&others["token"])),
        "",
    ];
    let webhooks = [
        json!({}),
        json!({"status": "inactive"}),
        json!({"status": "paused"}),
        json!({"require_api_key": true, "ip_allowlist": ["203.0.113.0/24"]}),
        json!({"rate_limit": {"requests": 1, "per_seconds": 3600}, "sender_rate_limit": {"requests": 1, "per_seconds": 3600}}),
        json!({"ip_allowlist": ["203.0.113.0/24"]}),
        json!({"signature": {"scheme": "hmac_sha256"}}),
        json!({"signature": {"scheme": "standard_webhooks"}, "ip_allowlist": ["127.0.0.0/8"]}),
        json!({"signature": {"scheme": "basic"}, "status": "paused"}),
        json!({"preset": "stripe", "require_api_key": true, "status": "inactive"}),
        json!({"preset": "slack"}),
        json!({"preset": "meta_leads"}),
        json!({"preset": "ses"}),
        json!({"preset": "asana"}),
    ];
    let asked = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x&validationToken=x&crc_token=x";
    let methods = [Method::POST, Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
    for settings in webhooks {
        let webhook = server.incoming(settings.clone()).await;
        for method in &methods {
            for (body, token) in
                [(SPEC_PAYLOAD, wrong[0]), (SPEC_PAYLOAD, wrong[1]), ("{", wrong[0]), ("", wrong[2])]
            {
                let ask = async |id: &str| {
                    let target = format!("{BASE}/webhooks/{id}?{asked}{token}");
                    let headers =
                        [("content-type", "application/json"), ("x-hook-secret", "0123456789abcdef")];
                    seen(&server.raw(method.clone(), &target, &headers, body).await.unwrap())
                };
                let (known, unknown) = (ask(text(&webhook["id"])).await, ask("zzzzzzzzzzzz").await);
                assert_eq!(known, unknown, "{settings} {method}");
                assert_eq!(known.0 == StatusCode::NOT_FOUND, *method == Method::POST, "{settings} {method}");
            }
        }
        let log = server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await;
        assert_eq!(log.len(), 0, "strangers fill no log");
    }
}
