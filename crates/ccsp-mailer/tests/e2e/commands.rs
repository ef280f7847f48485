//! The commands that ask a running server.

use std::path::Path;
use std::process::{Output, Stdio};

use http::StatusCode;
use serde_json::{Value, json};
use testkit::receiver::always;
use testkit::{Receiver, eventually};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::{BINARY, Kind, PATIENCE, Server, World, text};

on_both_databases!(
    webhooks_are_made_listed_and_shown,
    a_log_is_followed_across_a_restart,
    a_file_is_sent_signed_as_its_sender_does,
    deliveries_are_followed_and_sent_again
);

/// The program, on the data folder of a server, without the settings of whoever runs the tests.
fn command(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"CCSP_")) {
        command.env_remove(name);
    }
    command
        .args(args)
        .env("CCSP_DATA_DIR", world.folder().join("data"))
        .current_dir(world.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The operator on the server's machine.
pub struct Operator<'a> {
    world: &'a World,
    server: String,
}

impl<'a> Operator<'a> {
    pub fn of(world: &'a World, server: &Server) -> Self {
        Self { world, server: format!("http://{}", server.program.address()) }
    }

    /// Runs a command to its end, with this on stdin.
    pub async fn feed(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = command(self.world, args).env("CCSP_SERVER", &self.server).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // One that reads nothing may have ended already.
        let _ = stdin.write_all(input).await;
        drop(stdin);
        timeout(PATIENCE, child.wait_with_output())
            .await
            .unwrap_or_else(|_| panic!("{args:?} did not end"))
            .unwrap()
    }

    /// Runs a command that must succeed, and gives what it prints.
    pub async fn run(&self, args: &[&str]) -> String {
        let output = self.feed(args, b"").await;
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// The same, of which JSON is asked.
    pub async fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[args, &["--json"]].concat()).await).unwrap()
    }

    /// Runs a command that must fail with that status, and gives the one line on stderr.
    pub async fn fails(&self, status: i32, args: &[&str]) -> String {
        let output = self.feed(args, b"").await;
        let line = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {line}");
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
        line
    }
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A command that goes on, read line by line.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub fn start(operator: &Operator<'_>, args: &[&str]) -> Self {
        let mut child = command(operator.world, args)
            .env("CCSP_SERVER", &operator.server)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time");
        line.unwrap().expect("a line, and not the end")
    }

    /// Ctrl-C.
    pub async fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("sh").args(["-c", "kill -INT \"$1\"", "sh", &pid]).status().await.unwrap();
        assert!(sent.success());
        timeout(PATIENCE, self.child.wait()).await.expect("an end in time").unwrap().code()
    }
}

/// Runs a line that a command printed, in a shell.
pub async fn shell(line: &str) -> Output {
    Command::new("bash").args(["-c", line]).kill_on_drop(true).output().await.unwrap()
}

async fn webhooks_are_made_listed_and_shown(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);

    let made = operator
        .run(&[
            "incoming",
            "create",
            "--name",
            "Signup form",
            "--event",
            "subscriber_added",
            "--action",
            r#"add_subscriber:{"tags":["web"]}"#,
        ])
        .await;
    let value = |name: &str| {
        let line =
            made.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {made}"));
        line[name.len()..].trim().to_owned()
    };
    let id = value("id");
    let webhook = server.show(&format!("/incoming-webhooks/{id}")).await;
    assert_eq!(
        (text(&webhook["url"]), text(&webhook["token"])),
        (value("URL").as_str(), value("token").as_str())
    );
    assert!(value("secret").starts_with("whsec_") && value("API key").starts_with("ccsp_"), "{made}");
    assert_eq!(webhook["actions"][0]["tags"], json!(["web"]));

    // What it prints works as it stands.
    let curl = &made[made.find("curl").unwrap()..];
    let answer = shell(curl).await;
    assert!(stdout(&answer).contains("\"success\":true"), "{curl}: {}{}", stdout(&answer), stderr(&answer));
    assert_eq!(server.subscriber("ada@example.com").await.unwrap()["tags"], json!(["web"]));

    let listed = operator.run(&["incoming", "list"]).await;
    let [head, row] = listed.lines().collect::<Vec<_>>()[..] else { panic!("{listed}") };
    assert!(head.starts_with("ID ") && row.starts_with(&id) && row.contains("✓ active"), "{listed}");
    assert_eq!(
        head.find("NAME"),
        row.find("Signup form").map(|at| at - '✓'.len_utf8() + 1),
        "aligned: {listed}"
    );
    assert_eq!(operator.json(&["incoming", "list"]).await["data"][0]["id"], json!(id));
    assert_eq!(operator.run(&["incoming", "list", "--status", "paused"]).await.lines().count(), 1);

    let shown = operator.run(&["incoming", "show", &id]).await;
    assert!(shown.contains(text(&webhook["url"])) && shown.contains("add_subscriber"), "{shown}");
    assert!(!shown.contains(&value("secret")), "a secret is shown again");
    assert_eq!(operator.json(&["incoming", "show", &id]).await["name"], "Signup form");
}

#[tokio::test]
async fn a_webhook_is_made_from_a_file_and_its_signed_line_works() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let settings = json!({
        "name": "File", "event_type": "subscriber_added", "signature": {"scheme": "hmac_sha256"},
        "mapping": [{"to": "email", "from": "data.contact.mail"}], "actions": [{"type": "add_subscriber"}],
    });
    let output = operator
        .feed(
            &["incoming", "create", "--file", "-", "--name", "It's signed"],
            settings.to_string().as_bytes(),
        )
        .await;
    assert!(output.status.success(), "{}", stderr(&output));
    let made = stdout(&output);
    let line = &made[made.find("BODY=").unwrap()..];
    let answer = shell(line).await;
    assert!(
        stdout(&answer).contains("\"processed_records\":1"),
        "{line}: {}{}",
        stdout(&answer),
        stderr(&answer)
    );
    assert_eq!(operator.json(&["incoming", "list", "--q", "it's"]).await["data"][0]["name"], "It's signed");
}

#[tokio::test]
async fn a_request_is_tried_without_being_made() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let webhook = server.incoming(json!({"preset": "stripe"})).await;
    let id = text(&webhook["id"]);
    // Its own sample, and one that is given.
    let told = operator.run(&["incoming", "test", id]).await;
    assert!(told.starts_with("✓ processed, answered 200") && told.contains("ada@example.com made"), "{told}");
    let file = world.folder().join("payload.json");
    std::fs::write(&file, r#"{"type": "x", "data": {"object": {"email": "not one"}}}"#).unwrap();
    let file = file.to_str().unwrap();
    let refused = operator.feed(&["incoming", "test", id, "--file", file], b"").await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stdout(&refused).contains("✗ failed") && stdout(&refused).contains("email"),
        "{}",
        stdout(&refused)
    );
    assert_eq!(server.list(&format!("/incoming-webhooks/{id}/requests")).await, [] as [Value; 0]);
}

async fn a_file_is_sent_signed_as_its_sender_does(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let file = world.folder().join("payload.json");
    std::fs::write(&file, r#"{"event": "subscriber_added", "data": {"email": "ada@example.com"}}"#).unwrap();
    let file = file.to_str().unwrap();
    for settings in [
        json!({}),
        json!({"require_api_key": true}),
        json!({"signature": {"scheme": "hmac_sha256"}}),
        json!({"signature": {"scheme": "standard_webhooks"}}),
        json!({"signature": {"scheme": "basic"}}),
    ] {
        let webhook = server.incoming(settings.clone()).await;
        let id = text(&webhook["id"]);
        let sent = operator.run(&["send", file, "--webhook", id]).await;
        assert!(sent.starts_with("✓ answered 200\n") && sent.contains("req_"), "{settings}: {sent}");
        if settings == json!({}) {
            let line = operator.fails(1, &["send", file, "--webhook", id, "--wrong-signature"]).await;
            assert!(line.contains("nothing that could be wrong"), "{line}");
            continue;
        }
        let refused = operator.feed(&["send", file, "--webhook", id, "--wrong-signature"], b"").await;
        assert_eq!(refused.status.code(), Some(1), "{settings}: {}", stdout(&refused));
        assert!(stdout(&refused).starts_with("✗ answered 401\n"), "{settings}: {}", stdout(&refused));
        let log = server.list(&format!("/incoming-webhooks/{id}/requests")).await;
        let statuses: Vec<_> = log.iter().map(|entry| text(&entry["status"])).collect();
        assert_eq!(statuses, ["rejected", "processed"], "{settings}");
        assert!(
            !log.iter().any(|entry| entry.to_string().contains("ccsp_pass_")),
            "the operator's pass is kept"
        );
    }

    // From stdin, as another type, with a header; and the sample of a known sender.
    let form = server.incoming(json!({})).await;
    let args =
        ["send", "-", "--webhook", text(&form["id"]), "--content-type", "application/x-www-form-urlencoded"];
    let sent = operator
        .feed(&[&args[..], &["--header", "Idempotency-Key: one"]].concat(), b"data[email]=eve@example.com")
        .await;
    assert!(sent.status.success(), "{}", stderr(&sent));
    assert!(server.subscriber("eve@example.com").await.is_some());
    let again = operator
        .feed(
            &[&args[..], &["--header", "Idempotency-Key: one", "--json"]].concat(),
            b"data[email]=eve@example.com",
        )
        .await;
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&again["status"], &again["body"]["duplicate"]), (&json!(200), &json!(true)));
    for preset in ["stripe", "github", "shopify", "typeform"] {
        let webhook = server.incoming(json!({"preset": preset})).await;
        let sent = operator.feed(&["incoming", "test", text(&webhook["id"]), "--send"], b"").await;
        assert!(stdout(&sent).starts_with("✓ answered 20"), "{preset}: {}{}", stdout(&sent), stderr(&sent));
    }
}

async fn deliveries_are_followed_and_sent_again(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(StatusCode::INTERNAL_SERVER_ERROR));
    let settings = json!({"retry": {"schedule_seconds": []}});
    let url = receiver.url("/hook");
    let args = [
        "outgoing",
        "create",
        "--name",
        "Shop",
        "--url",
        &url,
        "--events",
        "subscriber_added,subscriber_tagged",
        "--file",
        "-",
    ];
    let made = operator.feed(&args, settings.to_string().as_bytes()).await;
    assert!(made.status.success(), "{}", stderr(&made));
    assert!(stdout(&made).lines().any(|line| line.starts_with("secret  whsec_")), "{}", stdout(&made));
    let webhook = operator.json(&["outgoing", "list"]).await["data"][0].clone();
    let id = text(&webhook["id"]);
    assert_eq!(webhook["events"], json!(["subscriber_added", "subscriber_tagged"]));
    assert!(operator.run(&["outgoing", "list"]).await.contains(&url));
    assert!(operator.run(&["outgoing", "show", id]).await.contains("subscriber_added, subscriber_tagged"));

    let refused = operator.feed(&["outgoing", "test", id, "--event", "subscriber_tagged"], b"").await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(stdout(&refused).contains("500") && stdout(&refused).contains("dlv_"), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("500"), "{}", stderr(&refused));

    let mut log = Running::start(&operator, &["outgoing", "logs", id, "--follow", "--json"]);
    let incoming = server.incoming(json!({"actions": [{"type": "add_subscriber"}]})).await;
    server.receive(&incoming, &[], r#"{"data": {"email": "ada@example.com"}}"#).await;
    let (tried, entry) = (log.line().await, log.line().await);
    let (tried, entry): (Value, Value) =
        (serde_json::from_str(&tried).unwrap(), serde_json::from_str(&entry).unwrap());
    assert_eq!((&tried["test"], &tried["event_type"]), (&json!(true), &json!("subscriber_tagged")));
    assert_eq!(
        (&entry["test"], &entry["payload"]["data"]["email"]),
        (&json!(false), &json!("ada@example.com"))
    );
    let mut stands = entry.clone();
    while stands["status"] != "failed" {
        stands = serde_json::from_str(&log.line().await).unwrap();
    }
    assert_eq!((&stands["id"], &stands["attempts"][0]["http_status"]), (&entry["id"], &json!(500)));
    assert_eq!(log.interrupt().await, Some(0));

    server.settled(&webhook, PATIENCE).await;
    let shown = operator.run(&["outgoing", "logs", id]).await;
    assert!(shown.contains("✗ failed") && shown.contains(" 500 ") && shown.contains("test; "), "{shown}");
    receiver.otherwise(always(StatusCode::OK));
    let own = world.folder().join("data.json");
    std::fs::write(&own, r#"{"email": "eve@example.com"}"#).unwrap();
    let told = operator.json(&["outgoing", "test", id, "--file", own.to_str().unwrap()]).await;
    assert_eq!(
        (&told["status"], &told["request"]["body"]["data"]["email"]),
        (&json!(200), &json!("eve@example.com"))
    );
    assert_eq!(
        operator.run(&["outgoing", "replay", id, "--until", "2020-01-01T00:00:00Z"]).await,
        "sent again: 0\n"
    );
    assert_eq!(operator.run(&["outgoing", "replay", id, "--dry-run"]).await, "would be sent again: 1\n");
    assert_eq!(operator.run(&["outgoing", "replay", id]).await, "sent again: 1\n");
    eventually("the delivery to arrive", PATIENCE, async || {
        let log = server.list(&format!("/outgoing-webhooks/{id}/deliveries?status=delivered")).await;
        log.iter().any(|entry| entry["test"] == false).then_some(())
    })
    .await
    .unwrap();
}

async fn a_log_is_followed_across_a_restart(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve_for_a_restart().await;
    let operator = Operator::of(&world, &server);
    let webhook = server.incoming(json!({})).await;
    let id = text(&webhook["id"]).to_owned();
    let payload = |number: u32| json!({"data": {"email": format!("n{number}@example.com")}}).to_string();
    server.receive(&webhook, &[], &payload(1)).await;

    let mut people = Running::start(&operator, &["incoming", "logs", &id, "--follow"]);
    let mut programs = Running::start(&operator, &["incoming", "logs", &id, "--follow", "--json"]);
    assert!(people.line().await.starts_with("TIME"));
    assert!(people.line().await.contains("✓ processed  200"));
    let mut emails = vec![email(&programs.line().await)];
    server.receive(&webhook, &[], &payload(2)).await;
    assert!(people.line().await.contains("add_subscriber"));
    emails.push(email(&programs.line().await));

    let (address, key) = (server.program.address(), server.key.clone());
    drop(server);
    let node = world.node("data").listen(address);
    let program =
        eventually("the address to be free again", PATIENCE, async || node.start().await.ok()).await.unwrap();
    let server = Server::of(program, key);
    for number in 3..6 {
        server.receive(&webhook, &[], &payload(number)).await;
        emails.push(email(&programs.line().await));
    }
    assert_eq!(emails, (1..6).map(|number| format!("n{number}@example.com")).collect::<Vec<_>>());
    assert_eq!((people.interrupt().await, programs.interrupt().await), (Some(0), Some(0)));

    // Without following: the newest, in order, and only what was asked for.
    let last = operator.run(&["incoming", "logs", &id, "--limit", "2", "--json"]).await;
    assert_eq!(last.lines().map(email).collect::<Vec<_>>(), ["n4@example.com", "n5@example.com"]);
    assert_eq!(operator.run(&["incoming", "logs", &id, "--status", "failed"]).await.lines().count(), 1);
}

fn email(line: &str) -> String {
    let entry: Value = serde_json::from_str(line).unwrap();
    text(&entry["payload"]["data"]["email"]).to_owned()
}

#[tokio::test]
async fn what_goes_wrong_says_what_to_do() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let webhook = server.incoming(json!({})).await;
    let id = text(&webhook["id"]);

    // Options: status 2, and the option is named.
    for (args, name) in [
        (vec!["incoming", "create", "--name", "x"], "--event"),
        (vec!["incoming", "create", "--name", "x", "--event", "y", "--action", "apply_tag:oops"], "--action"),
        (vec!["incoming", "create", "--file", "nowhere.json"], "--file"),
        (vec!["incoming", "test", id, "--file", "nowhere.json"], "--file"),
        (vec!["incoming", "show", "nonsense"], "<ID>"),
        (vec!["incoming", "list", "--server", "localhost:1"], "--server"),
        (vec!["incoming", "list", "--server", "https://hooks.example.com"], "--api-key"),
        (vec!["incoming", "list", "--limit", "0"], "--limit"),
        (vec!["incoming", "list", "--data-dir", "elsewhere"], "--api-key"),
        (vec!["incoming", "logs", id, "--since", "yesterday"], "--since"),
        (vec!["send", "nowhere.json", "--webhook", id], "nowhere.json"),
        (vec!["send", "nowhere.json"], "--webhook"),
        (vec!["outgoing", "create", "--name", "x", "--url", "https://example.com"], "--events"),
        (vec!["outgoing", "replay", id, "--status", "some"], "--status"),
        (vec!["send", "-", "--webhook", id, "--header", "push"], "--header"),
    ] {
        let line = operator.fails(2, &args).await;
        assert!(line.contains(name), "{args:?}: {line}");
    }

    // The server's own refusals: status 1.
    let line = operator.fails(1, &["incoming", "show", "a1b2c3d4e5f6"]).await;
    assert!(line.contains("There is not an incoming webhook with this id"), "{line}");
    operator.fails(1, &["incoming", "logs", "a1b2c3d4e5f6", "--follow"]).await;
    let line = operator.fails(1, &["incoming", "create", "--name", "x", "--event", "No Such"]).await;
    assert!(line.contains("event_type"), "{line}");

    operator.fails(1, &["outgoing", "show", id]).await;
    let line =
        operator.fails(1, &["outgoing", "create", "--name", "x", "--url", "ftp://x", "--events", "y"]).await;
    assert!(line.contains("url"), "{line}");
    operator.fails(1, &["send", "-", "--webhook", "a1b2c3d4e5f6"]).await;

    // Nobody there, or nobody that knows us: 3 and 4.
    let line = operator.fails(3, &["incoming", "list", "--server", "http://127.0.0.1:9"]).await;
    assert!(line.contains("127.0.0.1:9") && line.contains("--server"), "{line}");
    let line = operator.fails(4, &["incoming", "list", "--api-key", "ccsp_wrong"]).await;
    assert!(line.contains("--api-key") && !line.contains("ccsp_wrong"), "{line}");
    let reader = server.program.api_key("read").await.unwrap();
    let line =
        operator.fails(4, &["incoming", "create", "--name", "x", "--event", "y", "--api-key", &reader]).await;
    assert!(line.contains("write"), "{line}");
    let other = World::new(Kind::Sqlite).await;
    other.serve().await;
    let elsewhere = other.folder().join("data");
    let line = operator.fails(4, &["incoming", "list", "--data-dir", elsewhere.to_str().unwrap()]).await;
    assert!(line.contains("--data-dir"), "{line}");
}

#[tokio::test]
async fn the_file_of_the_configuration_holds_for_these_commands_too() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let folder: &Path = world.folder();
    let settings =
        format!("server = \"http://{}\"\napi_key = \"{}\"\n", server.program.address(), server.key);
    std::fs::write(folder.join("ccsp-mailer.toml"), settings).unwrap();
    let output =
        command(&world, &["incoming", "list"]).env("CCSP_DATA_DIR", "nowhere").output().await.unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}
