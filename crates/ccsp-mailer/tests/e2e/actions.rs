//! Actions that leave the process: calls and scripts, their order, their failures, and what survives a kill.

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use testkit::receiver::{Answer, Reply, always, fail_first};
use testkit::{Receiver, eventually};

use crate::load::SETTLING;
use crate::support::{Kind, PATIENCE, Server, World, text};

on_both_databases!(
    a_call_a_script_and_an_event_in_order,
    a_call_by_any_method,
    what_passes_is_retried_and_what_was_done_is_not_done_again,
    what_does_not_pass_is_not_retried,
    on_error_says_what_follows,
    a_kill_in_a_call_repeats_it_under_the_same_key,
    a_transform_comes_before_the_mapping,
    redacted_values_reach_jobs_and_no_log,
);

/// What a sender posts.
fn signup(email: &str) -> String {
    json!({"event": "subscriber_added", "data": {"email": email, "first_name": "Ada", "plan": "pro", "n": 3}})
        .to_string()
}

/// Posts, and gives the id of the request.
async fn post(server: &Server, webhook: &Value, email: &str, status: StatusCode) -> String {
    let answer = server.receive(webhook, &[], &signup(email)).await.expect(status).unwrap();
    text(&answer["request_id"]).to_owned()
}

/// The entry of the log, once it has this status.
async fn ended(server: &Server, id: &str, status: &str) -> Value {
    let path = format!("/requests/{id}");
    eventually("the request to end", SETTLING, async || {
        let entry = server.show(&path).await;
        assert!(
            entry["status"] == status || entry["status"] == "accepted" || status != "processed",
            "{entry}"
        );
        (entry["status"] == status).then_some(entry)
    })
    .await
    .unwrap()
}

/// Type and status of each action.
fn outcomes(entry: &Value) -> Vec<(&str, &str)> {
    entry["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| (text(&log["type"]), text(&log["status"])))
        .collect()
}

fn json_answer(body: &Value) -> Answer {
    Answer::ok().body(body.to_string())
}

async fn a_call_a_script_and_an_event_in_order(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/crm/ada%40example.com", always(json_answer(&json!({"id": 77, "score": "9"}))));
    let url = receiver.url("/crm/{mapped.email}");
    let code = "function handle(payload, context) { \
        payload.data.first_name = 'Ada ' + context.responses.crm.body.id; \
        return { payload, actions: [{ type: 'update_subscriber' }, { type: 'apply_tag', tags: ['scripted'] }] } }";
    let webhook = server
        .incoming(json!({"actions": [
            {"type": "add_subscriber", "tags": ["web"]},
            {"type": "apply_tag", "tags": ["vip"], "when": "data.plan == 'pro'"},
            {"type": "apply_tag", "tags": ["free"], "when": "data.plan == 'free'"},
            {"type": "call_api", "name": "crm", "url": url, "headers": {"Authorization": "Bearer sekret-1234", "X-Plan": "{data.plan}"},
             "body": {"n": "{data.n}", "text": "number {data.n}", "none": "{data.none}"},
             "save_response": [{"to": "custom_field.crm_id", "from": "body.id"}]},
            {"type": "custom_code", "code": code},
            {"type": "publish_event", "event_type": "lead_scored", "data": {"score": "{responses.crm.body.score}", "of": "{mapped.first_name}"}},
        ]}))
        .await;
    let shown = webhook.to_string();
    assert!(!shown.contains("sekret") && shown.contains("••••1234"), "{shown}");

    let id = post(&server, &webhook, "ada@example.com", StatusCode::ACCEPTED).await;
    let entry = ended(&server, &id, "processed").await;
    assert_eq!(
        outcomes(&entry),
        [
            ("add_subscriber", "done"),
            ("apply_tag", "done"),
            ("apply_tag", "skipped"),
            ("call_api", "done"),
            ("custom_code", "done"),
            ("update_subscriber", "done"),
            ("apply_tag", "done"),
            ("publish_event", "done"),
        ]
    );
    assert_eq!(entry["actions"][3]["output"], json!({"status": 200, "body": {"id": 77, "score": "9"}}));
    assert_eq!(entry["response"]["status"], 202, "what the sender was told");
    let [call] = &receiver.requests()[..] else { panic!("{:?}", receiver.requests()) };
    assert_eq!(call.json().unwrap(), json!({"n": 3, "text": "number 3", "none": null}));
    assert_eq!(
        (call.header("authorization"), call.header("x-plan")),
        (Some("Bearer sekret-1234"), Some("pro"))
    );
    let ada = server.subscriber("ada@example.com").await.unwrap();
    assert_eq!((&ada["first_name"], &ada["custom_fields"]), (&json!("Ada 77"), &json!({"crm_id": 77})));
    assert_eq!(ada["tags"], json!(["scripted", "vip", "web"]));
    let events = server.list("/events?event_type=lead_scored").await;
    assert_eq!(events[0]["data"], json!({"score": "9", "of": "Ada 77"}));
    assert!(entry["events"].as_array().unwrap().contains(&events[0]["id"]), "{entry}");
    assert!(!server.program.log().contains("sekret"), "no secret in the log");
}

async fn a_call_by_any_method(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
    let call = |method| json!({"type": "call_api", "method": method, "url": receiver.url("/any")});
    let webhook = server.incoming(json!({"actions": methods.map(call)})).await;
    let id = post(&server, &webhook, "ada@example.com", StatusCode::ACCEPTED).await;
    let entry = ended(&server, &id, "processed").await;
    assert_eq!(outcomes(&entry), [("call_api", "done"); 7]);
    let called = receiver.requests().iter().map(|request| request.method.to_string()).collect::<Vec<_>>();
    assert_eq!(called, methods);
}

async fn what_passes_is_retried_and_what_was_done_is_not_done_again(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/second", fail_first(1, StatusCode::SERVICE_UNAVAILABLE));
    let webhook = server
        .incoming(json!({"actions": [
            {"type": "publish_event", "event_type": "came_in"},
            {"type": "call_api", "url": receiver.url("/first")},
            {"type": "call_api", "url": receiver.url("/second")},
            {"type": "add_subscriber"},
        ]}))
        .await;
    let id = post(&server, &webhook, "ada@example.com", StatusCode::ACCEPTED).await;
    let entry = ended(&server, &id, "retrying").await;
    let expected = [("publish_event", "done"), ("call_api", "done"), ("call_api", "failed")];
    assert_eq!(outcomes(&entry), expected);
    assert_eq!(
        (&entry["actions"][2]["passing"], &entry["errors"][0]["message"]),
        (&json!(true), &json!("answered 503"))
    );
    assert!(server.subscriber("ada@example.com").await.is_none());
    assert_eq!(entry["attempts"], 1, "however often an action came back");
    let moment = |name: &str| text(&entry[name]).parse::<jiff::Timestamp>().unwrap().as_second();
    let wait = moment("next_attempt_at") - moment("received_at");
    assert!((240..=420).contains(&wait), "five minutes after the first attempt: {wait} s");
    let listed = server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await;
    assert_eq!(listed[0]["next_attempt_at"], entry["next_attempt_at"]);

    let retried = server.post(&format!("/requests/{id}/retry"), &json!({})).await.unwrap();
    assert_eq!(retried.expect(StatusCode::OK).unwrap()["status"], "accepted");
    let entry = ended(&server, &id, "processed").await;
    assert_eq!(outcomes(&entry).last(), Some(&("add_subscriber", "done")));
    assert_eq!((&entry["attempts"], &entry["next_attempt_at"]), (&json!(2), &Value::Null));
    let paths: Vec<_> = receiver.requests().iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(paths, ["/first", "/second", "/second"]);
    let keys: Vec<_> =
        receiver.requests().iter().map(|r| r.header("idempotency-key").unwrap().to_owned()).collect();
    assert!(keys[1] == keys[2] && keys[0] != keys[1], "{keys:?}");
    assert_eq!(server.list("/events?event_type=came_in").await.len(), 1);

    // Asked for all, all of it is done again.
    server
        .post(&format!("/requests/{id}/retry?all=true"), &json!({}))
        .await
        .unwrap()
        .expect(StatusCode::OK)
        .unwrap();
    receiver.wait_for(5, PATIENCE).await.unwrap();
    ended(&server, &id, "processed").await;
    assert_eq!(server.list("/events?event_type=came_in").await.len(), 2);
}

async fn what_does_not_pass_is_not_retried(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(StatusCode::UNPROCESSABLE_ENTITY));
    for (action, expected) in [
        (json!({"type": "call_api", "url": receiver.url("/")}), "answered 422"),
        (json!({"type": "call_api", "url": "http://10.1.2.3/"}), "blocked_address: blocked"),
        (
            json!({"type": "custom_code", "code": "function handle() { throw new Error('no good') }"}),
            "no good",
        ),
        (
            json!({"type": "custom_code", "code": "function handle() { return { error: 'not today' } }"}),
            "not today",
        ),
        (json!({"type": "custom_code", "code": "function handle() { return 7 }"}), "handle must return"),
        (json!({"type": "custom_code", "code": "const handle = 0"}), "not a function"),
    ] {
        let input = json!({"name": "Form", "event_type": "subscriber_added", "actions": [action]});
        let made = server.post("/incoming-webhooks", &input).await.unwrap();
        if made.status == StatusCode::UNPROCESSABLE_ENTITY {
            assert!(made.json().unwrap()["errors"][0]["field"] == "actions.0.code", "{made:?}");
            continue;
        }
        let webhook = made.json().unwrap();
        let id = post(&server, &webhook, "ada@example.com", StatusCode::ACCEPTED).await;
        let entry = ended(&server, &id, "failed").await;
        let detail = text(&entry["actions"][0]["detail"]);
        assert!(detail.contains(expected) && entry["actions"][0]["passing"].is_null(), "{entry}");
    }
}

async fn on_error_says_what_follows(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/gone", always(StatusCode::GONE));
    let actions = |on_error: &str| {
        json!({"actions": [
            {"type": "call_api", "url": receiver.url("/gone"), "on_error": on_error},
            {"type": "add_subscriber"},
        ]})
    };
    let goes_on = server.incoming(actions("continue")).await;
    let id = post(&server, &goes_on, "goes@example.com", StatusCode::ACCEPTED).await;
    let entry = ended(&server, &id, "processed").await;
    assert_eq!(outcomes(&entry), [("call_api", "failed"), ("add_subscriber", "done")]);
    assert_eq!(entry["warnings"], json!(["call_api: answered 410"]));
    let stops = server.incoming(actions("stop")).await;
    let id = post(&server, &stops, "stops@example.com", StatusCode::ACCEPTED).await;
    assert_eq!(outcomes(&ended(&server, &id, "failed").await), [("call_api", "failed")]);
    assert!(server.subscriber("stops@example.com").await.is_none());
}

async fn a_kill_in_a_call_repeats_it_under_the_same_key(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/slow", fail_first(1, Reply::Hang));
    let webhook = server
        .incoming(json!({"actions": [{"type": "call_api", "url": receiver.url("/slow")}, {"type": "add_subscriber"}]}))
        .await;
    let id = post(&server, &webhook, "ada@example.com", StatusCode::ACCEPTED).await;
    receiver.wait_for(1, PATIENCE).await.unwrap();
    server.program.kill9().await.unwrap();
    let server = Server::of(node.start().await.unwrap(), server.key);
    let entry = ended(&server, &id, "processed").await;
    assert_eq!(outcomes(&entry), [("call_api", "done"), ("add_subscriber", "done")]);
    let keys: Vec<_> =
        receiver.requests().iter().map(|r| r.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys, [format!("{id}-0-0"), format!("{id}-0-0")]);
}

async fn a_transform_comes_before_the_mapping(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let code = "function transform(payload, headers) { \
        if (!payload.people) throw new Error('no people'); \
        return payload.people.map(email => ({ data: { email, source: headers['x-source'] } })) }";
    let webhook = server.incoming(json!({"transform": code, "filter": "data.source == 'crm'"})).await;
    let body = json!({"people": ["ada@example.com", "grace@example.com"]}).to_string();
    let answer =
        server.receive(&webhook, &[("x-source", "crm")], &body).await.expect(StatusCode::OK).unwrap();
    assert_eq!(answer["processed_records"], 2);
    let entry = server.show(&format!("/requests/{}", text(&answer["request_id"]))).await;
    assert_eq!(entry["payload"], json!({"people": ["ada@example.com", "grace@example.com"]}), "as it came");
    assert!(server.subscriber("grace@example.com").await.is_some());

    // What it can't work on is kept, and run again when it can.
    let answer = server
        .receive(&webhook, &[("x-source", "crm")], &json!({"persons": ["eve@example.com"]}).to_string())
        .await;
    let answer = answer.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    let (id, error) = (text(&answer["request_id"]), &answer["errors"][0]);
    assert!(error["field"] == "transform" && text(&error["message"]).contains("no people"), "{answer}");
    let path = format!("/incoming-webhooks/{}", text(&webhook["id"]));
    let mended = code
        .replace("if (!payload.people) throw new Error('no people');", "payload.people ??= payload.persons;");
    server.change(&path, json!({"transform": mended})).await;
    let retried = server.post(&format!("/requests/{id}/retry"), &json!({})).await.unwrap();
    assert_eq!(retried.expect(StatusCode::OK).unwrap()["status"], "processed");
    assert!(server.subscriber("eve@example.com").await.is_some());

    let refused = server.patch(&path, &json!({"transform": "function transform( {"})).await.unwrap();
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    let error = &refused["errors"][0];
    assert!(error["field"] == "transform" && text(&error["message"]).contains("line 1"), "{refused}");
}

/// Scripts that mean harm, ten at a time: each is a failed action in time, and whoever else comes is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_harm_nobody() {
    const AT_ONCE: usize = 10;
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let plain = server.incoming(json!({})).await;
    for (bomb, code) in [
        ("loop", "for (;;);"),
        ("array", "const a = new Array(1e9); a.fill('x'); return { payload: { a } }"),
        ("regular expression", "return /^(a+)+$/.test('a'.repeat(60) + '!')"),
        ("recursion", "const deeper = n => deeper(n + 1) + 1; return deeper(0)"),
        ("output", "return { payload: { a: 'x'.repeat(2 ** 29) + 'x'.repeat(2 ** 29) } }"),
    ] {
        let code = format!("function handle() {{ {code} }}");
        let webhook = server.incoming(json!({"actions": [{"type": "custom_code", "code": code}]})).await;
        let mut ids = Vec::new();
        for number in 0..AT_ONCE {
            ids.push(post(&server, &webhook, &format!("{number}@example.com"), StatusCode::ACCEPTED).await);
        }
        post(&server, &plain, "ada@example.com", StatusCode::OK).await;
        for id in &ids {
            let entry = ended(&server, id, "failed").await;
            let duration = entry["actions"][0]["duration_ms"].as_i64().unwrap();
            // How long it takes with nothing else running is measured elsewhere; without a limit it would never end.
            assert!(duration < 20_000, "{bomb}: {entry}");
        }
    }
}

/// A call that asks to be left alone is, and one that only leads elsewhere is no success.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_neither() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let away = Answer::new(StatusCode::FOUND)
        .header(HeaderName::from_static("location"), HeaderValue::from_static("http://127.0.0.1:1/"));
    receiver.on("/redirect", always(away));
    receiver.on("/closed", always(Reply::Disconnect));
    for (path, status, detail) in
        [("/redirect", "failed", "answered 302"), ("/closed", "retrying", "connection_closed")]
    {
        let webhook =
            server.incoming(json!({"actions": [{"type": "call_api", "url": receiver.url(path)}]})).await;
        let id = post(&server, &webhook, "ada@example.com", StatusCode::ACCEPTED).await;
        let entry = ended(&server, &id, status).await;
        assert!(text(&entry["actions"][0]["detail"]).contains(detail), "{entry}");
    }
}

/// What must not be in the log is in no log, database or answer, and still reaches whoever is called: now, after a failure,
/// and after a pause.
async fn redacted_values_reach_jobs_and_no_log(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/pay", fail_first(1, StatusCode::SERVICE_UNAVAILABLE));
    let webhook = server
        .incoming(json!({"redact": ["data.cards[*].number", "data.cvc"], "actions": [
            {"type": "add_subscriber"},
            {"type": "call_api", "url": receiver.url("/pay"), "body": {"card": "{data.cards[0].number}", "cvc": "{data.cvc}"}},
        ]}))
        .await;
    let body = json!({"data": {"email": "ada@example.com", "cvc": 987, "cards": [{"number": "4111-1111"}, {"number": "4222"}]}});
    let answer = server.receive(&webhook, &[], &body.to_string()).await.expect(StatusCode::ACCEPTED).unwrap();
    let id = text(&answer["request_id"]).to_owned();
    ended(&server, &id, "retrying").await;
    server.post(&format!("/requests/{id}/retry"), &json!({})).await.unwrap().expect(StatusCode::OK).unwrap();
    let entry = ended(&server, &id, "processed").await;
    for request in receiver.requests() {
        assert_eq!(request.json().unwrap(), json!({"card": "4111-1111", "cvc": 987}));
    }
    assert_eq!(
        entry["payload"]["data"],
        json!({"email": "ada@example.com", "cvc": "••••", "cards": [{"number": "••••"}, {"number": "••••"}]})
    );
    assert!(!entry.to_string().contains("4111"), "{entry}");

    // Once it is done the values are gone, and a run says so.
    let again = server.post(&format!("/requests/{id}/retry?all=true"), &json!({})).await.unwrap();
    again.expect(StatusCode::OK).unwrap();
    let entry = ended(&server, &id, "processed").await;
    assert!(entry["warnings"].to_string().contains("does not keep"), "{entry}");
    assert_eq!(receiver.requests().last().unwrap().json().unwrap(), json!({"card": null, "cvc": null}));

    // What came in during a pause is run as it came.
    let path = format!("/incoming-webhooks/{}", text(&webhook["id"]));
    server.change(&path, json!({"status": "paused"})).await;
    server.receive(&webhook, &[], &body.to_string()).await.expect(StatusCode::ACCEPTED).unwrap();
    server.change(&path, json!({"status": "active"})).await;
    let requests = receiver.wait_for(4, PATIENCE).await.unwrap();
    assert_eq!(requests[3].json().unwrap(), json!({"card": "4111-1111", "cvc": 987}));
}
