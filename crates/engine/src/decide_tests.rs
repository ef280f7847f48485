use domain::Email;
use domain::audit::{Actor, ActorKind};
use domain::subscriber::Subscriber;
use serde_json::{Value, json};
use store::commit::Decide;

use super::*;
use crate::receive::{ByHand, resent};
use crate::testing::{Places, batch, decide, destination, request, signup, snapshot};

const ROOM: usize = 1_000;

fn admitted(snapshot: &Snapshot, body: impl Into<bytes::Bytes>) -> Item {
    keyed(snapshot, body, None)
}

fn keyed(snapshot: &Snapshot, body: impl Into<bytes::Bytes>, key: Option<&str>) -> Item {
    let mut request = request(body);
    if let Some(key) = key {
        request = request.with("idempotency-key", key);
    }
    Item::Request(Box::new(crate::receive::admit(snapshot, &Arc::new(request), crate::testing::NOW).unwrap()))
}

fn replies(decided: &Decided) -> Vec<(u16, Value)> {
    let parsed = |done: &Done| match done {
        Done::Reply(reply) => (reply.status, serde_json::from_str(&reply.body).unwrap()),
        Done::Executed(executed) => panic!("a command: {executed:?}"),
    };
    decided.done.iter().map(parsed).collect()
}

fn stored(writes: &Writes) -> Vec<Subscriber> {
    writes.subscribers.iter().filter_map(|changed| changed.after.clone()).collect()
}

fn events(writes: &Writes) -> Vec<&str> {
    writes.events.iter().map(|event| event.event_type.as_str()).collect()
}

#[test]
fn a_signup_makes_a_subscriber_events_and_their_deliveries() {
    let tagged = json!({"actions": [{"type": "add_subscriber"}, {"type": "apply_tag", "tags": ["new"]}]});
    let snapshot =
        snapshot(tagged, &[&["subscriber_added", "subscriber_tagged"], &["subscriber_tagged"], &[]]);
    let (writes, decided) = decide(&snapshot, vec![admitted(&snapshot, signup("Ada@Example.com"))], vec![]);

    let [subscriber] = &stored(&writes)[..] else { panic!("{writes:?}") };
    assert_eq!(subscriber.email.as_str(), "ada@example.com");
    assert_eq!(events(&writes), ["subscriber_added", "subscriber_tagged"]);
    let [row] = &writes.requests[..] else { panic!("{writes:?}") };
    assert_eq!((row.status, row.attempts, row.response_status), (RequestStatus::Processed, 1, 200));
    assert!(writes.events.iter().all(|event| event.request_id == Some(row.id)));

    let to: Vec<_> =
        writes.deliveries.iter().map(|d| (d.webhook_id.clone(), d.event_type.as_str())).collect();
    assert_eq!(
        to,
        [
            (destination(0), "subscriber_added"),
            (destination(0), "subscriber_tagged"),
            (destination(1), "subscriber_tagged"),
        ]
    );
    assert!(writes.deliveries.iter().all(|delivery| delivery.node.as_deref() == Some("node")));
    let jobs: Vec<_> = decided.jobs.iter().map(|job| job.id).collect();
    assert_eq!(jobs, writes.deliveries.iter().map(|delivery| delivery.id).collect::<Vec<_>>());
    let (status, body) = &replies(&decided)[0];
    assert_eq!((*status, &body["processed_records"]), (200, &json!(1)));
    assert_eq!(body["request_id"], row.id.to_string());
}

#[test]
fn what_finds_no_room_waits_in_the_table_and_places_go_back_if_the_commit_fails() {
    let snapshot = snapshot(json!({}), &[&["subscriber_added"]]);
    let items = (0..5).map(|i| admitted(&snapshot, signup(&format!("a{i}@example.com")))).collect();
    let (batch, places): (_, Arc<Places>) = batch(&snapshot, items, 3);
    let found = Found { free_ids: (100..105).map(domain::SubscriberId).collect(), ..Found::default() };
    let (writes, decided) = batch.decide(found).unwrap();
    assert_eq!((decided.jobs.len(), &decided.spilled[..]), (3, &[destination(0)][..]));
    let leased: Vec<bool> = writes.deliveries.iter().map(|delivery| delivery.node.is_some()).collect();
    assert_eq!(leased, [true, true, true, false, false]);

    drop(decided);
    assert_eq!(*places.given_back.lock(), [(destination(0), 3)]);
}

#[test]
fn a_repeated_request_is_answered_as_the_first_was_and_does_nothing() {
    let snapshot = snapshot(json!({}), &[&["subscriber_added"]]);
    let same = || keyed(&snapshot, signup("ada@example.com"), Some("order-7"));
    // In one batch.
    let (writes, decided) = decide(&snapshot, vec![same(), same()], vec![]);
    assert_eq!((writes.requests.len(), writes.events.len(), writes.deliveries.len()), (1, 1, 1));
    let [(200, first), (200, again)] = &replies(&decided)[..] else { panic!("{:?}", decided.done) };
    let mut marked = first.clone();
    marked["duplicate"] = true.into();
    assert_eq!(*again, marked);

    // In a later one.
    let (batch, _) = batch(&snapshot, vec![same()], ROOM);
    let dedupe = writes.dedupe.into_iter().map(|(key, answer)| (key, answer.answer)).collect();
    let (writes, decided) = batch.decide(Found { dedupe, ..Found::default() }).unwrap();
    assert_eq!(replies(&decided), [(200, marked)]);
    assert!(writes.requests.is_empty() && writes.events.is_empty() && writes.subscribers.is_empty());
}

#[test]
fn a_request_is_recognised_as_long_as_the_webhook_says() {
    let snapshot = snapshot(json!({"dedupe": {"key": "id", "window_seconds": 60}}), &[]);
    let item = |id: u32| admitted(&snapshot, json!({"id": id, "email": "ada@example.com"}).to_string());
    let (writes, decided) = decide(&snapshot, vec![item(7), item(7), item(8)], vec![]);
    let duplicates: Vec<bool> = replies(&decided).iter().map(|(_, body)| body["duplicate"] == true).collect();
    assert_eq!(duplicates, [false, true, false]);
    let names: Vec<_> =
        writes.dedupe.iter().map(|(key, answer)| (key.key.as_str(), answer.expires_at)).collect();
    let end = crate::testing::NOW.plus_millis(60_000);
    assert_eq!(names, [("payload:7", end), ("payload:8", end)]);
}

#[test]
fn while_a_webhook_is_paused_its_requests_are_stored() {
    let paused = snapshot(json!({"status": "paused"}), &[&["subscriber_added"]]);
    let same = || keyed(&paused, signup("ada@example.com"), Some("order-7"));
    let (writes, decided) = decide(&paused, vec![same(), same()], vec![]);
    let [(202, first), (202, again)] = &replies(&decided)[..] else { panic!("{:?}", decided.done) };
    assert_eq!((&first["processed_records"], &again["duplicate"]), (&json!(0), &json!(true)));
    assert!(stored(&writes).is_empty() && writes.events.is_empty());
    let [row] = &writes.requests[..] else { panic!("{writes:?}") };
    assert_eq!((row.status, row.attempts), (RequestStatus::Accepted, 0));

    let active = snapshot(json!({}), &[&["subscriber_added"]]);
    let rerun = Item::Command(Box::new(Command::Rerun(Box::new(Rerun::all(row.clone())))));
    let (writes, decided) = decide(&active, vec![rerun], vec![]);
    let [Done::Executed(executed)] = &decided.done[..] else { panic!("{:?}", decided.done) };
    assert!(matches!(&**executed, Executed::Rerun(row) if row.attempts == 1));
    assert_eq!(
        (writes.retried[0].status, events(&writes)),
        (RequestStatus::Processed, vec!["subscriber_added"])
    );
}

#[test]
fn two_requests_about_one_address_make_one_subscriber() {
    let snapshot = snapshot(json!({}), &[&["subscriber_added", "subscriber_updated"]]);
    let item = |first_name: &str| {
        let data = json!({"email": "ada@example.com", "first_name": first_name});
        admitted(&snapshot, json!({"data": data}).to_string())
    };
    let (writes, _) = decide(&snapshot, vec![item("Ada"), item("Augusta"), item("Augusta")], vec![]);
    let [subscriber] = &stored(&writes)[..] else { panic!("{writes:?}") };
    assert_eq!(subscriber.first_name.as_deref(), Some("Augusta"));
    assert_eq!(events(&writes), ["subscriber_added", "subscriber_updated"], "the third changed nothing");
    assert_eq!(writes.requests.len(), 3);
}

#[test]
fn without_an_address_a_request_is_refused_or_kept_for_later() {
    let body = || json!({"data": {"email": "nobody"}}).to_string();
    let refusing = snapshot(json!({}), &[]);
    let (writes, decided) = decide(&refusing, vec![keyed(&refusing, body(), Some("k"))], vec![]);
    let [(422, answer)] = &replies(&decided)[..] else { panic!("{:?}", decided.done) };
    assert_eq!((&answer["success"], &answer["errors"][0]["field"]), (&json!(false), &json!("email")));
    assert_eq!(writes.requests[0].status, RequestStatus::Failed, "it is in the log, to be retried");
    assert!(writes.dedupe.is_empty(), "sent again it is tried again");

    let keeping = snapshot(json!({"on_unprocessable": "accept"}), &[]);
    let (writes, decided) = decide(&keeping, vec![admitted(&keeping, body())], vec![]);
    assert_eq!(replies(&decided)[0].0, 202);
    assert_eq!(writes.requests[0].status, RequestStatus::Failed);
}

#[test]
fn of_an_array_the_right_records_are_taken_and_the_wrong_named() {
    let snapshot = snapshot(json!({}), &[]);
    let body = json!([
        {"email": "ada@example.com"},
        {"email": "nobody"},
        {"event": "order_paid", "email": "grace@example.com"},
    ]);
    let (writes, decided) = decide(&snapshot, vec![admitted(&snapshot, body.to_string())], vec![]);
    let (status, answer) = &replies(&decided)[0];
    assert_eq!((*status, &answer["processed_records"]), (200, &json!(1)));
    assert_eq!(stored(&writes).iter().map(|s| s.email.as_str()).collect::<Vec<_>>(), ["ada@example.com"]);
    let outcome: Value = serde_json::from_str(&writes.requests[0].outcome).unwrap();
    assert_eq!(outcome["errors"][0]["field"], "1.email");
}

#[test]
fn another_event_is_logged_and_ignored() {
    let snapshot = snapshot(json!({}), &[]);
    let body = json!({"event": "order_paid", "data": {"email": "ada@example.com"}}).to_string();
    let (writes, decided) = decide(&snapshot, vec![admitted(&snapshot, body)], vec![]);
    let (status, answer) = &replies(&decided)[0];
    assert_eq!((*status, &answer["processed_records"]), (200, &json!(0)));
    assert_eq!(writes.requests[0].status, RequestStatus::Ignored);
    assert!(stored(&writes).is_empty());
}

#[test]
fn addresses_are_loaded_in_one_order() {
    let snapshot = snapshot(json!({}), &[]);
    let items =
        ["c@example.com", "a@example.com", "C@example.com"].map(|email| admitted(&snapshot, signup(email)));
    let (batch, _) = batch(&snapshot, items.into(), ROOM);
    let emails: Vec<String> = batch.needs().emails.iter().map(Email::to_string).collect();
    assert_eq!(emails, ["a@example.com", "c@example.com"]);
}

#[test]
fn what_happens_is_told_to_those_who_listen_and_costs_nothing_otherwise() {
    let snapshot = snapshot(json!({"actions": [{"type": "add_subscriber"}]}), &[]);
    let told = |listens: bool| {
        let (batch, _) = batch(&snapshot, vec![admitted(&snapshot, signup("ada@example.com"))], ROOM);
        let listener = listens.then(|| batch.shared.feed.listen().unwrap());
        let found = Found { free_ids: vec![domain::SubscriberId(1)], ..Found::default() };
        let (_, decided) = batch.decide(found).unwrap();
        drop(listener);
        decided.told.len()
    };
    assert_eq!((told(false), told(true)), (0, 2), "a request and its event");
}

#[test]
fn who_takes_a_request_in_again_is_told_with_the_new_one() {
    let snapshot = snapshot(json!({}), &[]);
    let Item::Request(first) = admitted(&snapshot, signup("ada@example.com")) else { panic!("refused") };
    let row = crate::fuzz::row(&first);
    let (first, actor) = (row.id, Actor::here(ActorKind::CommandLine));
    let again = resent(&snapshot, &Arc::new(ByHand { row, actor: actor.clone() })).unwrap();
    let (writes, _) = decide(&snapshot, vec![Item::Request(Box::new(again))], vec![]);
    let ([made], [told]) = (&writes.requests[..], &writes.audit[..]) else { panic!("{writes:?}") };
    assert_eq!((made.resent_from, told.action()), (Some(first), "request.resent".to_owned()));
    assert_eq!((&told.actor, told.act.target.id.clone()), (&actor, Some(first.to_string())));
    assert_eq!(told.act.changes[0].new, json!(made.id));
    let (writes, _) = decide(&snapshot, vec![admitted(&snapshot, signup("ada@example.com"))], vec![]);
    assert!(writes.audit.is_empty(), "what a sender sends is no act of anybody's");
}
