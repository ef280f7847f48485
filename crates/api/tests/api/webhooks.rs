//! Incoming and outgoing webhooks: made, shown, changed, deleted; what is refused, and who sees which secret.

use engine::Scope;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Server, request};

fn outgoing() -> Value {
    json!({"name": "HubSpot", "url": "https://example.com/hook", "events": ["subscriber_added"]})
}

fn incoming() -> Value {
    json!({"name": "Signup form", "event_type": "subscriber_added"})
}

/// The story of a webhook from its making to its end: the same on both databases.
async fn story(server: &Server) {
    let made = server.post("/incoming-webhooks", incoming()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = made.headers["location"].to_str().unwrap().strip_prefix(api::BASE).unwrap().to_owned();
    let made = made.json();
    assert_eq!(path, format!("/incoming-webhooks/{}", made["id"].as_str().unwrap()));
    let changed =
        server.patch(&path, json!({"name": "Other form", "signature": {"scheme": "hmac_sha256"}})).await;
    assert_eq!((changed.status, &changed.json()["name"]), (200, &json!("Other form")));
    assert_eq!(changed.json()["signature"]["tolerance_seconds"], 300);
    assert_eq!(server.get(&path).await.json(), changed.json());
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.get(&path).await.status, 404);
    assert_eq!(server.delete(&path).await.status, 404);
    assert_eq!(server.patch(&path, json!({})).await.status, 404);

    let made = server.post("/outgoing-webhooks", outgoing()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/outgoing-webhooks/{}", made.json()["id"].as_str().unwrap());
    let changed =
        server.patch(&path, json!({"status": "inactive", "retry": {"schedule_seconds": [1]}})).await;
    assert_eq!((changed.status, &changed.json()["status"]), (200, &json!("inactive")));
    assert_eq!(changed.json()["retry"], json!({"schedule": "custom", "schedule_seconds": [1]}));
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.get(&path).await.status, 404);
}

#[tokio::test]
async fn the_story_on_sqlite() {
    story(&Server::start().await).await;
}

#[tokio::test]
async fn the_story_on_postgres() {
    story(&Server::start_on_postgres().await).await;
}

#[tokio::test]
async fn a_schedule_has_a_name_or_a_list() {
    let server = Server::start().await;
    let made = server.post("/outgoing-webhooks", outgoing()).await.json();
    let path = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    let default = json!({"schedule": "default", "schedule_seconds": [300, 1800, 7200]});
    assert_eq!(made["retry"], default);
    let extended = json!({
        "schedule": "extended",
        "schedule_seconds": [5, 305, 2105, 9305, 27305, 63305, 113_705, 185_705, 272_105],
    });
    for (change, expected) in [
        (json!({"schedule": "extended"}), &extended),
        (json!({}), &extended),
        (json!({"schedule_seconds": [7]}), &json!({"schedule": "custom", "schedule_seconds": [7]})),
        (json!({"schedule": "custom"}), &json!({"schedule": "custom", "schedule_seconds": [7]})),
        (json!({"schedule": "default"}), &default),
        (json!({"schedule_seconds": [5, 10]}), &json!({"schedule": "custom", "schedule_seconds": [5, 10]})),
        (extended.clone(), &extended),
        (json!(null), &default),
    ] {
        let changed = server.patch(&path, json!({"retry": change})).await;
        assert_eq!(changed.status, 200, "{change}: {}", changed.text);
        assert_eq!(&changed.json()["retry"], expected, "{change}");
    }
    let both = json!({"retry": {"schedule": "default", "schedule_seconds": [1]}});
    let refused = server.patch(&path, both.clone()).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &json!("retry.schedule")));
    let mut new = outgoing();
    new["retry"] = json!({"schedule": "custom"});
    assert_eq!(server.post("/outgoing-webhooks", new.clone()).await.status, 422);
    new["retry"] = both["retry"].clone();
    assert_eq!(server.post("/outgoing-webhooks", new).await.status, 422);
}

#[tokio::test]
async fn what_is_not_set_is_the_contracts() {
    let server = Server::start().await;
    let mut made = server.post("/incoming-webhooks", incoming()).await.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.len() >= 32);
    assert_eq!(
        made["url"],
        format!("https://mail.example.com/wp-json/ccsp-mailer/v1/webhooks/{id}?token={token}")
    );
    assert!(made["api_key"].as_str().unwrap().starts_with("ccsp_"));
    assert!(made["signature"]["secret"].as_str().unwrap().starts_with("whsec_"));
    for member in ["id", "url", "token", "api_key", "created_at", "updated_at"] {
        made[member] = Value::Null;
    }
    made["signature"]["secret"] = Value::Null;
    insta::assert_json_snapshot!("incoming_webhook", made);

    let mut made = server.post("/outgoing-webhooks", outgoing()).await.json();
    assert!(made["signing"]["secret"].as_str().unwrap().starts_with("whsec_"));
    for member in ["id", "created_at", "updated_at"] {
        made[member] = Value::Null;
    }
    made["signing"]["secret"] = Value::Null;
    insta::assert_json_snapshot!("outgoing_webhook", made);
}

#[tokio::test]
async fn secrets_are_shown_once_and_a_masked_one_stays() {
    let server = Server::start().await;
    let mut input = incoming();
    input["api_key"] = json!("sender-key-0001");
    input["signature"] =
        json!({"scheme": "standard_webhooks", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    let made = server.post("/incoming-webhooks", input).await.json();
    assert_eq!(made["api_key"], "sender-key-0001");
    assert_eq!(made["signature"]["secret"], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let path = format!("/incoming-webhooks/{}", made["id"].as_str().unwrap());

    let by_reader = server.send(request(Method::GET, &path, Some(Scope::Read), None)).await;
    let token = made["token"].as_str().unwrap();
    assert!(!by_reader.text.contains(token));
    assert!(by_reader.json()["url"].as_str().unwrap().contains("?token=••••"));
    let by_writer = server.send(request(Method::GET, &path, Some(Scope::Write), None)).await.json();
    assert_eq!((&by_writer["token"], &by_writer["url"]), (&made["token"], &made["url"]));
    assert_eq!(
        (&by_writer["api_key"], &by_writer["signature"]["secret"]),
        (&json!("••••0001"), &json!("••••LaSw"))
    );

    // What was read goes back as it is.
    let back = json!({"api_key": by_writer["api_key"], "signature": by_writer["signature"], "name": "x"});
    let unchanged = server.patch(&path, back).await;
    assert_eq!((unchanged.status, &unchanged.json()["api_key"]), (200, &json!("••••0001")));
    let other = server
        .patch(&path, json!({"signature": {"secret": "another secret 42"}, "api_key": "other-key-0002"}))
        .await;
    assert_eq!(other.json()["api_key"], "••••0002");
    let faults = server
        .patch(&path, json!({"api_key": "••••0001", "signature": {"secret": "whsec_!!!"}}))
        .await
        .faults();
    let fields: Vec<&str> = faults.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["api_key", "signature.secret"]);

    let mut input = outgoing();
    input["signing"] = json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    let made = server.post("/outgoing-webhooks", input).await.json();
    assert_eq!(made["signing"]["secret"], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let path = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.json()["signing"]["secret"], "••••LaSw");
    assert_eq!(server.get("/outgoing-webhooks").await.json()["data"][0]["signing"]["secret"], "••••LaSw");
}

/// What is wrong with a body, by field.
async fn faults(server: &Server, path: &str, body: Value) -> (u16, Vec<String>) {
    let answer = server.post(path, body).await;
    let faults = answer.faults().into_iter().map(|(field, message)| format!("{field}: {message}")).collect();
    (answer.status, faults)
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let server = Server::start().await;
    let (status, found) = faults(
        &server,
        "/incoming-webhooks",
        json!({
            "name": "", "event_type": "Subscriber Added", "status": "asleep", "require_api_key": "yes", "respond": 1,
            "signature": {"scheme": "md5", "tolerance_seconds": 0},
            "dedupe": {"key": "a..b", "window_seconds": 0}, "filter": 7,
            "ip_allowlist": ["203.0.113.7", "203.0.113.0/33", "example.com", 7],
            "mapping": [{"to": "email", "from": "data.email"}, {"to": "mail", "from": "data..email"}, {"from": "data.email"}],
            "actions": [{"type": "add_subscriber", "lists": [0, "x"]}, {"type": "dance"}, {"type": "apply_tag", "tags": []}, {}],
        }),
    )
    .await;
    assert_eq!(status, 422);
    insta::assert_snapshot!("incoming_faults", found.join("\n"));

    let (status, found) = faults(
        &server,
        "/outgoing-webhooks",
        json!({"url": 7, "events": [], "method": "GET", "headers": {"X-A": 1}, "retry": {"schedule_seconds": [-1]}, "timeout_seconds": 31, "concurrency": 1.5, "expect_json": null}),
    )
    .await;
    assert_eq!(status, 422);
    insta::assert_snapshot!("outgoing_faults", found.join("\n"));
}

#[tokio::test]
async fn what_only_the_rules_know_is_named_as_well() {
    let server = Server::start().await;
    let mut input = incoming();
    input["name"] = json!("   ");
    input["actions"] = json!([{"type": "apply_tag", "tags": [" web"]}]);
    let (status, found) = faults(&server, "/incoming-webhooks", input).await;
    assert_eq!(
        (status, found),
        (
            422,
            vec![
                "name: must not be empty".into(),
                "actions.0.tags.0: must not begin or end with white space".into()
            ]
        )
    );

    let mut input = incoming();
    input["actions"] =
        json!([{"type": "add_subscriber", "lists": [7]}, {"type": "add_to_list", "list_id": 8}]);
    let (status, found) = faults(&server, "/incoming-webhooks", input).await;
    assert_eq!(
        (status, found),
        (
            422,
            vec![
                "actions.0.lists.0: there is no list 7".into(),
                "actions.1.list_id: there is no list 8".into()
            ]
        )
    );

    let mut input = outgoing();
    input["headers"] = json!({"Host": "example.org"});
    let (status, found) = faults(&server, "/outgoing-webhooks", input).await;
    assert_eq!((status, found.len()), (422, 1), "{found:?}");

    for url in [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest",
        "ftp://example.com/",
        "example.com",
        "http://localhost/",
    ] {
        let mut input = outgoing();
        input["url"] = json!(url);
        let answer = server.post("/outgoing-webhooks", input).await;
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (422, "url"), "{url}");
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_wherever_they_stand() {
    let server = Server::start().await;
    let mut input = incoming();
    input["nmae"] = json!(1);
    input["signature"] = json!({"key": "x"});
    input["actions"] = json!([{"type": "apply_tag", "tags": ["a"], "tag": "b"}]);
    let (status, found) = faults(&server, "/incoming-webhooks", input).await;
    assert_eq!(status, 400);
    assert_eq!(found.len(), 3, "{found:?}");
    // Members of later versions are no exception.
    for (member, meant) in
        [("transforms", ": did you mean transform?"), ("id", ""), ("url", ""), ("token", "")]
    {
        let mut input = incoming();
        input[member] = Value::Null;
        assert_eq!(
            faults(&server, "/incoming-webhooks", input).await,
            (400, vec![format!("{member}: is not known{meant}")])
        );
    }
    let made = server.post("/outgoing-webhooks", outgoing()).await.json();
    let path = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    let patched = server.patch(&path, json!({"payloads": null, "name": "x"})).await;
    assert_eq!((patched.status, patched.code().as_str()), (400, "unknown-fields"));
}

#[tokio::test]
async fn a_patch_is_a_merge_patch_and_is_checked_as_a_whole() {
    let server = Server::start().await;
    let mut input = outgoing();
    input["headers"] = json!({"X-A": "1", "X-B": "2"});
    input["description"] = json!("notes");
    let made = server.post("/outgoing-webhooks", input).await.json();
    let path = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    let patched =
        server.patch(&path, json!({"headers": {"X-A": null, "X-C": "3"}, "description": null})).await.json();
    assert_eq!(patched["headers"], json!({"X-B": "2", "X-C": "3"}));
    assert_eq!((&patched["description"], &patched["url"]), (&json!(""), &made["url"]));

    let required = server.patch(&path, json!({"name": null, "events": []})).await;
    assert_eq!(required.status, 422);
    let fields: Vec<String> = required.faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["name", "events"]);
    assert_eq!(
        server.patch(&path, json!({"name": null})).await.faults(),
        [("name".to_owned(), "is required".to_owned())]
    );
    assert_eq!(server.patch(&path, json!([])).await.status, 422);
    assert_eq!(server.get(&path).await.json()["name"], made["name"]);
}

#[tokio::test]
async fn one_value_is_replaced_as_a_whole() {
    let server = Server::start().await;
    let mut input = outgoing();
    input["payload"] = json!({"id": "{event_id}", "phone": "{subscriber_phone}", "more": {"a": 1}});
    input["auth"] = json!({"method": "api_key", "key": "key-0001", "header": "X-Key"});
    let made = server.post("/outgoing-webhooks", input).await.json();
    let path = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());

    let payload = json!({"id": "{event_id}", "more": {"b": null}});
    let patched = server.patch(&path, json!({"payload": payload})).await.json();
    assert_eq!(patched["payload"], payload);
    let bearer = json!({"method": "bearer", "token": "token-0001"});
    let masked = json!({"method": "bearer", "token": "••••0001"});
    assert_eq!(server.patch(&path, json!({"auth": bearer})).await.json()["auth"], masked);
    // The same method keeps what is not named.
    let patched = server.patch(&path, json!({"auth": {"method": "bearer"}})).await.json();
    assert_eq!(patched["auth"], masked);
    assert_eq!(server.patch(&path, json!({"payload": null})).await.json()["payload"], json!(null));
    // A token without a method is not dropped in silence.
    assert_eq!(server.patch(&path, json!({"auth": {"method": "none"}})).await.status, 200);
    let lost = server.patch(&path, json!({"auth": {"token": "token-0002"}})).await;
    assert_eq!((lost.status, lost.faults()[0].0.as_str()), (422, "auth"), "{}", lost.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_of_different_settings_at_once_all_hold_on_sqlite() {
    patches_at_once(&Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_of_different_settings_at_once_all_hold_on_postgres() {
    patches_at_once(&Server::start_on_postgres().await).await;
}

async fn patches_at_once(server: &Server) {
    let made = server.post("/outgoing-webhooks", outgoing()).await.json();
    let path = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    let changes = [
        json!({"name": "n"}),
        json!({"description": "d"}),
        json!({"timeout_seconds": 9}),
        json!({"expect_json": true}),
        json!({"concurrency": 3}),
    ];
    let answers =
        futures_util::future::join_all(changes.iter().map(|change| server.patch(&path, change.clone())))
            .await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let webhook = server.get(&path).await.json();
    for change in changes {
        let (member, value) = change.as_object().unwrap().iter().next().unwrap();
        assert_eq!(&webhook[member], value);
    }
}

#[tokio::test]
async fn a_whole_number_may_be_written_as_any_number() {
    let server = Server::start().await;
    let mut input = outgoing();
    input["timeout_seconds"] = json!(7.0);
    let made = server.post("/outgoing-webhooks", input).await;
    assert_eq!((made.status, &made.json()["timeout_seconds"]), (201, &json!(7)));
}

#[tokio::test]
async fn what_no_schema_can_say_is_named_by_its_path() {
    let server = Server::start().await;
    let mut input = incoming();
    input["mapping"] = json!([{"to": "email", "from": vec!["a"; 21].join(".")}]);
    let (status, found) = faults(&server, "/incoming-webhooks", input).await;
    assert_eq!((status, found.len()), (422, 1));
    assert!(found[0].starts_with("mapping.0.from: must be names joined by dots"), "{found:?}");
}

#[tokio::test]
async fn every_rule_of_a_mapping_that_is_wrong_is_named_with_the_place_of_its_fault() {
    let server = Server::start().await;
    let mut input = incoming();
    input["mapping"] = json!([
        {"to": "email", "from": "data.email"},
        {"to": "email"},
        {"to": "company", "value": "x", "when": "data.plan =="},
        {"to": "company", "template": "Dear {data.name"},
        {"to": "phone", "from": "data.phone", "filters": ["trim", "phome('IT')"]},
        {"to": "custom_field.joined", "from": "data.at", "date": {"timezone": "Europe/Atlantis"}},
    ]);
    let (status, found) = faults(&server, "/incoming-webhooks", input.clone()).await;
    assert_eq!(status, 422);
    insta::assert_snapshot!("mapping_faults", found.join("\n"));
    input["mapping"] = json!(vec![json!({"to": "email", "from": "data.email"}); 201]);
    let (status, found) = faults(&server, "/incoming-webhooks", input).await;
    assert_eq!((status, found.len()), (422, 1), "{found:?}");
}

#[tokio::test]
async fn a_preset_brings_what_its_sender_needs() {
    let server = Server::start().await;
    let known = server.get("/presets").await.json();
    let ids: Vec<&str> =
        known["data"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"stripe") && ids.contains(&"generic") && ids.contains(&"ses"), "{ids:?}");

    let mut input = incoming();
    input["preset"] = json!("stripe");
    let made = server.post("/incoming-webhooks", input.clone()).await.json();
    assert_eq!((&made["preset"], &made["signature"]["scheme"]), (&json!("stripe"), &json!("preset")));
    assert_eq!(made["on_unprocessable"], "accept");
    let path = format!("/incoming-webhooks/{}", made["id"].as_str().unwrap());
    let changed = server.patch(&path, json!({"signature": {"scheme": "none"}})).await.json();
    assert_eq!((&changed["preset"], &changed["signature"]["scheme"]), (&json!("stripe"), &json!("none")));

    for (preset, scheme, field) in
        [("nobody", None, "preset"), ("generic", Some("preset"), "signature.scheme")]
    {
        input["preset"] = json!(preset);
        input["signature"] = scheme.map_or(json!({}), |scheme| json!({"scheme": scheme}));
        let (status, found) = faults(&server, "/incoming-webhooks", input.clone()).await;
        assert_eq!((status, found.len()), (422, 1), "{found:?}");
        assert!(found[0].starts_with(field), "{found:?}");
    }
    let mut without = incoming();
    without["signature"] = json!({"scheme": "preset"});
    assert_eq!(faults(&server, "/incoming-webhooks", without).await.0, 422);
}
