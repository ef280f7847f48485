use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::subscriber::TextField;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn email() -> Email {
    "ada@example.com".parse().unwrap()
}

fn ada(status: Status) -> Subscriber {
    let mut ada = Subscriber::new(SubscriberId(7), email(), status, Timestamp::from_millis(0));
    ada.first_name = Some("Ada".into());
    ada.tags.insert("old".into());
    ada
}

fn fields(first_name: &str, status: Option<Status>) -> Fields {
    Fields {
        email: Some(email()),
        texts: vec![(TextField::FirstName, Some(first_name.into()))],
        custom_fields: vec![("plan".into(), Some(json!("pro")))],
        status,
        list: None,
    }
}

fn actions(json: serde_json::Value) -> Vec<Action> {
    serde_json::from_value(json).unwrap()
}

fn tasks(actions: &[Action]) -> Vec<Task<'_>> {
    let task = |(step, action): (usize, _)| Task {
        place: Place { step: step as u32, ..Place::default() },
        name: "action",
        on_error: OnError::Stop,
        what: What::Change(Cow::Borrowed(action)),
    };
    actions.iter().enumerate().map(task).collect()
}

fn run(existing: Option<Subscriber>, actions: &[Action], fields: &Fields) -> (Applied, Option<Subscriber>) {
    let mut roster = Roster::new(existing.into_iter().collect(), vec![SubscriberId(9)]);
    let lists = [ListId(1), ListId(2)].into();
    let applied = apply(&mut roster, &lists, tasks(actions), Some(&email()), fields, NOW).unwrap();
    let after = roster.find(&email()).map(|subscriber| Subscriber::clone(subscriber));
    (applied, after)
}

fn names(applied: &Applied) -> Vec<&str> {
    applied.events.iter().map(|event| event.event_type.as_str()).collect()
}

#[test]
fn adds_a_new_subscriber_with_lists_and_tags() {
    let actions = actions(
        json!([{"type": "add_subscriber", "lists": [1], "tags": ["web"]}, {"type": "apply_tag", "tags": ["vip"]}]),
    );
    let (applied, after) = run(None, &actions, &fields("Ada", None));
    let after = after.unwrap();
    assert_eq!(
        (after.id, after.status, after.first_name.as_deref()),
        (SubscriberId(9), Status::Subscribed, Some("Ada"))
    );
    assert_eq!(after.tags.iter().collect::<Vec<_>>(), ["vip", "web"]);
    assert_eq!(after.lists.keys().collect::<Vec<_>>(), [&ListId(1)]);
    assert_eq!(names(&applied), ["subscriber_added", "subscriber_tagged", "subscriber_tagged"]);
    assert_eq!(applied.actions.len(), 2);
}

#[test]
fn an_existing_one_is_updated_unless_told_otherwise() {
    let (applied, after) = run(
        Some(ada(Status::Subscribed)),
        &actions(json!([{"type": "add_subscriber"}])),
        &fields("Grace", None),
    );
    assert_eq!(after.unwrap().first_name.as_deref(), Some("Grace"));
    assert_eq!(names(&applied), ["subscriber_updated"]);
    let keep = actions(json!([{"type": "add_subscriber", "update_existing": false}]));
    let (applied, after) = run(Some(ada(Status::Subscribed)), &keep, &fields("Grace", None));
    assert_eq!(after.unwrap().first_name.as_deref(), Some("Ada"));
    assert_eq!(names(&applied), Vec::<&str>::new());
}

#[test]
fn the_same_again_changes_nothing_and_tells_nothing() {
    let actions = actions(json!([{"type": "add_subscriber", "lists": [1], "tags": ["web"]}]));
    let (_, after) = run(None, &actions, &fields("Ada", None));
    let (applied, again) = run(after.clone(), &actions, &fields("Ada", None));
    assert_eq!(again, after);
    assert!(applied.events.is_empty());
}

#[test]
fn only_an_explicit_status_brings_back_who_opted_out() {
    for gone in [Status::Unsubscribed, Status::Bounced, Status::Complained, Status::AdminUnsubscribed] {
        let wanted = fields("Ada", Some(Status::Subscribed));
        let silent = actions(
            json!([{"type": "add_subscriber", "lists": [1]}, {"type": "add_to_list", "list_id": 2}, {"type": "update_subscriber"}]),
        );
        let (applied, after) = run(Some(ada(gone)), &silent, &wanted);
        assert_eq!(after.unwrap().status, gone);
        assert_eq!(applied.warnings.len(), 1);
        for explicit in [
            json!([{"type": "add_subscriber", "status": "subscribed"}]),
            json!([{"type": "change_status", "status": "subscribed"}]),
        ] {
            let (applied, after) = run(Some(ada(gone)), &actions(explicit), &wanted);
            assert_eq!(after.unwrap().status, Status::Subscribed);
            assert!(names(&applied).contains(&"subscriber_status_changed"));
        }
    }
}

#[test]
fn the_datas_status_can_unsubscribe() {
    let (applied, after) = run(
        Some(ada(Status::Subscribed)),
        &actions(json!([{"type": "update_subscriber"}])),
        &fields("Ada", Some(Status::Unsubscribed)),
    );
    assert_eq!(after.unwrap().status, Status::Unsubscribed);
    assert!(names(&applied).contains(&"subscriber_status_changed"));
}

#[test]
fn without_a_subscriber_there_is_nothing_to_change() {
    let all = json!([{"type": "update_subscriber"}, {"type": "add_to_list", "list_id": 1}, {"type": "remove_from_list", "list_id": 1},
        {"type": "apply_tag", "tags": ["a"]}, {"type": "remove_tag", "tags": ["a"]}, {"type": "change_status", "status": "bounced"}]);
    let (applied, after) = run(None, &actions(all), &fields("Ada", None));
    assert!(after.is_none() && applied.events.is_empty() && !applied.failed);
    assert!(applied.actions.iter().all(|action| action.status == ActionStatus::Skipped));
    let create = actions(
        json!([{"type": "update_subscriber", "create_if_missing": true, "add_tags": ["a", "b"], "remove_tags": ["b"]}]),
    );
    let (applied, after) = run(None, &create, &fields("Ada", None));
    assert_eq!(after.unwrap().tags.into_iter().collect::<Vec<_>>(), ["a"]);
    assert_eq!(names(&applied), ["subscriber_added", "subscriber_tagged"]);
}

#[test]
fn a_list_that_is_gone_fails_the_action_and_stops_those_behind() {
    let stopped = actions(
        json!([{"type": "apply_tag", "tags": ["a"]}, {"type": "add_to_list", "list_id": 99}, {"type": "apply_tag", "tags": ["b"]}]),
    );
    let (applied, after) = run(Some(ada(Status::Subscribed)), &stopped, &fields("Ada", None));
    assert!(applied.failed);
    assert_eq!(applied.actions.len(), 2);
    assert_eq!(after.unwrap().tags.into_iter().collect::<Vec<_>>(), ["a", "old"]);
    let mut of_data = fields("Ada", None);
    of_data.list = Some(ListId(99));
    let (applied, _) = run(None, &actions(json!([{"type": "add_subscriber"}])), &of_data);
    assert_eq!((applied.failed, applied.warnings.len()), (false, 1));
}

#[test]
fn leaving_a_list_may_unsubscribe() {
    let mut member = ada(Status::Subscribed);
    member.lists.insert(ListId(1), MemberStatus::Subscribed);
    let (_, after) = run(
        Some(member.clone()),
        &actions(json!([{"type": "remove_from_list", "list_id": 1}])),
        &fields("Ada", None),
    );
    let after = after.unwrap();
    assert_eq!((after.lists.len(), after.status), (0, Status::Subscribed));
    let (_, after) = run(
        Some(member),
        &actions(json!([{"type": "remove_from_list", "list_id": 1, "unsubscribe": true}])),
        &fields("Ada", None),
    );
    assert_eq!(after.unwrap().status, Status::Unsubscribed);
}

proptest! {
    #[test]
    fn prop_events_are_told_exactly_when_something_changed(
        tags in proptest::collection::vec("[ab]", 0..4), list in 1_i64..3, first_name in "[xy]", exists: bool, remove: bool,
    ) {
        let tag_action = if remove { "remove_tag" } else { "apply_tag" };
        let actions = actions(json!([{"type": "add_subscriber"}, {"type": "add_to_list", "list_id": list}, {"type": tag_action, "tags": tags}]));
        let before = exists.then(|| ada(Status::Subscribed));
        let (applied, after) = run(before.clone(), &actions, &fields(&first_name, None));
        prop_assert_eq!(applied.events.is_empty(), before == after);
        let (again, unchanged) = run(after.clone(), &actions, &fields(&first_name, None));
        prop_assert!(again.events.is_empty());
        prop_assert_eq!(unchanged, after);
    }
}
