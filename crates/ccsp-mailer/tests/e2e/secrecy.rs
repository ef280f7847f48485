//! Nothing that is secret, and nothing that senders send, is in the log, however much is logged.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::receiver::always;
use testkit::{ProgramBuilder, Receiver, eventually};

use crate::support::{Kind, PATIENCE, Server, World, target, text};

on_both_databases!(the_log_holds_no_secret_and_no_payload, no_entry_holds_what_proves_a_sender);

/// What stands in payloads, configuration and answers of destinations, and must stand nowhere else.
const PAYLOAD_MARK: &str = "zebra-in-the-payload";
const HEADER_MARK: &str = "zebra-in-a-header";
const ANSWER_MARK: &str = "zebra-in-the-answer";

/// The most lines that testkit keeps of a log; one with fewer is whole.
const KEPT_LINES: usize = 200;

async fn the_log_holds_no_secret_and_no_payload(kind: Kind) {
    let world = World::new(kind).await;
    let levels = ["debug", "trace,mio=off,polling=off"];
    for (number, level) in levels.into_iter().enumerate() {
        let node = world.node(&format!("data-{number}")).arg("--log-level").arg(level);
        check(&node.env("CCSP_MASTER_KEY", "0f".repeat(32))).await;
    }
}

/// Looks at the log after each step, for only its end is kept.
struct Watched {
    server: Server,
    secrets: Vec<String>,
}

impl Watched {
    fn knows(&mut self, secret: &Value) {
        self.secrets.push(text(secret).to_owned());
    }

    fn check(&self, step: &str) {
        let log = self.server.program.log();
        for secret in &self.secrets {
            assert!(!log.contains(secret.as_str()), "{step}: {secret} is in the log:\n{log}");
        }
    }
}

async fn check(node: &ProgramBuilder) {
    let receiver = Receiver::start().await.unwrap();
    let failing = testkit::receiver::Answer::new(StatusCode::BAD_GATEWAY).body(ANSWER_MARK);
    receiver.otherwise(always(failing));
    let server = Server::start(node).await;
    let marks = [PAYLOAD_MARK, HEADER_MARK, ANSWER_MARK].map(str::to_owned);
    let key = server.key.clone();
    let mut watched = Watched { server, secrets: [&marks[..], &[key, "0f".repeat(32)]].concat() };
    watched.check("start");

    let signed = json!({"require_api_key": true, "signature": {"scheme": "none"}});
    let incoming = watched.server.incoming(signed).await;
    watched.knows(&incoming["token"]);
    watched.knows(&incoming["api_key"]);
    watched.knows(&incoming["signature"]["secret"]);
    watched.check("an incoming webhook");

    let headers = json!({"headers": {"X-Env": HEADER_MARK}, "retry": {"schedule_seconds": [1]}});
    let outgoing = watched.server.outgoing(&receiver.url("/hook"), headers).await;
    watched.knows(&outgoing["signing"]["secret"]);
    watched.check("an outgoing webhook");
    let made = watched.server.make("/api-keys", json!({"name": "other", "scope": "read"})).await;
    watched.knows(&made["key"]);
    watched.check("an API key");

    let data = json!({"email": format!("{PAYLOAD_MARK}@example.com"), "first_name": PAYLOAD_MARK});
    let body = json!({"event": "subscriber_added", "data": data}).to_string();
    let key = [("x-api-key", text(&incoming["api_key"])), ("cookie", HEADER_MARK)];
    watched.server.receive(&incoming, &key, &body).await.expect(StatusCode::OK).unwrap();
    watched.check("a request");
    watched.server.receive(&incoming, &[], &body).await.expect(StatusCode::UNAUTHORIZED).unwrap();
    let broken = format!("{{\"{PAYLOAD_MARK}\": {PAYLOAD_MARK}}}");
    watched.server.receive(&incoming, &key, &broken).await.expect(StatusCode::BAD_REQUEST).unwrap();
    watched.check("refused requests");
    receiver.wait_for(1, PATIENCE).await.unwrap();
    watched.server.settled(&outgoing, PATIENCE).await;
    watched.check("failed deliveries");

    let found = watched.server.list(&format!("/subscribers?email={PAYLOAD_MARK}@example.com")).await;
    let path = format!("/subscribers/{}", found[0]["id"]);
    watched.server.change(&path, json!({"company": PAYLOAD_MARK})).await;
    watched.server.delete(&path).await.unwrap();
    let wrong = watched.server.post("/subscribers", &json!({"email": PAYLOAD_MARK})).await.unwrap();
    wrong.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    watched.check("subscribers");

    let stranger = watched.server.with_key(PAYLOAD_MARK);
    stranger.get("/lists").await.unwrap().expect(StatusCode::UNAUTHORIZED).unwrap();
    watched.check("a wrong key");
    watched.server.program.terminate().await.unwrap();
    watched.server.program.wait_exit(PATIENCE).await.unwrap();
    watched.check("the end");
    assert!(watched.server.program.log().lines().count() <= KEPT_LINES);
}

/// Wherever a sender puts its secret, the log of its requests holds it nowhere: neither of those that were let in, nor of those
/// that were not, nor of those that wait.
async fn no_entry_holds_what_proves_a_sender(kind: Kind) {
    const SECRET: &str = "zebra-that-proves-the-sender";
    const WRONG: &str = "zebra-that-proves-nothing";
    let world = World::new(kind).await;
    let server = world.serve().await;
    let token = |from: &str| json!({"scheme": "custom", "secret": SECRET, "custom": {"algorithm": "token", "signature": {"from": from}}});
    let graph = |secret: &str| {
        let change = |id: u8| json!({"clientState": secret, "changeType": "created", "resource": format!("users/{id}")});
        json!({"value": [change(1), change(2)]}).to_string()
    };
    let person = |secret: &str| {
        json!({"email": "ada@example.com", "proof": {"secret": secret}, "note": secret}).to_string()
    };
    let form = |secret: &str| format!("email=ada%40example.com&proof%5Bsecret%5D={secret}");
    type Request<'a> = (&'a str, Option<&'a str>, &'a dyn Fn(&str) -> String);
    let json = "application/json";
    let ways: [(Value, Request<'_>); 5] = [
        (
            json!({"signature": token("header:x-door")}),
            (json, Some("x-door"), &|_| r#"{"email":"ada@example.com"}"#.to_owned()),
        ),
        (json!({"signature": token("body:proof.secret")}), (json, None, &person)),
        (
            json!({"signature": token("form:proof[secret]")}),
            ("application/x-www-form-urlencoded", None, &form),
        ),
        (json!({"preset": "microsoft_graph", "signature": {"secret": SECRET}}), (json, None, &graph)),
        (json!({"signature": token("body:proof.secret"), "status": "paused"}), (json, None, &person)),
    ];
    for (settings, (kind, header, body)) in ways {
        let name = settings.to_string();
        let webhook = server.incoming(settings).await;
        for secret in [SECRET, WRONG] {
            let mut headers = vec![("content-type", kind)];
            headers.extend(header.map(|header| (header, secret)));
            let answer = server.raw(Method::POST, &target(&webhook), &headers, body(secret)).await.unwrap();
            assert_eq!(answer.status.is_success(), secret == SECRET, "{name}: {:?}", answer.body);
        }
        let path = format!("/incoming-webhooks/{}/requests", text(&webhook["id"]));
        let entries = server.list(&path).await;
        let suspicious: Vec<_> = entries.iter().map(|entry| entry["suspicious"] == true).collect();
        assert_eq!(suspicious, [true, false], "{name}");
        let shown = Value::Array(entries).to_string();
        assert!(!shown.contains(SECRET) && !shown.contains(WRONG), "{name}: {shown}");
        assert!(shown.contains("••••"), "{name}: {shown}");
    }

    // What waits has the real values once more when it is run.
    let paused = &server.list("/incoming-webhooks").await[0];
    let path = format!("/incoming-webhooks/{}", text(&paused["id"]));
    server.change(&path, json!({"status": "active"})).await;
    let log = format!("{path}/requests?status=processed");
    eventually("the request to be run", PATIENCE, async || server.list(&log).await.into_iter().next())
        .await
        .unwrap();
}
