//! The published tool reads our OpenAPI document and looks for an answer that the document does not describe.

use std::path::Path;

use serde_json::json;
use testkit::http::BASE;
use testkit::{Receiver, python_tool};
use tokio::process::Command;

use crate::support::{Kind, Server, World};

on_both_databases!(no_answer_is_undescribed);

/// Enough for every operation to be called with right and wrong values of every parameter, within a minute.
const EXAMPLES: &str = "8";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
     response_schema_conformance";

async fn no_answer_is_undescribed(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    fill(&server, &receiver).await;

    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/schemathesis_hooks.py");
    let output = Command::new(python_tool("schemathesis").unwrap())
        .args(["run", &server.program.url(&format!("{BASE}/openapi.json"))])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", EXAMPLES, "--seed", "2", "--generation-deterministic"])
        .args(["--no-shrink", "--continue-on-failure", "--warnings", "off"])
        .args(["--header", &format!("Authorization: Bearer {}", server.key)])
        // They have no end; tests of their own read them.
        .args(["--exclude-path", &format!("{BASE}/feed")])
        .args(["--exclude-path", &format!("{BASE}/listen")])
        .args(["--request-timeout", "30", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", hooks)
        .env("DESTINATION", receiver.url("/hook"))
        .current_dir(world.folder())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("No issues found"), "{report}");
    assert!(!server.program.log().contains("panicked"), "{}", server.program.log());
}

/// Something of each kind, so that lists are not empty.
async fn fill(server: &Server, receiver: &Receiver) {
    server.make("/lists", json!({"name": "Newsletter"})).await;
    let incoming = server.incoming(json!({})).await;
    server.outgoing(&receiver.url("/hook"), json!({})).await;
    server.receive(&incoming, &[], crate::support::SPEC_PAYLOAD).await;
}
