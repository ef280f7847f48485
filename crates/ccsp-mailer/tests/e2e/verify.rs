//! The functions of docs/verify.md, as a reader would copy them, on a real delivery: right, tampered with, by another secret, and
//! stale.

mod rust;

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use testkit::Receiver;
use tokio::process::Command;

use crate::support::{Kind, World, text};

/// How the functions of a language are called: the heading in the document, the tail of a program that calls them with its
/// arguments and prints what they say, the file's name, and the program that runs it.
const LANGUAGES: &[(&str, &str, &str, &str)] = &[
    (
        "Node.js",
        "const [secret, x, id, at, signatures, body, now] = process.argv.slice(2);
         const bytes = Buffer.from(body);
         console.log(isStandardWebhook(secret, id, at, signatures, bytes, Number(now)), isXWebhook(secret, x, bytes));",
        "verify.cjs",
        "node",
    ),
    (
        "Python",
        "import sys\n\
         secret, x, id, at, signatures, body, now = sys.argv[1:]\n\
         print(is_standard_webhook(secret, id, at, signatures, body.encode(), int(now)), is_x_webhook(secret, x, body.encode()))",
        "verify.py",
        "python3",
    ),
    (
        "PHP",
        "[, $secret, $x, $id, $at, $signatures, $body, $now] = $argv;
         echo json_encode(is_standard_webhook($secret, $id, $at, $signatures, $body, (int) $now)), ' ', json_encode(is_x_webhook($secret, $x, $body));",
        "verify.php",
        "php",
    ),
    (
        "Ruby",
        "secret, x, id, at, signatures, body, now = ARGV\n\
         puts \"#{standard_webhook?(secret, id, at, signatures, body.b, now.to_i)} #{x_webhook?(secret, x, body.b)}\"",
        "verify.rb",
        "ruby",
    ),
    (
        "Java",
        "class Verify {
            public static void main(String[] a) throws Exception {
                byte[] body = a[5].getBytes(StandardCharsets.UTF_8);
                System.out.println(Signatures.isStandardWebhook(a[0], a[2], a[3], a[4], body, Long.parseLong(a[6])) + \" \" + Signatures.isXWebhook(a[0], a[1], body));
            }
        }",
        "Verify.java",
        "java",
    ),
];

/// The code under a heading.
fn code<'a>(document: &'a str, heading: &str) -> &'a str {
    let section = document.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let block = section.split_once("\n```").unwrap().1.split_once('\n').unwrap().1;
    block.split_once("\n```\n").unwrap().0
}

/// What a receiver has of a delivery, and when.
#[derive(Clone)]
struct Given {
    name: &'static str,
    secret: String,
    x: String,
    id: String,
    timestamp: String,
    signatures: String,
    body: String,
    now: i64,
    /// Whether each of the two is ours.
    expected: (bool, bool),
}

async fn run(language: &str, file: &Path, program: &str, given: &Given) -> (bool, bool) {
    let now = given.now.to_string();
    let arguments =
        [&given.secret, &given.x, &given.id, &given.timestamp, &given.signatures, &given.body, &now];
    let mut command = Command::new(program);
    if program == "java" {
        // Compiled once; the class path is where.
        command.arg("-cp").arg(file.parent().unwrap()).arg("Verify");
    } else {
        command.arg(file);
    }
    let output = command.args(arguments).stdin(Stdio::null()).output().await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: run scripts/setup"));
    let printed = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(output.status.success(), "{language}: {}", String::from_utf8_lossy(&output.stderr));
    let mut said = printed.split_whitespace().map(|word| word.parse().unwrap());
    (said.next().unwrap(), said.next().unwrap())
}

#[tokio::test]
async fn what_the_document_says_verifies_what_we_send() {
    let document = include_str!("../../../../docs/verify.md");
    // Rust is compiled into this test, as it stands there.
    let own = include_str!("verify/rust.rs").split_once("\n\n").unwrap().1;
    assert_eq!(
        own.trim(),
        code(document, "Rust"),
        "tests/e2e/verify/rust.rs is a copy of what docs/verify.md says"
    );

    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let outgoing = server.outgoing(&receiver.url("/hook"), json!({"events": ["order_paid"]})).await;
    let event = json!({"event": "order_paid", "data": {"total": 12.5, "note": "für Ada ✓"}});
    server.make("/events", event).await;
    let delivery = testkit::eventually("the delivery", crate::support::PATIENCE, async || {
        receiver.requests().into_iter().next()
    });
    let delivery = delivery.await.unwrap();
    let header = |name: &str| delivery.header(name).unwrap().to_owned();
    let now: i64 = header("webhook-timestamp").parse().unwrap();
    let right = Given {
        name: "right",
        secret: text(&outgoing["signing"]["secret"]).to_owned(),
        x: header("x-webhook-signature"),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
        body: String::from_utf8(delivery.body.to_vec()).unwrap(),
        now,
        expected: (true, true),
    };
    let tampered = right.body.replace("12.5", "92.5");
    let (yes, no) = ((true, true), (false, false));
    let cases = [
        right.clone(),
        Given {
            name: "of two secrets",
            signatures: format!("v1,AAAA v1a,BBBB {}", right.signatures),
            expected: yes,
            ..right.clone()
        },
        Given { name: "tampered with", body: tampered, expected: no, ..right.clone() },
        Given {
            name: "of another secret",
            secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg==".to_owned(),
            expected: no,
            ..right.clone()
        },
        Given { name: "too old", now: now + 301, expected: (false, true), ..right.clone() },
        Given { name: "of the future", now: now - 301, expected: (false, true), ..right.clone() },
        Given {
            name: "with another id",
            id: "evt_other".to_owned(),
            expected: (false, true),
            ..right.clone()
        },
        Given { name: "with no time", timestamp: "now".to_owned(), expected: (false, true), ..right.clone() },
        Given { name: "unsigned", signatures: String::new(), x: String::new(), expected: no, ..right },
    ];
    for (language, tail, name, program) in LANGUAGES {
        let folder = world.folder().join(program);
        std::fs::create_dir_all(&folder).unwrap();
        let opening = if *language == "PHP" { "<?php\n" } else { "" };
        let file = folder.join(name);
        std::fs::write(&file, format!("{opening}{}\n{tail}\n", code(document, language))).unwrap();
        if *program == "java" {
            let compiled = Command::new("javac").arg("-d").arg(&folder).arg(&file).output().await;
            let compiled = compiled.unwrap_or_else(|error| panic!("javac: {error}: run scripts/setup"));
            assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        }
        for given in &cases {
            assert_eq!(
                run(language, &file, program, given).await,
                given.expected,
                "{language}: {}",
                given.name
            );
        }
    }
    for given in &cases {
        let Given { secret, x, id, timestamp, signatures, body, now, .. } = given;
        let said = (
            rust::is_standard_webhook(secret, id, timestamp, signatures, body.as_bytes(), *now),
            rust::is_x_webhook(secret, x, body.as_bytes()),
        );
        assert_eq!(said, given.expected, "Rust: {}", given.name);
    }
    let known: Vec<&str> =
        document.split("\n## ").skip(1).filter_map(|section| section.lines().next()).collect();
    let tried: Vec<&str> = LANGUAGES.iter().map(|language| language.0).chain(["Rust", "Go", "C#"]).collect();
    assert_eq!(known, tried, "a language in the document is tried here, or named as one that is not");
}
