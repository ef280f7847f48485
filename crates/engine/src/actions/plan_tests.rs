//! Requests through their actions, run by run, as a batch decides them.

use std::sync::Arc;

use domain::log::{ActionLog, ActionStatus, Outcome, Place, RequestStatus};
use domain::{Subscriber, Timestamp};
use serde_json::{Value, json};
use store::commit::{RequestRow, Writes};

use crate::command::Command;
use crate::item::Item;
use crate::receive::{Accepted, admit};
use crate::rerun::{JobRun, Rerun};
use crate::snapshot::Snapshot;
use crate::testing::{NOW, decide, request, snapshot};

fn with(actions: Value) -> Arc<Snapshot> {
    snapshot(json!({"actions": actions}), &[])
}

/// A first run: what it writes.
fn first(snapshot: &Arc<Snapshot>, body: Value) -> Writes {
    let accepted: Accepted = admit(snapshot, &Arc::new(request(body.to_string())), NOW).unwrap();
    decide(snapshot, vec![Item::Request(Box::new(accepted))], vec![]).0
}

/// The next run of its job, in which actions ended like this.
fn next(snapshot: &Arc<Snapshot>, row: &RequestRow, job: JobRun, ended: Vec<ActionLog>) -> Writes {
    next_of(snapshot, row, job, ended, vec![])
}

/// The same, where these subscribers are stored.
fn next_of(
    snapshot: &Arc<Snapshot>,
    row: &RequestRow,
    job: JobRun,
    ended: Vec<ActionLog>,
    stored: Vec<Subscriber>,
) -> Writes {
    let mut rerun = Rerun::job(row.clone(), job);
    for log in ended {
        rerun.came_back(log, 0);
    }
    decide(snapshot, vec![Item::Command(Box::new(Command::Rerun(Box::new(rerun))))], stored).0
}

const JOB: JobRun = JobRun { failures: 0, first_attempt_at: NOW, wait: 0, not_before: None };

fn log(action: &str, step: u32, status: ActionStatus, output: Option<Value>, passing: bool) -> ActionLog {
    let (place, detail) = (Place { step, ..Place::default() }, "so it was".to_owned());
    ActionLog { action: action.into(), place, status, detail, duration_ms: 1, output, passing }
}

fn answered(step: u32, body: Value) -> ActionLog {
    log("call_api", step, ActionStatus::Done, Some(json!({"status": 200, "body": body})), false)
}

fn outcome(row: &RequestRow) -> Outcome {
    serde_json::from_str(&row.outcome).unwrap()
}

/// Place and status of each action.
fn ends(row: &RequestRow) -> Vec<(u32, u32, ActionStatus)> {
    outcome(row).actions.iter().map(|log| (log.place.record, log.place.step, log.status)).collect()
}

fn changed(writes: &Writes) -> Vec<Subscriber> {
    writes.subscribers.iter().filter_map(|change| change.after.clone()).collect()
}

fn ada() -> Value {
    json!({"data": {"email": "ada@example.com", "plan": "pro"}})
}

use ActionStatus::{Done, Failed, Pending, Skipped};

#[test]
fn a_request_stops_where_it_has_to_leave_and_a_job_goes_on() {
    let snapshot = with(json!([
        {"type": "add_subscriber"},
        {"type": "call_api", "name": "crm", "url": "https://a.b/", "save_response": [{"to": "company", "from": "body.company"}]},
        {"type": "apply_tag", "tags": ["big"], "when": "responses.crm.body.seats > 5 and response.status == 200"},
        {"type": "apply_tag", "tags": ["small"], "when": "responses.crm.body.seats <= 5"},
    ]));
    let writes = first(&snapshot, ada());
    let [row] = &writes.requests[..] else { panic!("{writes:?}") };
    assert_eq!((row.status, row.response_status), (RequestStatus::Accepted, 202));
    assert_eq!(ends(row), [(0, 0, Done), (0, 1, Pending)]);
    let [job] = &writes.jobs[..] else { panic!("{writes:?}") };
    assert_eq!((job.request_id, job.due_at, job.failures), (row.id, NOW, 0));

    let answer = answered(1, json!({"company": "Acme", "seats": 7}));
    let writes = next_of(&snapshot, row, JOB, vec![answer], changed(&writes));
    let subscriber = &changed(&writes)[0];
    assert_eq!((subscriber.company.as_deref(), subscriber.tags.len()), (Some("Acme"), 1));
    let [row] = &writes.retried[..] else { panic!("{writes:?}") };
    assert_eq!((row.status, row.response_status, row.attempts), (RequestStatus::Processed, 202, 2));
    assert_eq!(ends(row), [(0, 0, Done), (0, 1, Done), (0, 2, Done), (0, 3, Skipped)]);
    assert!(writes.jobs.is_empty());
    assert_eq!(writes.ended_jobs, [row.id]);
}

#[test]
fn no_sender_passes_off_an_answer_of_its_own() {
    let snapshot = with(json!([
        {"type": "apply_tag", "tags": ["a"], "when": "responses.crm or response"},
        {"type": "publish_event", "event_type": "seen", "data": {"response": "{response}", "mail": "{mapped.email}"}},
    ]));
    let mut body = ada();
    body["responses"] = json!({"crm": 1});
    body["response"] = json!({"status": 200});
    body["mapped"] = json!({"email": "eve@example.com"});
    let writes = first(&snapshot, body);
    assert_eq!(ends(&writes.requests[0]), [(0, 0, Skipped), (0, 1, Done)]);
    assert_eq!(&*writes.events[0].data, r#"{"response":null,"mail":"ada@example.com"}"#);
}

#[test]
fn what_may_pass_is_run_again_by_the_schedule_and_then_it_has_failed() {
    let snapshot = with(json!([{"type": "call_api", "url": "https://a.b/"}, {"type": "add_subscriber"}]));
    let mut row = first(&snapshot, ada()).requests.remove(0);
    let mut failures = 0;
    for due_in in [300..=330, 1_800..=1_950, 6_660..=7_200] {
        let down = log("call_api", 0, Failed, None, true);
        let writes = next(&snapshot, &row, JobRun { failures, ..JOB }, vec![down]);
        row = writes.retried[0].clone();
        let [job] = &writes.jobs[..] else { panic!("{writes:?}") };
        assert_eq!(row.status, RequestStatus::Retrying);
        let waits = (job.due_at.millis() - NOW.millis()) / 1_000;
        assert!(due_in.contains(&waits), "{waits} is not in {due_in:?}");
        assert_eq!((job.first_attempt_at, job.failures), (Some(NOW), failures + 1));
        failures = job.failures;
    }
    let writes =
        next(&snapshot, &row, JobRun { failures, ..JOB }, vec![log("call_api", 0, Failed, None, true)]);
    assert_eq!((writes.retried[0].status, writes.jobs.len()), (RequestStatus::Failed, 0));
    assert_eq!((&writes.ended_jobs[..], writes.retried[0].attempts), (&[row.id][..], 5));
    assert!(changed(&writes).is_empty());
}

#[test]
fn what_does_not_pass_is_not_run_again_by_itself_but_by_hand() {
    let snapshot = with(json!([
        {"type": "call_api", "url": "https://a.b/", "on_error": "continue"},
        {"type": "call_api", "url": "https://c.d/"},
    ]));
    let row = first(&snapshot, ada()).requests.remove(0);
    let ended = vec![log("call_api", 0, Failed, None, false), log("call_api", 1, Failed, None, true)];
    let writes = next(&snapshot, &row, JOB, ended);
    let row = writes.retried[0].clone();
    assert_eq!(row.status, RequestStatus::Retrying);

    let writes = next(&snapshot, &row, JobRun { failures: 1, ..JOB }, vec![answered(1, json!(null))]);
    assert_eq!(ends(&writes.retried[0]), [(0, 0, Failed), (0, 1, Done)], "the first is left as it is");
    assert_eq!(writes.retried[0].status, RequestStatus::Processed);
    assert_eq!(outcome(&writes.retried[0]).warnings, ["call_api: so it was"]);

    let by_hand = Item::Command(Box::new(Command::Rerun(Box::new(Rerun::rest(writes.retried[0].clone())))));
    let (writes, _) = decide(&snapshot, vec![by_hand], vec![]);
    assert_eq!(ends(&writes.retried[0]), [(0, 0, Pending)], "the first is done again, before all behind it");
    assert_eq!(writes.jobs.len(), 1);
}

#[test]
fn a_script_without_a_place_waits_and_has_not_failed() {
    let snapshot = with(json!([{"type": "custom_code", "code": "function handle() {}"}]));
    let row = first(&snapshot, ada()).requests.remove(0);
    let soon = NOW.plus_millis(2_000);
    let writes = next(&snapshot, &row, JobRun { not_before: Some(soon), ..JOB }, vec![]);
    assert_eq!(writes.retried[0].status, RequestStatus::Accepted);
    assert_eq!((writes.jobs[0].due_at, writes.jobs[0].failures), (soon, 0));
}

#[test]
fn what_came_before_is_in_no_later_run() {
    let actions = json!([{"type": "call_api", "url": "https://a.b/"}, {"type": "add_subscriber"}]);
    let snapshot = snapshot(json!({"actions": actions, "dedupe": {"key": "id"}}), &[]);
    let of = |id: u8| json!({"id": id, "email": format!("r{id}@example.com")});
    let row = first(&snapshot, json!([of(1), of(1), of(2)])).requests.remove(0);
    assert_eq!(ends(&row), [(0, 0, Pending), (2, 0, Pending)]);
    let answered = |record| {
        let place = Place { record, ..Place::default() };
        ActionLog { place, ..answered(0, json!(null)) }
    };
    let writes = next(&snapshot, &row, JOB, vec![answered(0), answered(2)]);
    assert_eq!(changed(&writes).len(), 2);
    assert_eq!(outcome(&writes.retried[0]).duplicates, outcome(&row).duplicates);
}

#[test]
fn each_record_goes_its_own_way() {
    let snapshot = with(json!([
        {"type": "add_subscriber", "when": "data.plan != 'free'"},
        {"type": "call_api", "url": "https://a.b/", "when": "data.plan == 'pro'"},
        {"type": "apply_tag", "tags": ["done"]},
    ]));
    let of = |name: &str, plan: &str| json!({"data": {"email": format!("{name}@example.com"), "plan": plan}});
    let writes = first(&snapshot, json!([of("ada", "pro"), of("eve", "free"), {"data": {"plan": "basic"}}]));
    let row = &writes.requests[0];
    assert_eq!(row.status, RequestStatus::Accepted);
    assert_eq!(ends(row), [(0, 0, Done), (0, 1, Pending), (1, 0, Skipped), (1, 1, Skipped), (1, 2, Skipped)]);
    assert_eq!(outcome(row).errors[0].field, "2.email");
    let writes = next(&snapshot, row, JOB, vec![answered(1, json!({}))]);
    assert_eq!(writes.retried[0].status, RequestStatus::Failed, "one record still has no email");
    assert_eq!(ends(&writes.retried[0])[..3], [(0, 0, Done), (0, 1, Done), (0, 2, Skipped)]);
}

#[test]
fn a_script_changes_what_is_behind_it() {
    let snapshot = with(json!([
        {"type": "custom_code", "code": "function handle() {}"},
        {"type": "add_subscriber", "when": "data.plan == 'gold'"},
    ]));
    let row = first(&snapshot, json!({"data": {"plan": "pro"}})).requests.remove(0);
    assert_eq!(ends(&row), [(0, 0, Pending)], "no email is needed yet");
    let returned = json!({"payload": {"data": {"email": "grace@example.com", "plan": "gold"}},
                          "actions": [{"type": "publish_event", "event_type": "scripted", "data": {"as it": "{is}"}}]});
    let log = log("custom_code", 0, Done, Some(returned), false);
    let writes = next(&snapshot, &row, JOB, vec![log]);
    assert_eq!(ends(&writes.retried[0]), [(0, 0, Done), (0, 0, Done), (0, 1, Done)]);
    assert_eq!(changed(&writes)[0].email.as_str(), "grace@example.com");
    let event = writes.events.iter().find(|event| event.event_type.as_str() == "scripted").unwrap();
    assert_eq!(&*event.data, r#"{"as it":"{is}"}"#);
}

#[test]
fn what_the_other_side_asked_for_puts_a_retry_off() {
    let snapshot = with(json!([{"type": "call_api", "url": "https://a.b/"}]));
    let row = first(&snapshot, ada()).requests.remove(0);
    let mut rerun = Rerun::job(row, JOB);
    rerun.came_back(log("call_api", 0, Failed, None, true), 900);
    let (writes, _) =
        decide(&snapshot, vec![Item::Command(Box::new(Command::Rerun(Box::new(rerun))))], vec![]);
    assert_eq!(writes.jobs[0].due_at, Timestamp::from_millis(NOW.millis() + 900_000));
}
