//! The command line: help, configuration and its faults, and every command that is not `serve` or `demo`.

use std::process::Output;

use http::{Method, StatusCode};
use serde_json::json;
use testkit::Api;
use testkit::ProgramBuilder;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::{BINARY, Kind, PATIENCE, Server, World, target, text};

on_both_databases!(
    keys_are_made_listed_and_revoked,
    the_schema_is_brought_up_to_date,
    the_doctor_finds_nothing
);

/// Runs the program with exactly these arguments.
async fn run(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY).args(args).current_dir(folder.path()).kill_on_drop(true).output();
    // One that serves instead would go on for ever.
    timeout(PATIENCE, output).await.unwrap_or_else(|_| panic!("{args:?} did not end")).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn help_is_complete() {
    const STORAGE: &[&str] = &["--data-dir", "--database-url", "--log-format", "--log-level", "--config"];
    const SERVE: &[&str] =
        &["--listen", "--public-url", "--allow-private-destinations", "--max-body-bytes", "--metrics-public"];
    const CLIENT: &[&str] = &["--server", "--api-key", "--data-dir", "--json", "--config"];
    for (command, options) in [
        (vec!["serve"], [STORAGE, SERVE].concat()),
        (vec!["doctor"], [STORAGE, SERVE].concat()),
        (vec!["migrate"], STORAGE.to_vec()),
        (vec!["api-key", "create"], [STORAGE, &["--name", "--scope"]].concat()),
        (vec!["api-key", "list"], STORAGE.to_vec()),
        (vec!["api-key", "revoke"], [STORAGE, &["<ID>"]].concat()),
        (vec!["user", "create"], [STORAGE, &["--email", "--role"]].concat()),
        (vec!["user", "list"], STORAGE.to_vec()),
        (vec!["user", "link"], [STORAGE, &["--email", "--public-url"]].concat()),
        (vec!["incoming", "list"], [CLIENT, &["--status", "--q", "--limit"]].concat()),
        (vec!["incoming", "show"], [CLIENT, &["<ID>"]].concat()),
        (
            vec!["incoming", "create"],
            [CLIENT, &["--name", "--event", "--preset", "--action", "--file"]].concat(),
        ),
        (vec!["incoming", "test"], [CLIENT, &["<ID>", "--file", "--send"]].concat()),
        (
            vec!["incoming", "logs"],
            [CLIENT, &["<ID>", "--follow", "--status", "--since", "--limit"]].concat(),
        ),
        (
            vec!["send"],
            [CLIENT, &["<FILE>", "--webhook", "--content-type", "--header", "--wrong-signature"]].concat(),
        ),
        (vec!["listen"], [CLIENT, &["--forward-to", "--events", "--secret"]].concat()),
        (
            vec!["outgoing", "create"],
            [CLIENT, &["--name", "--url", "--events", "--secret", "--file"]].concat(),
        ),
        (vec!["outgoing", "test"], [CLIENT, &["<ID>", "--event", "--file"]].concat()),
        (vec!["outgoing", "logs"], [CLIENT, &["<ID>", "--follow"]].concat()),
        (
            vec!["outgoing", "replay"],
            [CLIENT, &["<ID>", "--status", "--since", "--until", "--per-second", "--dry-run"]].concat(),
        ),
        (vec!["outgoing"], vec!["list", "show", "create", "test", "logs", "replay"]),
        (vec!["incoming"], vec!["list", "show", "create", "test", "logs"]),
        (vec!["demo"], vec![]),
        (vec!["api-key"], vec!["create", "list", "revoke"]),
        (vec!["user"], vec!["create", "list", "link"]),
        (
            vec![],
            vec![
                "serve",
                "api-key",
                "user",
                "incoming",
                "outgoing",
                "send",
                "listen",
                "audit-log",
                "demo",
                "migrate",
                "doctor",
            ],
        ),
    ] {
        let output = run(&[&command[..], &["--help"]].concat()).await;
        let help = stdout(&output);
        assert!(output.status.success() && output.stderr.is_empty(), "{command:?}");
        for option in options {
            assert!(help.contains(option), "{command:?} says nothing of {option}:\n{help}");
            // Every option of a command can be set from outside as well, and the help says how.
            if let Some(name) = option.strip_prefix("--") {
                let variable = format!("CCSP_{}", name.replace('-', "_").to_uppercase());
                assert!(help.contains(&variable), "{command:?} says nothing of {variable}:\n{help}");
            }
        }
    }
    let version = run(&["--version"]).await;
    assert_eq!(stdout(&version), format!("ccsp-mailer {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_fault_of_configuration_is_one_line_and_status_2() {
    for (args, name) in [
        (vec!["serve", "--listen", "nowhere"], "--listen"),
        (vec!["serve", "--database-url", "mysql://localhost/x"], "--database-url"),
        (vec!["serve", "--public-url", "example.com"], "--public-url"),
        (vec!["serve", "--max-body-bytes", "12"], "--max-body-bytes"),
        (vec!["serve", "--allow-private-destinations", "10.0.0.0/40"], "--allow-private-destinations"),
        (vec!["serve", "--log-level", "loud"], "--log-level"),
        (vec!["serve", "--log-level", "info,engine=loud"], "--log-level"),
        (vec!["serve", "--log-format", "xml"], "--log-format"),
        (vec!["serve", "--config", "/nowhere/at/all.toml"], "--config"),
        (vec!["serve", "--lisen", "127.0.0.1:1"], "--lisen"),
        (vec!["api-key", "create"], "--name"),
        (vec!["api-key", "create", "--name", " "], "--name"),
        (vec!["api-key", "create", "--name", "x", "--scope", "god"], "--scope"),
        (vec!["nonsense"], "nonsense"),
    ] {
        let output = run(&args).await;
        let line = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
        assert!(line.trim_end().lines().count() == 1 && line.contains(name), "{args:?}: {line}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_named() {
    let output = run(&["serve", "--data-dir", "/proc/nowhere"]).await;
    assert!(!output.status.success());
    let line = stderr(&output);
    assert!(line.trim_end().lines().count() == 1 && line.contains("--data-dir"), "{line}");
}

/// The status of a body of so many bytes.
async fn status_of(node: &ProgramBuilder, bytes: usize) -> StatusCode {
    let server = Server::start(node).await;
    let webhook = server.incoming(json!({"actions": []})).await;
    let body = format!("{{}}{}", " ".repeat(bytes - 2));
    server.receive(&webhook, &[], &body).await.status
}

#[tokio::test]
async fn the_command_line_is_over_the_environment_over_the_file() {
    let world = World::new(Kind::Sqlite).await;
    let node = || world.node("data");
    assert_eq!(status_of(&node(), 5_000).await, StatusCode::OK);
    let file = world.folder().join("data/ccsp-mailer.toml");
    std::fs::write(&file, "max_body_bytes = 2_000\n").unwrap();
    assert_eq!(status_of(&node(), 3_000).await, StatusCode::PAYLOAD_TOO_LARGE);
    let node = || world.node("data").env("CCSP_MAX_BODY_BYTES", "4000");
    assert_eq!(status_of(&node(), 3_000).await, StatusCode::OK);
    assert_eq!(status_of(&node(), 5_000).await, StatusCode::PAYLOAD_TOO_LARGE);
    let node = || world.node("data").env("CCSP_MAX_BODY_BYTES", "4000").arg("--max-body-bytes").arg("6000");
    assert_eq!(status_of(&node(), 5_000).await, StatusCode::OK);
    assert_eq!(status_of(&node(), 7_000).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_public_url_is_what_senders_see() {
    let world = World::new(Kind::Sqlite).await;
    let node = world.node("data").arg("--public-url").arg("https://hooks.example.com/mail/");
    let server = Server::start(&node).await;
    let webhook = server.incoming(json!({})).await;
    let expected = format!("https://hooks.example.com/mail{}", target(&webhook));
    assert_eq!(webhook["url"], expected);
}

async fn keys_are_made_listed_and_revoked(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let program = node.start().await.unwrap();
    let output = node.run(&["api-key", "create", "--name", "Site", "--scope", "read"]).await.unwrap();
    let key = stdout(&output);
    assert!(output.status.success() && key.lines().count() == 1, "only the key: {key:?}");
    let api = Api::new(program.address(), key.trim()).unwrap();
    api.get("/lists").await.unwrap().expect(StatusCode::OK).unwrap();
    api.post("/lists", &json!({"name": "x"})).await.unwrap().expect(StatusCode::FORBIDDEN).unwrap();

    let listed = stdout(&node.run(&["api-key", "list"]).await.unwrap());
    let line = listed.lines().find(|line| line.contains("Site")).unwrap();
    assert!(line.contains("read") && !listed.contains(key.trim()), "{listed}");
    let id = line.split_whitespace().next().unwrap();
    let revoked = node.run(&["api-key", "revoke", id]).await.unwrap();
    assert!(revoked.status.success(), "{}", stderr(&revoked));
    let again = node.run(&["api-key", "revoke", id]).await.unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains(id));
    testkit::eventually("the key to be refused", PATIENCE, async || {
        (api.get("/lists").await.unwrap().status == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await
    .unwrap();
}

async fn the_schema_is_brought_up_to_date(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let first = node.run(&["migrate"]).await.unwrap();
    assert!(first.status.success() && stdout(&first).contains("needed"), "{}", stdout(&first));
    let second = node.run(&["migrate"]).await.unwrap();
    assert!(second.status.success());
    assert_eq!(stdout(&second), "the schema is up to date\n");
}

async fn the_doctor_finds_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let output = node.run(&["doctor", "--listen", "127.0.0.1:0"]).await.unwrap();
    let report = stdout(&output);
    assert!(output.status.success(), "{report}{}", stderr(&output));
    for check in ["data folder", "master key", "database", "address", "public URL", "open files", "clock"] {
        assert!(
            report.lines().any(|line| line.starts_with("ok ") && line.contains(check)),
            "{check}: {report}"
        );
    }
}

#[tokio::test]
async fn the_doctor_names_what_is_wrong() {
    let world = World::new(Kind::Sqlite).await;
    let node = world.node("data");
    let program = node.start().await.unwrap();
    let taken = program.address().to_string();
    let output = node.run(&["doctor", "--listen", &taken]).await.unwrap();
    let report = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(report.lines().any(|line| line.starts_with("fault ") && line.contains(&taken)), "{report}");

    let nobody = "postgres://nobody@127.0.0.1:1/nothing";
    let output = node.run(&["doctor", "--listen", "127.0.0.1:0", "--database-url", nobody]).await.unwrap();
    let report = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(report.lines().any(|line| line.starts_with("fault ") && line.contains("database")), "{report}");
}

#[tokio::test]
async fn a_data_folder_has_one_server() {
    let world = World::new(Kind::Sqlite).await;
    let mut server = Server::start(&world.node("data")).await;
    let error = format!("{:#}", world.node("data").start().await.unwrap_err());
    assert!(error.contains("--data-dir") && error.contains("another server uses it"), "{error}");
    server.get("/lists").await.unwrap().expect(StatusCode::OK).unwrap();
    server.program.kill9().await.unwrap();
    world.node("data").start().await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let world = World::new(Kind::Sqlite).await;
    let first = world.node("data").start().await.unwrap();
    let error = world.node("other").listen(first.address()).start().await.unwrap_err();
    let line = format!("--listen {}", first.address());
    assert!(format!("{error:#}").contains(&line), "{error:#}");
}

#[tokio::test]
async fn logs_can_be_json() {
    let world = World::new(Kind::Sqlite).await;
    let mut server = Server::start(&world.node("data").arg("--log-format").arg("json")).await;
    server.program.terminate().await.unwrap();
    server.program.wait_exit(PATIENCE).await.unwrap();
    let log = testkit::eventually("the last line of the log", PATIENCE, async || {
        Some(server.program.log()).filter(|log| log.contains("stopped"))
    })
    .await
    .unwrap();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(text(&line["timestamp"]).ends_with('Z') && line["level"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn health_is_public_and_metrics_are_not() {
    let world = World::new(Kind::Sqlite).await;
    let get = async |server: &Server, path: &str, headers: &[(&str, &str)]| {
        server.raw(Method::GET, path, headers, "").await.unwrap().status
    };
    let server = world.serve().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(&server, path, &[]).await, StatusCode::OK);
    }
    assert_eq!(get(&server, "/metrics", &[]).await, StatusCode::UNAUTHORIZED);
    let authorization = format!("Bearer {}", server.key);
    assert_eq!(get(&server, "/metrics", &[("authorization", &authorization)]).await, StatusCode::OK);
    drop(server);
    let server = Server::start(&world.node("other").arg("--metrics-public")).await;
    assert_eq!(get(&server, "/metrics", &[]).await, StatusCode::OK);
}
