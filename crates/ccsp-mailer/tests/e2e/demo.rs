//! The command `demo`: what it prints works when it is pasted.

use std::process::Stdio;

use http::StatusCode;
use testkit::Api;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use crate::support::{BINARY, PATIENCE};

type Screen = Lines<BufReader<ChildStdout>>;

/// Reads up to a line that holds `part`, and gives all lines so far.
async fn read_to(screen: &mut Screen, part: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let reading = async {
        while let Some(line) = screen.next_line().await.unwrap() {
            lines.push(line);
            if lines.last().unwrap().contains(part) {
                return;
            }
        }
        panic!("the demo ended before it said {part}: {lines:#?}");
    };
    timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("the demo does not say {part}"));
    lines
}

#[tokio::test]
async fn the_printed_line_makes_the_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(BINARY)
        .args(["demo", "--demo-listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut screen = BufReader::new(demo.stdout.take().unwrap()).lines();
    let introduction = read_to(&mut screen, "Ctrl-C").await;

    let after = |beginning: &str| {
        let line = introduction.iter().find_map(|line| line.split_once(beginning));
        line.unwrap_or_else(|| panic!("no {beginning:?} in {introduction:#?}")).1.to_owned()
    };
    let (address, key) = (after("http://"), after("API key: "));
    let api = Api::new(address.parse().unwrap(), &key).unwrap();
    api.get("/incoming-webhooks").await.unwrap().expect(StatusCode::OK).unwrap();

    let first = introduction.iter().position(|line| line.starts_with("curl ")).unwrap();
    let last = (first..).find(|index| !introduction[*index].ends_with('\\')).unwrap();
    let pasted = introduction[first..=last].join("\n");
    let answer = Command::new("sh").args(["-c", &pasted]).output().await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["success"], true, "{pasted}: {answer}");

    let mut timeline = read_to(&mut screen, "delivered").await;
    timeline.extend(read_to(&mut screen, "delivered").await);
    let timeline = timeline.join("\n");
    for part in ["request req_", "add_subscriber", "answered 200", "subscriber_added", "signature verified"] {
        assert!(timeline.contains(part), "no {part} in\n{timeline}");
    }
    assert!(!timeline.contains("NOT VALID"), "{timeline}");

    // Ctrl-C ends it, and nothing of it stays.
    let id = demo.id().unwrap().to_string();
    assert!(Command::new("sh").args(["-c", "kill -INT \"$1\"", "sh", &id]).status().await.unwrap().success());
    let status = timeout(PATIENCE, demo.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
