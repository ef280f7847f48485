//! Custom fields: declared, and what that means for what comes in and for what is written.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::Server;

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_field_lives_from_post_to_delete() {
    let server = Server::start().await;
    let input = json!({"name": "Größe / cm", "label": "Height", "type": "number"});
    let made = server.post("/custom-fields", input.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let location = made.headers["location"].to_str().unwrap();
    let path = location.strip_prefix("/wp-json/ccsp-mailer/v1").unwrap();
    assert_eq!(server.get(path).await.json(), made.json());
    let shown = made.json();
    assert_eq!(
        (&shown["on_mismatch"], &shown["options"], &shown["description"]),
        (&json!("keep_as_text"), &json!([]), &json!(""))
    );
    let again = server.post("/custom-fields", input).await;
    assert_eq!((again.status, again.faults()[0].0.as_str()), (409, "name"));

    let changed = server.patch(path, json!({"type": "choice", "options": ["S", "M"], "label": "Size"})).await;
    assert_eq!((changed.status, &changed.json()["options"]), (200, &json!(["S", "M"])), "{}", changed.text);
    assert_eq!(server.get(path).await.json(), changed.json());
    let renamed = server.patch(path, json!({"name": "x"})).await;
    assert_eq!((renamed.status, renamed.code().as_str()), (400, "unknown-fields"));
    let wrong = server.patch(path, json!({"type": "text"})).await;
    assert_eq!((wrong.status, wrong.faults()[0].0.as_str()), (422, "options"));

    assert_eq!(server.delete(path).await.status, 204);
    for gone in
        [server.get(path).await, server.delete(path).await, server.patch(path, json!({"label": "x"})).await]
    {
        assert_eq!((gone.status, gone.code().as_str()), (404, "not-found"));
    }
}

#[tokio::test]
async fn fields_come_in_pages_and_by_name_and_type() {
    let server = Server::start().await;
    for (name, label, kind) in [("a", "Alpha", "text"), ("b", "Beta", "number"), ("c", "alphabet", "number")]
    {
        let input = json!({"name": name, "label": label, "type": kind});
        assert_eq!(server.post("/custom-fields", input).await.status, 201);
    }
    let first = server.get("/custom-fields?limit=2").await.json();
    let next = first["next_cursor"].as_str().unwrap();
    let last = server.get(&format!("/custom-fields?limit=2&cursor={next}")).await.json();
    let mut all = [names(&first), names(&last)].concat();
    all.sort_unstable();
    assert_eq!((all, &last["next_cursor"]), (vec!["a", "b", "c"], &Value::Null));
    let mut found = server.get("/custom-fields?q=ALPHA").await.json();
    found["data"].as_array_mut().unwrap().sort_by_key(|field| field["name"].to_string());
    assert_eq!(names(&found), ["a", "c"]);
    assert_eq!(names(&server.get("/custom-fields?q=alpha&type=number").await.json()), ["c"]);
}

#[tokio::test]
async fn a_field_that_can_be_none_is_refused() {
    let server = Server::start().await;
    for (input, fields) in [
        (json!({}), vec!["label", "name", "type"]),
        (json!({"name": "a.b", "label": " ", "type": "text"}), vec!["label", "name"]),
        (json!({"name": "a", "label": "A", "type": "colour"}), vec!["type"]),
        (json!({"name": "a", "label": "A", "type": "choice"}), vec!["options"]),
        (json!({"name": "a", "label": "A", "type": "choice", "options": ["x", "X"]}), vec!["options.1"]),
    ] {
        let answer = server.post("/custom-fields", input.clone()).await;
        let mut found: Vec<String> = answer.faults().into_iter().map(|(field, _)| field).collect();
        found.sort_unstable();
        assert_eq!((answer.status, found), (422, fields.into_iter().map(str::to_owned).collect()), "{input}");
    }
}

async fn declare(server: &Server, name: &str, kind: &str, on_mismatch: &str) {
    let options = if kind.ends_with("choice") { json!(["Free", "Pro"]) } else { json!([]) };
    let input =
        json!({"name": name, "label": name, "type": kind, "options": options, "on_mismatch": on_mismatch});
    assert_eq!(server.post("/custom-fields", input).await.status, 201);
}

async fn values_are_brought_into_their_types(server: Server) {
    for kind in ["text", "number", "date", "boolean", "choice", "multi_choice", "json"] {
        declare(&server, kind, kind, "keep_as_text").await;
    }
    declare(&server, "strict", "number", "drop").await;
    let webhook =
        json!({"name": "Form", "event_type": "subscriber_added", "actions": [{"type": "add_subscriber"}]});
    let url = server.post("/incoming-webhooks", webhook).await.json()["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("https://mail.example.com").unwrap().to_owned();
    let post = |email: &str, fields: Value| {
        let body = json!({"data": {"email": email, "custom_fields": fields}}).to_string();
        let request = Request::post(&path).header("content-type", "application/json");
        server.send(request.body(Body::from(body)).unwrap())
    };
    let fits = json!({"text": 7, "number": "42", "date": 1_705_314_600, "boolean": "yes", "choice": "pro",
        "multi_choice": "free, pro", "json": "[1]", "strict": "", "undeclared": "42"});
    assert_eq!(post("ada@example.com", fits).await.status, 200);
    let values = server.get("/subscribers/1").await.json()["custom_fields"].clone();
    assert_eq!(
        values,
        json!({"text": "7", "number": 42, "date": "2024-01-15T10:30:00Z", "boolean": true, "choice": "Pro",
            "multi_choice": ["Free", "Pro"], "json": [1], "undeclared": "42"})
    );

    let misfits = json!({"number": "many", "date": "soon", "choice": ["Gold"], "strict": "many"});
    let answer = post("bob@example.com", misfits).await.json();
    let entry = server.get(&format!("/requests/{}", answer["request_id"].as_str().unwrap())).await.json();
    assert_eq!(entry["status"], "processed");
    let mut warnings: Vec<&str> =
        entry["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect();
    warnings.sort_unstable();
    assert_eq!(
        warnings,
        [
            "custom_field.choice must be one of the field's options: Free, Pro; kept as text",
            "custom_field.date must be a date, such as 2024-01-15; kept as text",
            "custom_field.number must be a number; kept as text",
            "custom_field.strict must be a number; dropped",
        ]
    );
    let values = server.get("/subscribers/2").await.json()["custom_fields"].clone();
    assert_eq!(values, json!({"number": "many", "date": "soon", "choice": "[\"Gold\"]"}));
}

#[tokio::test]
async fn values_are_brought_into_their_types_on_sqlite() {
    values_are_brought_into_their_types(Server::start().await).await;
}

#[tokio::test]
async fn values_are_brought_into_their_types_on_postgres() {
    values_are_brought_into_their_types(Server::start_on_postgres().await).await;
}

#[tokio::test]
async fn who_writes_a_subscriber_is_told_what_does_not_fit() {
    let server = Server::start().await;
    // It was there before anything was declared.
    let old = json!({"email": "old@example.com", "custom_fields": {"seats": "several"}});
    assert_eq!(server.post("/subscribers", old).await.status, 201);
    declare(&server, "seats", "number", "keep_as_text").await;
    declare(&server, "plan", "choice", "drop").await;

    let unfit =
        json!({"email": "ada@example.com", "custom_fields": {"seats": "many", "plan": "gold", "x": "y"}});
    let refused = server.post("/subscribers", unfit).await;
    let mut faults = refused.faults();
    faults.sort_unstable();
    let expected = [
        ("custom_fields.plan", "must be one of the field's options: Free, Pro"),
        ("custom_fields.seats", "must be a number"),
    ];
    assert_eq!((refused.status, faults), (422, expected.map(|(f, m)| (f.to_owned(), m.to_owned())).to_vec()));

    let fits = json!({"email": "ada@example.com", "custom_fields": {"seats": "42", "plan": "pro"}});
    let made = server.post("/subscribers", fits).await;
    assert_eq!((made.status, &made.json()["custom_fields"]), (201, &json!({"seats": 42, "plan": "Pro"})));
    let path = made.headers["location"]
        .to_str()
        .unwrap()
        .strip_prefix("/wp-json/ccsp-mailer/v1")
        .unwrap()
        .to_owned();
    let refused = server.patch(&path, json!({"custom_fields": {"seats": true}})).await;
    assert_eq!((refused.status, refused.faults()[0].0.as_str()), (422, "custom_fields.seats"));
    let cleared = server.patch(&path, json!({"custom_fields": {"seats": null}})).await;
    assert_eq!(cleared.json()["custom_fields"], json!({"plan": "Pro"}));

    // What does not fit and is not touched stays, and stands in nobody's way.
    let renamed =
        server.patch("/subscribers/1", json!({"first_name": "Old", "custom_fields": {"plan": "free"}})).await;
    assert_eq!(
        (renamed.status, &renamed.json()["custom_fields"]),
        (200, &json!({"seats": "several", "plan": "Free"}))
    );

    // A declaration that is taken back leaves the values.
    assert_eq!(server.delete("/custom-fields/plan").await.status, 204);
    let free = server.patch(&path, json!({"custom_fields": {"plan": "gold"}})).await;
    assert_eq!((free.status, &free.json()["custom_fields"]["plan"]), (200, &json!("gold")));
    assert_eq!(server.get("/subscribers/1").await.json()["custom_fields"]["plan"], "Free");
}
