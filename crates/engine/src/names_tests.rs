use std::sync::Arc;

use domain::log::RequestStatus;
use serde_json::{Value, json};
use signature::Secret;

use super::*;
use crate::item::{Done, Item};
use crate::receive::{Accepted, admit};
use crate::testing::{NOW, SECRET, decide, request, snapshot};

fn admitted(settings: Value, request: Received) -> Accepted {
    admit(&snapshot(settings, &[]), &Arc::new(request), NOW).unwrap()
}

fn names(settings: Value, body: &Value) -> Names {
    admitted(settings, request(body.to_string())).names
}

fn texts(names: &[Option<String>]) -> Vec<Option<&str>> {
    names.iter().map(Option::as_deref).collect()
}

#[test]
fn each_record_of_an_array_has_its_name() {
    let key = json!({"dedupe": {"key": "id"}});
    let array = names(key.clone(), &json!([{"id": 1}, {"id": "1"}, {}]));
    assert_eq!(texts(&array.records), [Some("payload:1"), Some("payload:\"1\""), None]);
    assert_eq!(array.request, None, "one record may be any other one the next time");
    let whole = names(key.clone(), &json!([{"id": 1}, {"id": 2}]));
    assert!(whole.request.as_ref().unwrap().starts_with("records:"));
    let other = names(key.clone(), &json!([{"id": 2}, {"id": 1}]));
    assert_ne!(whole.request, other.request);
    assert_eq!(
        names(key, &json!({"id": 1})).request.as_deref(),
        Some("payload:1"),
        "as the same in an array"
    );

    let inside = |body| names(json!({"records": "items", "dedupe": {"key": "id"}}), &body);
    let named = inside(json!({"id": "batch", "items": [{"id": 1}]}));
    assert_eq!(named.request.as_deref(), Some("payload:\"batch\""), "the payload names itself");
    assert_eq!(texts(&named.records), [Some("payload:1")]);
    assert_eq!(inside(json!({"items": {"id": 1}})).request.as_deref(), Some("payload:1"), "the only one");
}

#[test]
fn what_is_redacted_is_no_name_in_the_clear() {
    let settings = json!({"dedupe": {"key": "card"}, "redact": ["card"]});
    let names = names(settings, &json!([{"card": "4242424242424242"}]));
    assert!(names.all().all(|name| name.len() == 64 && !name.contains("4242424242424242")), "{names:?}");
}

#[test]
fn a_script_may_make_records_with_names() {
    let settings = json!({"dedupe": {"key": "id"}, "transform": "function transform(p) { return p }"});
    let accepted = admitted(settings, request(r#"[{"id": 1}]"#));
    assert!(accepted.names.records.is_empty() && accepted.names.request.is_some());
    let (code, _) = accepted.to_transform().unwrap();
    let result = Ok(Arc::new(json!([{"id": 7}, {"id": 8}])));
    let transformed = Arc::new(crate::receive::Transformed { code: code.to_owned(), result });
    let accepted = accepted.transformed(&transformed);
    assert_eq!(texts(&accepted.names.records), [Some("payload:7"), Some("payload:8")]);
}

#[test]
fn what_is_signed_with_a_time_names_a_request_that_nothing_signed_does() {
    let slack = presets::find("slack").unwrap().scheme.as_ref().unwrap();
    let signed = |body: &str, second: i64| {
        let mut request = request(body.to_owned());
        let parts = slack.sign(
            &Secret::new(SECRET),
            "POST",
            &request.url,
            body.as_bytes(),
            "",
            NOW.seconds() + second,
        );
        for (source, value) in parts.unwrap() {
            let signature::Source::Header(name) = source else { panic!("{source}") };
            request.headers.insert(name, value.parse().unwrap());
        }
        request
    };
    let settings = || json!({"preset": "slack", "signature": {"scheme": "preset"}});
    let name = |request| admitted(settings(), request).names.signed;
    let first = name(signed("{}", 0));
    assert!(first.is_some());
    assert_eq!(name(signed("{}", 0)), first);
    assert_eq!(
        name(signed("{}", 0).with("idempotency-key", "of someone else")),
        first,
        "a header is not signed"
    );
    assert_ne!(name(signed("{}", 1)), first);
    assert_ne!(name(signed("[{}]", 0)), first);
    let named = admitted(settings(), signed(r#"{"event_id": "Ev1"}"#, 0)).names;
    assert_eq!((named.request.as_deref(), named.signed), (Some("preset:Ev1"), None), "the signed body does");
}

/// Decides requests one after the other in one batch.
fn answers(settings: Value, bodies: &[Value]) -> Vec<(u16, Value)> {
    let snapshot = snapshot(settings, &[]);
    let item = |body: &Value| {
        let request = Arc::new(request(body.to_string()));
        Item::Request(Box::new(admit(&snapshot, &request, NOW).unwrap()))
    };
    let (_, decided) = decide(&snapshot, bodies.iter().map(item).collect(), vec![]);
    let reply = |done: Done| match done {
        Done::Reply(reply) => (reply.status, serde_json::from_str(&reply.body).unwrap()),
        Done::Executed(_) => panic!("no request"),
    };
    decided.done.into_iter().map(reply).collect()
}

#[test]
fn a_record_that_came_before_is_passed_over() {
    let record = |id: u8| json!({"id": id, "email": format!("r{id}@example.com")});
    let settings = || json!({"dedupe": {"key": "id"}});
    let bodies =
        [json!([record(1), record(2)]), json!([record(2), record(3)]), record(3), json!([record(3)])];
    let answers = answers(settings(), &bodies);
    let counts: Vec<_> =
        answers.iter().map(|(_, body)| body["processed_records"].as_u64().unwrap()).collect();
    assert_eq!(counts[..2], [2, 1]);
    assert_eq!(
        (&answers[2].1["duplicate"], &answers[2].1["request_id"]),
        (&json!(true), &answers[1].1["request_id"])
    );
    assert_eq!((&answers[3].1["duplicate"], counts[3]), (&json!(true), 0));
}

#[test]
fn of_what_is_refused_nothing_is_remembered_and_what_waits_keeps_what_came_before() {
    let bad = json!([{"id": 1, "email": "nobody"}]);
    let refused = answers(json!({"dedupe": {"key": "id"}}), &[bad.clone(), bad]);
    assert!(
        refused.iter().all(|(status, body)| *status == 422 && body["duplicate"].is_null()),
        "{refused:?}"
    );

    let snapshot = snapshot(json!({"dedupe": {"key": "id"}, "status": "paused"}), &[]);
    let item = |body: &str| {
        Item::Request(Box::new(admit(&snapshot, &Arc::new(request(body.to_owned())), NOW).unwrap()))
    };
    let items = vec![item(r#"[{"id": 1}]"#), item(r#"[{"id": 2}, {"id": 1}]"#)];
    let (writes, _) = decide(&snapshot, items, vec![]);
    assert!(writes.requests.iter().all(|row| row.status == RequestStatus::Accepted));
    let outcome: Value = serde_json::from_str(&writes.requests[1].outcome).unwrap();
    assert_eq!(outcome["duplicates"], json!([{"record": 1, "of": writes.requests[0].id}]));
}
