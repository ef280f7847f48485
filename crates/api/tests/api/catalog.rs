//! docs/events.md is what the catalogue says: this test writes it anew with `INSTA_UPDATE=always`, as the snapshots.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::support::Server;

const INTRODUCTION: &str = "\
# Events

What the program tells by itself, kind by kind. For integrators. This page is made from the catalogue that `GET
BASE/event-types` shows, which also holds the kinds of your own; the section `webhooks` of `BASE/openapi.json` is made from the
same.

A delivery without a `payload` of its own is `{\"event\", \"timestamp\", \"data\"}`; the tables below are about `data`. Members may
be added at any time, so ignore those that you don't know. The version of a kind grows when a member goes away or changes its
type.

Kinds of your own need not be declared. Those that are (`POST BASE/event-types` with a `schema`) are checked when they are
published: over the API wrong data are refused with 422 and the place of each fault, and the action `publish_event` of an
incoming webhook fails. `PATCH BASE/event-types/{name}` changes a declaration; another schema is another version.

The last three are about the program itself: [what becomes of outgoing webhooks](outgoing.md#destinations-that-fail). An outgoing
webhook never gets those about itself, whatever it subscribes to.
";

#[tokio::test]
async fn the_page_of_events_is_the_catalogue() {
    let server = Server::start().await;
    let kinds = server.get("/event-types?limit=200").await.json();
    let mut page = INTRODUCTION.to_owned();
    for kind in kinds["data"].as_array().unwrap() {
        describe(kind, &mut page);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(&file, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == page, "docs/events.md is not the catalogue: INSTA_UPDATE=always writes it anew");
}

fn describe(kind: &Value, page: &mut String) {
    let text = |member: &str| kind[member].as_str().unwrap();
    writeln!(page, "\n## {}\n\n{} Version {}.\n", text("name"), text("description"), kind["version"])
        .unwrap();
    writeln!(page, "| member | is | always there |\n| --- | --- | --- |").unwrap();
    let schema = &kind["schema"];
    let required = schema["required"].as_array().unwrap();
    for (name, property) in schema["properties"].as_object().unwrap() {
        let types = match &property["type"] {
            Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(" or "),
            one => one.as_str().unwrap().to_owned(),
        };
        let there = if required.iter().any(|one| one == name) { "yes" } else { "" };
        writeln!(page, "| `{name}` | {types} | {there} |").unwrap();
    }
    let example = serde_json::to_string_pretty(&kind["example"]).unwrap();
    writeln!(page, "\n```json\n{example}\n```").unwrap();
}
