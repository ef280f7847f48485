use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::receive::{Accepted, Content, Received, Reply, Transformed, admit};
use crate::testing::{NOW, request, snapshot};

fn admit_by(settings: Value, request: Received) -> Result<Accepted, Reply> {
    admit(&snapshot(settings, &[]), &Arc::new(request), NOW)
}

fn read_by(settings: Value, request: Received) -> Records {
    match admit_by(settings, request).unwrap().content {
        Content::Records(records) => records,
        other => panic!("{other:?}"),
    }
}

fn read(settings: Value, payload: &Value) -> Records {
    read_by(settings, request(payload.to_string()))
}

/// What became of each record: its email, or why it has none.
fn outcomes(records: &Records) -> Vec<String> {
    let outcome = |record: &Record| match record {
        Record::Mapped(record) => {
            record.mapped.fields.email.as_ref().map_or("mapped".into(), ToString::to_string)
        }
        Record::Ignored(why) => why.clone(),
        Record::Invalid(error) => format!("{}: {}", error.field, error.message),
    };
    records.list.iter().map(outcome).collect()
}

#[test]
fn a_bad_record_does_not_lose_the_others() {
    let good = |email: &str| json!({"email": email});
    let payload = json!([good("a@example.com"), 7, good("b@example.com"), null, "x", [], true]);
    let records = read(json!({}), &payload);
    assert_eq!(
        outcomes(&records),
        [
            "a@example.com",
            "1: must be an object, and is a number",
            "b@example.com",
            "3: must be an object, and is null",
            "4: must be an object, and is a text",
            "5: must be an object, and is an array",
            "6: must be an object, and is true or false",
        ]
    );
    assert_eq!(records.field(2, "email"), "2.email");
}

#[test]
fn the_records_may_stand_inside() {
    let contacts = json!([{"email": "a@example.com"}, 7]);
    let payload = json!({"data": {"contacts": contacts}, "email": "outside@example.com"});
    let records = read(json!({"records": "data.contacts"}), &payload);
    assert_eq!(outcomes(&records), ["a@example.com", "data.contacts.1: must be an object, and is a number"]);
    assert_eq!(records.field(1, "email"), "data.contacts.1.email");

    let one = read(json!({"records": "data"}), &json!({"data": {"email": "a@example.com"}}));
    assert_eq!((outcomes(&one), one.field(0, "email")), (vec!["a@example.com".into()], "email".into()));

    // Kept in the log as failed, and not refused: the settings can be mended.
    for payload in [json!({}), json!({"data": 7}), json!([])] {
        let none = read(json!({"records": "data"}), &payload);
        assert!(
            outcomes(&none)[0].starts_with("records: there is no array of records at data "),
            "{payload}"
        );
    }
    let many = json!({"data": vec![json!({}); MAX_RECORDS + 1]});
    let refusal = admit_by(json!({"records": "data"}), request(many.to_string())).unwrap_err();
    assert_eq!(refusal.status, 400);
    let none = admit_by(json!({"records": "data"}), request(json!({"data": [1]}).to_string())).unwrap_err();
    assert!(none.body.contains("item data.0 is a number"), "{}", none.body);
}

#[test]
fn texts_of_a_payload_may_be_json() {
    let inner = json!([{"email": "a@example.com", "more": "{\"n\": 1}"}]).to_string();
    let payload = json!({"form": {"raw": inner}});
    let settings =
        json!({"parse_json": ["form.raw", "form.raw[0].more", "form.none"], "records": "form.raw"});
    assert_eq!(outcomes(&read(settings.clone(), &payload)), ["a@example.com"]);
    let filtered = json!({"parse_json": ["form.raw", "form.raw[0].more"], "records": "form.raw", "filter": "more.n == 1"});
    assert_eq!(outcomes(&read(filtered, &payload)), ["a@example.com"]);
    let accepted = admit_by(settings.clone(), request(payload.to_string())).unwrap();
    assert_eq!(accepted.text, payload.to_string(), "the log keeps what was sent");
    // What is no JSON stays a text.
    let broken = read(settings, &json!({"form": {"raw": "[{"}}));
    assert!(matches!(&broken.list[..], [Record::Invalid(_)]));
}

#[test]
fn a_record_for_another_event_is_told_apart() {
    let records = read(json!({}), &json!([{"event": "order_paid"}, {"event": "subscriber_added"}, {}]));
    assert_eq!(outcomes(&records), ["the event order_paid is not subscriber_added", "mapped", "mapped"]);
}

#[test]
fn names_of_events_are_the_same_in_any_spelling() {
    let settings = json!({"event_type": "order_paid"});
    for name in ["order_paid", "order.paid", "Order/Paid", "ORDER-PAID"] {
        assert_eq!(outcomes(&read(settings.clone(), &json!({ "event": name }))), ["mapped"], "{name}");
    }
    for name in ["orderpaid", "order.pai", "order..paid", "order.paid "] {
        assert_ne!(outcomes(&read(settings.clone(), &json!({ "event": name }))), ["mapped"], "{name}");
    }
}

#[test]
fn the_name_of_the_event_may_stand_elsewhere() {
    let by = |path: &str| json!({"event_type": "customer_created", "event_path": path});
    let named = |name: &str| json!({"meta": {"type": name}, "event": "something_else"});
    assert_eq!(outcomes(&read(by("meta.type"), &named("customer.created"))), ["mapped"]);
    assert_eq!(read(by("meta.type"), &named("customer.created")).event, "customer.created");
    assert_eq!(
        outcomes(&read(by("meta.type"), &named("customer.deleted"))),
        ["the event customer.deleted is not customer_created"]
    );
    assert_eq!(
        outcomes(&read(by("meta.none"), &named("x"))),
        ["mapped"],
        "without a name it is the webhook's"
    );

    let header = |value: &str| request("{}").with("x-event", value);
    assert_eq!(outcomes(&read_by(by("header:X-Event"), header("customer.created"))), ["mapped"]);
    assert_eq!(read_by(by("header:X-Event"), request("{}")).event, "customer_created");
    let other = read_by(by("header:X-Event"), header("push"));
    assert!(matches!(&other.list[..], [Record::Ignored(_)]));

    // Around the records, if not in them.
    let inside = json!({"records": "data", "event_type": "customer_created", "event_path": "type"});
    let payload = json!({"type": "customer.created", "data": [{}, {"type": "customer.deleted"}]});
    let records = read(inside, &payload);
    assert_eq!(outcomes(&records), ["mapped", "the event customer.deleted is not customer_created"]);
    assert_eq!(records.event, "customer_created", "they differ");
}

#[test]
fn a_preset_knows_where_the_name_of_the_event_stands() {
    let push = request("{}").with("x-github-event", "push");
    let github = json!({"preset": "github"});
    assert_eq!(read_by(github.clone(), push).event, "push");
    let named = request(json!({"action": "opened"}).to_string()).with("x-github-event", "push");
    let own = json!({"preset": "github", "event_path": "action"});
    assert_eq!(read_by(own, named).event, "opened", "the user knows better");
    let batch =
        json!([{"event": "open", "email": "a@example.com"}, {"event": "open", "email": "b@example.com"}]);
    assert_eq!(read(json!({"preset": "sendgrid"}), &batch).event, "open");
}

#[test]
fn what_the_filter_does_not_hold_for_is_ignored() {
    let records = read(json!({"filter": "plan == 'pro'"}), &json!([{"plan": "pro"}, {"plan": "free"}, {}]));
    let kept: Vec<bool> = records.list.iter().map(|record| matches!(record, Record::Mapped(_))).collect();
    assert_eq!(kept, [true, false, false]);
    let broken = read(json!({"filter": "plan =="}), &json!({}));
    assert!(outcomes(&broken)[0].contains("can't be evaluated"));
}

#[test]
fn the_event_of_the_log_is_the_named_one_cut_to_what_a_name_can_be() {
    let event = |payload: Value| read(json!({}), &payload).event;
    assert_eq!(event(json!({"event": "order_paid"})), "order_paid");
    assert_eq!(event(json!({})), "subscriber_added");
    assert_eq!(event(json!({"event": ""})), "subscriber_added");
    assert_eq!(event(json!({"event": []})), "subscriber_added");
    assert_eq!(event(json!({"event": 7})), "7");
    assert_eq!(event(json!([{"event": "order_paid"}, {}, {"event": "order_paid"}])), "order_paid");
    assert_eq!(event(json!([{"event": "a"}, {"event": "b"}, {"event": "a"}])), "subscriber_added");
    assert_eq!(event(json!({"event": "x".repeat(10_000)})).len(), 64);
    assert_eq!(event(json!({"event": "a\u{0}b"})), "a\u{fffd}b");
}

#[test]
fn the_names_of_a_known_sender_are_compared_only_where_the_user_says_where_they_stand() {
    let github = |more: Value| {
        let mut settings = json!({"preset": "github", "event_type": "push"});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = request(r#"{"email": "a@example.com"}"#).with("x-github-event", "issues");
        outcomes(&read_by(settings, request))
    };
    assert_eq!(github(json!({})), ["a@example.com"]);
    assert_eq!(github(json!({"event_path": "header:X-GitHub-Event"})), ["the event issues is not push"]);
    let generic = json!({"preset": "generic", "event_type": "order_paid"});
    assert_eq!(outcomes(&read(generic, &json!({"event": "other"}))), ["the event other is not order_paid"]);
}

#[test]
fn filters_see_the_event_and_the_headers() {
    let by = |filter: &str, body: &str| {
        let settings = json!({"preset": "github", "filter": filter});
        let request = request(body.to_owned()).with("x-github-event", "push").with("x-my-token", "hunter2");
        outcomes(&read_by(settings, request))[0] == "a@example.com"
    };
    let body = r#"{"email": "a@example.com"}"#;
    assert!(by("event == 'push' and headers['x-github-event'] == 'push'", body));
    assert!(!by("event == 'issues'", body) && !by("headers['x-none'] == 'push'", body));
    assert!(by("headers['x-my-token'] != 'hunter2'", body), "what is masked in the log");
    assert!(
        by("event.type == 'own'", r#"{"email": "a@example.com", "event": {"type": "own"}}"#),
        "its own comes first"
    );
    let unnamed = json!({"filter": "event == 'subscriber_added'"});
    assert_eq!(
        outcomes(&read(unnamed, &json!({"email": "a@example.com"}))),
        ["a@example.com"],
        "the webhook's"
    );
}

#[test]
fn an_event_is_known_after_the_transform_and_when_it_is_run_again() {
    let settings = json!({
        "event_type": "order_paid", "event_path": "header:X-Auth-Event", "filter": "event == 'Order.Paid'",
        "transform": "function transform(payload) { return payload }",
    });
    let request = request(r#"{"email": "a@example.com"}"#).with("x-auth-event", "Order.Paid");
    let accepted = admit_by(settings, request).unwrap();
    let (code, payload) = accepted.to_transform().unwrap();
    let done = Arc::new(Transformed { code: code.to_owned(), result: Ok(payload.clone()) });
    let outcomes_of = |accepted: Accepted| match accepted.content {
        Content::Records(records) => outcomes(&records),
        other => panic!("{other:?}"),
    };
    let row = crate::fuzz::row(&accepted);
    assert!(row.headers.contains("••••"), "{}", row.headers);
    let again = crate::receive::readmit(&accepted.incoming, &row).unwrap();
    assert_eq!(outcomes_of(accepted.transformed(&done)), ["a@example.com"]);
    assert_eq!(outcomes_of(again.transformed(&done)), ["a@example.com"]);
}
