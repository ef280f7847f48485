//! Subscribers: made, changed, found, deleted, and the events of it.

use engine::Scope;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Server, request};

fn emails(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|entry| entry["email"].as_str().unwrap()).collect()
}

/// What was told, oldest first: the kind of each event and its data.
async fn told(server: &Server) -> Vec<(String, Value)> {
    let page = server.get("/events?limit=200").await.json();
    let entries = page["data"].as_array().unwrap().iter().rev();
    entries.map(|event| (event["event_type"].as_str().unwrap().to_owned(), event["data"].clone())).collect()
}

fn kinds(told: &[(String, Value)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}

async fn with_lists(count: usize) -> Server {
    let server = Server::start().await;
    for number in 1..=count {
        assert_eq!(server.post("/lists", json!({"name": format!("List {number}")})).await.status, 201);
    }
    server
}

#[tokio::test]
async fn a_subscriber_lives_from_post_to_delete() {
    let server = with_lists(2).await;
    let input = json!({
        "email": "  Ada@Example.COM ", "first_name": " Ada ", "last_name": "", "phone": null, "source": "api",
        "custom_fields": {"plan": "pro", "none": null, "nested": {"a": [1, 2.5]}}, "lists": [2, 1], "tags": ["web", "vip", "web"],
    });
    let made = server.post("/subscribers", input).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let mut ada = made.json();
    let id = ada["id"].as_i64().unwrap();
    assert_eq!(made.headers["location"], format!("/wp-json/ccsp-mailer/v1/subscribers/{id}"));
    assert_eq!(ada["created_at"], ada["updated_at"]);
    for moment in ["created_at", "updated_at"] {
        assert!(ada[moment].take().as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(
        ada,
        json!({
            "id": id, "email": "ada@example.com", "first_name": "Ada", "last_name": null, "phone": null, "company": null,
            "status": "subscribed", "source": "api", "custom_fields": {"plan": "pro", "nested": {"a": [1, 2.5]}},
            "lists": [{"id": 1, "status": "subscribed"}, {"id": 2, "status": "subscribed"}], "tags": ["vip", "web"],
            "created_at": null, "updated_at": null, "confirmed_at": null,
        })
    );
    let path = format!("/subscribers/{id}");
    assert_eq!(server.get(&path).await.json(), made.json());

    assert_eq!(server.delete(&path).await.status, 204);
    for gone in [
        server.get(&path).await,
        server.delete(&path).await,
        server.patch(&path, json!({"first_name": "x"})).await,
        server.get("/subscribers/ada").await,
    ] {
        assert_eq!((gone.status, gone.code().as_str()), (404, "not-found"));
    }
    let told = told(&server).await;
    let expected = ["subscriber_added", "subscriber_tagged", "subscriber_tagged", "subscriber_deleted"];
    assert_eq!(kinds(&told), expected);
    assert_eq!((&told[0].1["subscriber_id"], &told[0].1["lists"]), (&json!(id), &json!([1, 2])));
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_tells_it() {
    let server = with_lists(3).await;
    let input = json!({
        "email": "ada@example.com", "first_name": "Ada", "company": "Acme", "custom_fields": {"plan": "pro", "since": 1843},
        "lists": [1, 2], "tags": ["web"],
    });
    let path = format!("/subscribers/{}", server.post("/subscribers", input).await.json()["id"]);
    let patch = json!({
        "email": "Countess@Example.com", "company": null, "last_name": "Lovelace", "status": "unsubscribed",
        "custom_fields": {"plan": null, "since": 1815, "title": "Countess"}, "lists": [2, 3], "tags": ["vip"],
    });
    let patched = server.patch(&path, patch).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    let ada = patched.json();
    for (member, expected) in [
        ("email", json!("countess@example.com")),
        ("first_name", json!("Ada")),
        ("last_name", json!("Lovelace")),
        ("company", Value::Null),
        ("status", json!("unsubscribed")),
        ("custom_fields", json!({"since": 1815, "title": "Countess"})),
        ("lists", json!([{"id": 2, "status": "subscribed"}, {"id": 3, "status": "subscribed"}])),
        ("tags", json!(["vip"])),
    ] {
        assert_eq!(ada[member], expected, "{member}");
    }
    assert_eq!(server.get(&path).await.json(), ada);
    let events = told(&server).await;
    let expected =
        ["subscriber_updated", "subscriber_status_changed", "subscriber_tagged", "subscriber_untagged"];
    assert_eq!(kinds(&events)[2..], expected);
    assert_eq!(events[2].1["changes"]["company"], json!({"old": "Acme", "new": null}));
    assert_eq!(
        (&events[3].1["old_status"], &events[3].1["new_status"]),
        (&json!("subscribed"), &json!("unsubscribed"))
    );

    let nothing = server.patch(&path, json!({"first_name": " Ada ", "tags": ["vip"]})).await;
    assert_eq!((nothing.status, nothing.json()), (200, ada));
    assert_eq!(told(&server).await.len(), events.len());
}

#[tokio::test]
async fn an_address_belongs_to_one_subscriber() {
    let server = Server::start().await;
    let ada = server.post("/subscribers", json!({"email": "ada@example.com"})).await.json();
    let bob = server.post("/subscribers", json!({"email": "bob@example.com"})).await.json();
    let message = format!("is that of the subscriber {}", ada["id"]);
    for refused in [
        server.post("/subscribers", json!({"email": "ADA@example.com"})).await,
        server.patch(&format!("/subscribers/{}", bob["id"]), json!({"email": "Ada@Example.com"})).await,
    ] {
        assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
        assert_eq!(refused.faults(), [("email".to_owned(), message.clone())]);
    }
    let itself =
        server.patch(&format!("/subscribers/{}", ada["id"]), json!({"email": "ADA@example.com"})).await;
    assert_eq!((itself.status, itself.json()), (200, ada));
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let server = with_lists(1).await;
    let answer = server
        .post(
            "/subscribers",
            json!({"email": "ada", "status": "gone", "lists": [0, "x"], "tags": [7], "first_name": 1}),
        )
        .await;
    let fields: Vec<String> = answer.faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        (answer.status, fields),
        (422, ["email", "status", "lists.0", "lists.1", "tags.0", "first_name"].map(String::from).to_vec())
    );

    let body = json!({
        "email": "ada@example.com", "first_name": "a\nb", "phone": "\u{7f}1", "tags": ["web", " x", "\t"],
        "custom_fields": {"a.b": 1, "long": "x".repeat(9_000), "": 2, "fine": {"a": null}},
    });
    let answer = server.post("/subscribers", body.clone()).await;
    let fields: Vec<String> = answer.faults().into_iter().map(|(field, _)| field).collect();
    let expected = [
        "first_name",
        "phone",
        "custom_fields.a.b",
        "custom_fields.long",
        "custom_fields.",
        "tags.1",
        "tags.2",
    ];
    assert_eq!((answer.status, fields), (422, expected.map(String::from).to_vec()));

    let many: serde_json::Map<String, Value> =
        (0..201).map(|number| (format!("f{number}"), json!(1))).collect();
    let answer =
        server.post("/subscribers", json!({"email": "ada@example.com", "custom_fields": many})).await;
    assert_eq!(answer.faults(), [("custom_fields".to_owned(), "must have at most 200 members".to_owned())]);

    let answer = server.post("/subscribers", json!({"email": "ada@example.com", "lists": [1, 7, 8]})).await;
    let unknown = [
        ("lists.1".to_owned(), "there is no list 7".to_owned()),
        ("lists.2".to_owned(), "there is no list 8".to_owned()),
    ];
    assert_eq!((answer.status, answer.faults()), (422, unknown.to_vec()));

    for member in ["id", "created_at", "emial"] {
        let mut input = json!({"email": "ada@example.com"});
        input[member] = Value::Null;
        let answer = server.post("/subscribers", input).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "unknown-fields"), "{member}");
    }
    assert_eq!(told(&server).await, []);
}

#[tokio::test]
async fn a_patch_is_checked_as_a_whole() {
    let server = with_lists(1).await;
    let made = server.post("/subscribers", json!({"email": "ada@example.com", "lists": [1]})).await.json();
    let path = format!("/subscribers/{}", made["id"]);
    for (patch, field) in [
        (json!({"email": null}), "email"),
        (json!({"email": "x"}), "email"),
        (json!({"lists": [1, 9]}), "lists.1"),
        (json!({"tags": [""]}), "tags.0"),
        (json!({"custom_fields": {"x": "y".repeat(9_000)}}), "custom_fields.x"),
    ] {
        let answer = server.patch(&path, patch.clone()).await;
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (422, field), "{patch}");
    }
    let whole = json!({"lists": null, "tags": null, "custom_fields": null, "status": null});
    let patched = server.patch(&path, whole).await.json();
    assert_eq!((&patched["lists"], &patched["status"]), (&json!([]), &json!("subscribed")));
}

#[tokio::test]
async fn custom_fields_that_go_make_room_for_those_that_come() {
    let server = Server::start().await;
    let full: serde_json::Map<String, Value> =
        (0..200).map(|number| (format!("f{number}"), json!(1))).collect();
    let made =
        server.post("/subscribers", json!({"email": "ada@example.com", "custom_fields": full})).await.json();
    let path = format!("/subscribers/{}", made["id"]);
    let patched = server.patch(&path, json!({"custom_fields": {"new": 2, "f7": null}})).await.json();
    let fields = patched["custom_fields"].as_object().unwrap();
    assert_eq!((fields.len(), &fields["new"], fields.contains_key("f7")), (200, &json!(2), false));
}

#[tokio::test]
async fn subscribers_are_found_by_what_is_known_of_them() {
    let server = with_lists(2).await;
    for input in [
        json!({"email": "ada@example.com", "first_name": "Ada", "lists": [1], "tags": ["web"]}),
        json!({"email": "bob@example.org", "last_name": "Adamson", "lists": [1, 2], "status": "pending"}),
        json!({"email": "eve@example.net", "tags": ["web", "vip"], "lists": [2]}),
    ] {
        assert_eq!(server.post("/subscribers", input).await.status, 201);
    }
    for (query, expected) in [
        ("", vec!["eve@example.net", "bob@example.org", "ada@example.com"]),
        ("?email=ADA@Example.com", vec!["ada@example.com"]),
        ("?email=nobody@example.com", vec![]),
        ("?status=pending", vec!["bob@example.org"]),
        ("?list=1", vec!["bob@example.org", "ada@example.com"]),
        ("?tag=web", vec!["eve@example.net", "ada@example.com"]),
        ("?tag=web&list=1&status=subscribed", vec!["ada@example.com"]),
        ("?q=ADA", vec!["bob@example.org", "ada@example.com"]),
        ("?list=7", vec![]),
    ] {
        assert_eq!(emails(&server.get(&format!("/subscribers{query}")).await.json()), expected, "{query}");
    }
    let page = server.get("/subscribers?limit=2").await.json();
    assert_eq!(emails(&page).len(), 2);
    let next = format!("/subscribers?cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(emails(&server.get(&next).await.json()), ["ada@example.com"]);
    for (query, field) in [
        ("email=ada", "email"),
        ("status=gone", "status"),
        ("list=x", "list"),
        ("list=0", "list"),
        ("tag=", "tag"),
    ] {
        let answer = server.get(&format!("/subscribers?{query}")).await;
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (400, field), "{query}");
    }
}

#[tokio::test]
async fn the_same_post_twice_adds_one() {
    let server = Server::start().await;
    let post = || {
        let body = json!({"email": "ada@example.com"});
        let mut request = request(Method::POST, "/subscribers", Some(Scope::Write), Some(body));
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        request
    };
    let (first, again) = (server.send(post()).await, server.send(post()).await);
    assert_eq!((first.status, again.status, &again.text), (201, 201, &first.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(kinds(&told(&server).await), ["subscriber_added"]);
}

#[tokio::test]
async fn what_happened_to_a_subscriber_is_found_by_who_it_is() {
    let server = Server::start().await;
    let ada = server.post("/subscribers", json!({"email": "ada@example.com"})).await.json()["id"].clone();
    server.post("/subscribers", json!({"email": "bob@example.com", "first_name": "ada@example.com"})).await;
    let path = format!("/subscribers/{ada}");
    server.patch(&path, json!({"email": "countess@example.com", "tags": ["vip"]})).await;
    server.post("/events", json!({"event": "order_paid", "data": {"subscriber_id": ada, "total": 7}})).await;
    server.post("/events", json!({"event": "order_paid", "data": {"subscriber_id": "x"}})).await;
    assert_eq!(server.delete(&path).await.status, 204);

    let events = format!("{path}/events");
    let page = server.get(&format!("{events}?limit=3")).await.json();
    let rest = server.get(&format!("{events}?cursor={}", page["next_cursor"].as_str().unwrap())).await.json();
    let kinds: Vec<&str> = [&page, &rest]
        .iter()
        .flat_map(|page| page["data"].as_array().unwrap())
        .map(|event| event["event_type"].as_str().unwrap())
        .collect();
    let expected =
        ["subscriber_deleted", "order_paid", "subscriber_tagged", "subscriber_updated", "subscriber_added"];
    assert_eq!(kinds, expected);
    let changes = &rest["data"][0]["data"]["changes"];
    assert_eq!(changes["email"], json!({"old": "ada@example.com", "new": "countess@example.com"}));
    assert_eq!(server.get("/subscribers/99/events").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_custom_value_needs_its_field() {
    let server = Server::start().await;
    server.post("/subscribers", json!({"email": "a@example.com", "custom_fields": {"plan": "pro"}})).await;
    server.post("/subscribers", json!({"email": "b@example.com", "custom_fields": {"plan": "free"}})).await;
    let found = server.get("/subscribers?custom_field=plan&custom_value=Pro").await.json();
    assert_eq!(emails(&found), ["a@example.com"]);
    assert_eq!(
        emails(&server.get("/subscribers?custom_field=plan").await.json()),
        ["b@example.com", "a@example.com"]
    );
    assert_eq!(server.get("/subscribers?custom_value=pro").await.faults()[0].0, "custom_field");
}
