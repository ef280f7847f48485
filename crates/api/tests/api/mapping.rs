//! Every kind of rule, as the guide to mapping has it, from the request of a sender to the subscriber and the log.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::Server;

/// A webhook, by which payloads come in.
struct Webhook<'a> {
    server: &'a Server,
    own: String,
    path: String,
}

impl<'a> Webhook<'a> {
    async fn new(server: &'a Server) -> Self {
        let input = json!({"name": "Form", "event_type": "subscriber_added", "actions": [{"type": "add_subscriber"}]});
        let made = server.post("/incoming-webhooks", input).await.json();
        let path = made["url"].as_str().unwrap().strip_prefix("https://mail.example.com").unwrap().to_owned();
        Self { server, own: format!("/incoming-webhooks/{}", made["id"].as_str().unwrap()), path }
    }

    /// What became of a payload: the entry in the log.
    async fn post(&self, payload: &Value) -> Value {
        let request = Request::post(&self.path).header("content-type", "application/json");
        let answer = self.server.send(request.body(Body::from(payload.to_string())).unwrap()).await.json();
        self.server.get(&format!("/requests/{}", answer["request_id"].as_str().unwrap())).await.json()
    }

    async fn subscriber(&self, email: &str) -> Value {
        self.server.get(&format!("/subscribers?email={email}")).await.json()["data"][0].clone()
    }
}

/// The tables of the guide: a rule, a payload, and what the subscriber has then.
fn table() -> Vec<[Value; 3]> {
    let guide = include_str!("../../../../docs/mapping.md");
    let json = |cell: &str| serde_json::from_str(cell.trim_matches('`')).unwrap();
    let row = |line: &str| {
        // A bar inside of a cell is written as \| there.
        let line = line.replace("\\|", "\u{0}");
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
        match cells.as_slice() {
            [_, rule, payload, becomes, _] if rule.starts_with("`{\"to\"") => {
                Some([json(rule), json(payload), json(becomes)])
            }
            _ => None,
        }
    };
    guide.lines().filter_map(row).collect()
}

async fn every_kind_of_rule(server: Server) {
    let webhook = Webhook::new(&server).await;
    let table = table();
    assert!(table.len() > 30, "{}", table.len());
    for (number, [rule, mut payload, expected]) in table.into_iter().enumerate() {
        let email = format!("ada{number}@example.com");
        let mapping = json!([{"to": "email", "from": "email"}, rule]);
        let saved = server.patch(&webhook.own, json!({"mapping": mapping})).await;
        assert_eq!((saved.status, &saved.json()["mapping"]), (200, &mapping), "{}", saved.text);
        payload["email"] = json!(email);
        let entry = webhook.post(&payload).await;
        assert_eq!(entry["status"], "processed", "{rule}: {entry}");
        let subscriber = webhook.subscriber(&email).await;
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&subscriber[field], value, "{rule} on {payload}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_rule_on_sqlite() {
    every_kind_of_rule(Server::start().await).await;
}

#[tokio::test]
async fn every_kind_of_rule_on_postgres() {
    every_kind_of_rule(Server::start_on_postgres().await).await;
}

#[tokio::test]
async fn what_a_rule_cannot_do_is_a_warning_and_loses_nothing() {
    let server = Server::start().await;
    let webhook = Webhook::new(&server).await;
    let mapping = json!([
        {"to": "email", "from": "e"},
        {"to": "phone", "from": "p", "filters": ["phone"]},
        {"to": "custom_field.at", "from": "d", "date": {}},
    ]);
    server.patch(&webhook.own, json!({"mapping": mapping})).await;
    let entry = webhook.post(&json!({"e": "ada@example.com", "p": "call me", "d": "soon"})).await;
    assert_eq!(entry["status"], "processed");
    assert_eq!(
        entry["warnings"],
        json!([
            "phone: phone: the value is no telephone number",
            "custom_field.at: the value is no date of the expected form"
        ])
    );
    assert_eq!(webhook.subscriber("ada@example.com").await["custom_fields"], json!({}));
}

#[tokio::test]
async fn without_a_mapping_a_person_is_recognised() {
    let server = Server::start().await;
    let webhook = Webhook::new(&server).await;
    let payload = json!({"form": {"name": "Signup"}, "fields": {"your-email": "Ada@Example.com", "your-name": "Ada Lovelace", "Phone number": 555}});
    let entry = webhook.post(&payload).await;
    assert_eq!((&entry["status"], &entry["warnings"]), (&json!("processed"), &json!([])));
    let subscriber = webhook.subscriber("ada@example.com").await;
    let found = ["first_name", "last_name", "phone"].map(|field| subscriber[field].clone());
    assert_eq!(found, [json!("Ada"), json!("Lovelace"), json!("555")]);

    let told = server.post(&format!("{}/preview", webhook.own), json!({"payload": payload})).await.json();
    let rules = told["records"][0]["mapping"].as_array().unwrap();
    let places: Vec<(&Value, &Value)> = rules.iter().map(|rule| (&rule["to"], &rule["from"])).collect();
    let expected =
        [("email", "fields.your-email"), ("name", "fields.your-name"), ("phone", "fields.Phone number")];
    let expected = expected.map(|(to, from)| (json!(to), json!(from)));
    assert_eq!(places, expected.iter().map(|(to, from)| (to, from)).collect::<Vec<_>>());

    let nobody = webhook.post(&json!({"note": "write to bob@example.com"})).await;
    assert_eq!((&nobody["status"], &nobody["errors"][0]["field"]), (&json!("failed"), &json!("email")));
}

#[tokio::test]
async fn a_preview_shows_rule_by_rule_what_came_from_where() {
    let server = Server::start().await;
    let webhook = Webhook::new(&server).await;
    let field = json!({"name": "seats", "label": "Seats", "type": "number", "on_mismatch": "drop"});
    assert_eq!(server.post("/custom-fields", field).await.status, 201);
    let mapping = json!([
        {"to": "email", "from": "mail"},
        {"to": "name", "template": "{first} {last}"},
        {"to": "custom_field.seats", "from": "seats"},
        {"to": "company", "from": "org", "filters": ["trim"], "default": "none"},
        {"to": "source", "value": "web", "when": "consent"},
        {"to": "phone", "from": "tel", "filters": ["phone('IT')"]},
    ]);
    let payload = json!([
        {"mail": "Ada@Example.com", "first": "Ada", "last": "Lovelace", "seats": "42", "tel": "06 1234 5678", "consent": true},
        {"mail": "nobody", "seats": "many"},
        {"mail": "b@example.com", "event": "order_paid"},
    ]);
    let path = format!("{}/preview", webhook.own);
    // The mapping is not saved: an editor tries it.
    let told = server.post(&path, json!({"payload": payload, "mapping": mapping})).await;
    assert_eq!(told.status, 200, "{}", told.text);
    insta::assert_json_snapshot!("preview_records", told.json()["records"]);
    assert_eq!(server.get(&webhook.own).await.json()["mapping"], Value::Null);

    let filtered = json!({"payload": payload, "mapping": mapping, "filter": "seats|number > 10"});
    let records = server.post(&path, filtered).await.json()["records"].clone();
    assert_eq!(
        (&records[0]["left_out"], &records[1]["left_out"]),
        (&Value::Null, &json!("the filter does not hold"))
    );

    // What is saved holds where nothing else is said, and null says none.
    server.patch(&webhook.own, json!({"mapping": mapping, "filter": "false"})).await;
    let said = |more: Value| {
        let mut input = json!({"payload": {"mail": "a@example.com", "email": "b@example.com"}});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post(&path, input)
    };
    assert_eq!(said(json!({})).await.json()["status"], "ignored");
    let unfiltered = said(json!({"filter": null})).await.json();
    assert_eq!(unfiltered["subscribers"][0]["after"]["email"], "a@example.com");
    let unmapped = said(json!({"filter": null, "mapping": null})).await.json();
    assert_eq!(unmapped["subscribers"][0]["after"]["email"], "b@example.com");

    let wrong = said(json!({"filter": "a ==", "mapping": [{"to": "email", "from": "a", "when": "("}]})).await;
    let fields: Vec<String> = wrong.faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!((wrong.status, fields), (422, vec!["mapping.0.when".to_owned(), "filter".to_owned()]));
}
