//! Every way in which a destination can fail, by servers that do it: the class in the log, whether it is tried again, what is
//! said to do, and that nothing is left behind. That a blocked address is none of them is shown in `ssrf`.

mod server;

use std::fs;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Receiver, eventually};

use self::server::{Act, Acting, Certificate};
use crate::support::{Kind, PATIENCE, Server, World, deaf_address, merged, text};

on_both_databases!(each_failure_has_its_class_its_retry_and_its_words);

/// The next attempt, in seconds after the first one, if the destination asks for nothing else.
const RETRY_SECONDS: i64 = 3_600;

/// What must come of a delivery: its status, the code of its failure, and something of what is said to do.
type Expected = (&'static str, Option<&'static str>, &'static str);

fn acts() -> Vec<(Act, Value, Expected)> {
    let own = |settings: Value| settings;
    let answers = |head: &str| Act::Answer(format!("HTTP/1.1 {head}\r\n\r\n"));
    let again = |code, hint| ("retrying", Some(code), hint);
    let done = ("delivered", None, "");
    let json_wanted = || own(json!({"expect_json": true}));
    let none = || own(json!({}));
    let waits_briefly = || own(json!({"timeout_seconds": 1}));
    // Beside all the others the head may take more than a second.
    let waits_for_a_head = || own(json!({"timeout_seconds": 6}));
    vec![
        (Act::ResetInBody, none(), again("connection_closed", "closed the connection")),
        (Act::Close, none(), again("connection_closed", "closed the connection")),
        (Act::SlowHead, waits_briefly(), again("timeout", "took too long")),
        (Act::SlowBody, waits_for_a_head(), again("timeout", "took too long")),
        (Act::EndlessInterim, waits_briefly(), again("timeout", "took too long")),
        // More than is kept is not read: the status counts, and the connection is closed.
        (Act::EndlessBody, none(), done),
        (Act::EndlessBody, json_wanted(), again("invalid_json", "must answer with JSON")),
        (Act::EndlessHead, none(), again("invalid_response", "does not speak HTTP")),
        (Act::GzipBomb, none(), done),
        (answers("100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0"), none(), done),
        (answers("103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0"), none(), done),
        (answers("204 No Content"), none(), done),
        (answers("204 No Content"), json_wanted(), again("invalid_json", "must answer with JSON")),
        (answers("200 OK\r\ncontent-length: 2\r\n\r\n{}"), json_wanted(), done),
        (
            answers("200 OK\r\ncontent-length: 4\r\n\r\n<p/>"),
            json_wanted(),
            again("invalid_json", "must answer with JSON"),
        ),
        // To itself: followed, it would never end.
        (
            answers("302 Found\r\nlocation: /\r\ncontent-length: 0"),
            none(),
            again("http_status", "redirect is not followed"),
        ),
        (answers("304 Not Modified"), none(), again("http_status", "redirect is not followed")),
        (answers("404 Not Found\r\ncontent-length: 0"), none(), again("http_status", "path of the URL")),
        (answers("410 Gone\r\ncontent-length: 0"), none(), ("failed", Some("http_status"), "wants no more")),
        (
            answers("429 Too Many\r\nretry-after: 7200\r\ncontent-length: 0"),
            none(),
            again("http_status", "rate_limit"),
        ),
        (answers("500 Oops\r\ncontent-length: 0"), none(), again("http_status", "failed while it worked")),
        (
            answers("503 Busy\r\nretry-after: 7200\r\ncontent-length: 0"),
            none(),
            again("http_status", "overloaded"),
        ),
        (Act::Tls(Certificate::SelfSigned), none(), again("tls", "certificate was not accepted")),
        (Act::Tls(Certificate::Expired), none(), again("tls", "certificate was not accepted")),
        (Act::Tls(Certificate::OfAnotherName), none(), again("tls", "certificate was not accepted")),
        (Act::Tls(Certificate::OfUnknownAuthority), none(), again("tls", "certificate was not accepted")),
    ]
}

struct Case {
    webhook: Value,
    server: Option<Acting>,
    expected: Expected,
    what: String,
}

async fn each_failure_has_its_class_its_retry_and_its_words(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let files = open_files(&server);
    // Long enough for what answers at all, while everything else happens at once.
    let base = json!({"events": ["subscriber_added"], "timeout_seconds": 20, "retry": {"schedule_seconds": [RETRY_SECONDS, 86_400]}});
    let mut cases = Vec::new();
    for (act, settings, expected) in acts() {
        let acting = Acting::start(act).await;
        let what = format!("{act_name} {settings}", act_name = acting.name());
        let settings = merged(merged(base.clone(), settings), acting.settings());
        let webhook = server.outgoing(&acting.url(), settings).await;
        cases.push(Case { webhook, server: Some(acting), expected, what });
    }
    let (_held, closed) = deaf_address();
    for (url, code, hint) in [
        (format!("http://{closed}/"), "connection_refused", "Nothing listens there"),
        ("http://nowhere.invalid/".to_owned(), "dns", "name could not be found"),
    ] {
        let webhook = server.outgoing(&url, base.clone()).await;
        cases.push(Case { webhook, server: None, expected: ("retrying", Some(code), hint), what: url });
    }

    server.make("/subscribers", json!({"email": "ada@example.com"})).await;
    for case in &cases {
        check(&server, case).await;
    }
    nothing_is_left(&server, &cases, files).await;
}

async fn check(server: &Server, case: &Case) {
    let (status, code, hint) = case.expected;
    let path = format!("/outgoing-webhooks/{}", text(&case.webhook["id"]));
    let log = format!("{path}/deliveries");
    let id = eventually("the attempt to be recorded", PATIENCE, async || {
        let delivery = server.list(&log).await.pop()?;
        (delivery["attempts"].as_array()?.len() == 1).then(|| text(&delivery["id"]).to_owned())
    })
    .await
    .unwrap();
    let delivery = server.show(&format!("/deliveries/{id}")).await;
    let attempt = &delivery["attempts"][0];
    let what = format!("{}: {delivery}", case.what);
    assert_eq!(delivery["status"], status, "{what}");
    assert_eq!(attempt["error_code"], json!(code), "{what}");
    assert_eq!(attempt["error"].is_string(), code.is_some(), "{what}");
    if case.what.starts_with("ResetInBody") || case.what.starts_with("SlowBody") {
        // What had come of the answer is kept.
        assert_eq!(attempt["http_status"], 200, "{what}");
        assert!(attempt["response_headers"]["content-length"].is_string(), "{what}");
        assert!(!text(&attempt["response_body"]).is_empty(), "{what}");
    }
    if let Some(server) = &case.server {
        // One request for one attempt: no redirect is followed, nothing is repeated behind the schedule's back.
        assert!(server.connections() <= 1, "{what}: {}", server.connections());
    }

    if status == "retrying" {
        let at = |value: &Value| text(value).parse::<jiff::Timestamp>().unwrap().as_second();
        let wait = at(&delivery["next_attempt_at"]) - at(&attempt["at"]);
        let asked = if case.what.contains("retry-after") { 7_200 } else { RETRY_SECONDS };
        // Retries are spread by up to a tenth.
        assert!((asked..=asked + asked / 10 + 5).contains(&wait), "{what}: {wait}");
    } else {
        assert_eq!(delivery["next_attempt_at"], Value::Null, "{what}");
    }
    if case.what.contains("410") {
        let webhook = server.show(&path).await;
        assert_eq!(webhook["status"], "inactive");
        assert!(text(&webhook["disabled_reason"]).contains("410"), "{webhook}");
    }
    // The test button says what to do.
    let tried =
        server.post(&format!("{path}/test"), &json!({"event_type": "subscriber_added"})).await.unwrap();
    let tried = tried.expect(StatusCode::OK).unwrap();
    assert_eq!(tried["error_code"], json!(code), "{}: {tried}", case.what);
    assert!(tried["hint"].as_str().unwrap_or_default().contains(hint), "{}: {tried}", case.what);
}

/// After all of them the program serves on, has no connection to any of them open, and has not grown by what they sent.
async fn nothing_is_left(server: &Server, cases: &[Case], files: usize) {
    let receiver = Receiver::start().await.unwrap();
    server.outgoing(&receiver.url("/fine"), json!({"events": ["subscriber_added"]})).await;
    server.make("/subscribers", json!({"email": "grace@example.com"})).await;
    receiver.wait_for(1, PATIENCE).await.unwrap();
    eventually("the connections to be closed", 2 * PATIENCE, async || {
        let open: usize = cases.iter().filter_map(|case| case.server.as_ref()).map(Acting::open).sum();
        // Those that answered as they should are kept for a while; databases and clients have some of their own.
        (open <= cases.len() && open_files(server) <= files + cases.len() + 16).then_some(())
    })
    .await
    .unwrap();
    let megabytes = resident_kib(server) / 1_024;
    assert!(megabytes < 400, "{megabytes} MiB");
    assert!(!server.program.log().contains("panicked"), "{}", server.program.log());
}

fn open_files(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.program.pid())).unwrap().count()
}

fn resident_kib(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.program.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
