//! Files of subscribers: looked at, taken in, gone on with after a restart, and given out.

use axum::body::Body;
use engine::Scope;
use http::Method;
use serde_json::{Value, json};
use testkit::eventually;

use crate::support::{Answer, PATIENCE, Server, request};

async fn upload(server: &Server, query: &str, file: impl Into<String>) -> Answer {
    let mut request = request(Method::POST, &format!("/subscribers/import{query}"), Some(Scope::Write), None);
    request.headers_mut().insert("content-type", "text/csv".parse().unwrap());
    *request.body_mut() = Body::from(file.into());
    server.send(request).await
}

/// The import as it is at its end.
async fn ended(server: &Server, begun: &Answer) -> Value {
    assert_eq!(begun.status, 202, "{}", begun.text);
    let path = format!("/subscribers/import/{}", begun.json()["id"].as_str().unwrap());
    eventually("the import to end", PATIENCE, async || {
        let shown = server.get(&path).await.json();
        (shown["state"] != "running").then_some(shown)
    })
    .await
    .unwrap()
}

async fn kinds(server: &Server) -> Vec<String> {
    let page = server.get("/events?limit=200").await.json();
    let entries = page["data"].as_array().unwrap().iter().rev();
    entries.map(|event| event["event_type"].as_str().unwrap().to_owned()).collect()
}

const FILE: &str = "E-Mail;Nome;Plan;Labels\nada@example.com;Ada;pro;vip, web\nnobody;Bob;pro;\n\
                    bob@example.com;Bob;gold;\nada@example.com;Eve;pro;\n";

async fn a_file_is_taken_in(server: Server) {
    server.post("/lists", json!({"name": "Newsletter"})).await;
    let field = json!({"name": "plan", "label": "Plan", "type": "choice", "options": ["free", "pro"]});
    assert_eq!(server.post("/custom-fields", field).await.status, 201);

    let looked_at = upload(&server, "?dry_run=true", FILE).await;
    assert_eq!(looked_at.status, 200, "{}", looked_at.text);
    let refusals = json!([
        {"line": 3, "reason": "the email at E-Mail must have the form name@domain"},
        {"line": 4, "reason": "custom_fields.plan must be one of the field's options: free, pro"},
        {"line": 5, "reason": "has the same address as line 2"},
    ]);
    assert_eq!(
        looked_at.json(),
        json!({
            "delimiter": "semicolon",
            "columns": [
                {"name": "E-Mail", "to": "email", "examples": ["ada@example.com", "nobody", "bob@example.com"]},
                {"name": "Nome", "to": "first_name", "examples": ["Ada", "Bob", "Bob"]},
                {"name": "Plan", "to": "custom_field.plan", "examples": ["pro", "pro", "gold"]},
                {"name": "Labels", "to": null, "examples": ["vip, web", "", ""]},
            ],
            "rows": 4, "added": 1, "updated": 0, "unchanged": 0, "refused": 3, "refusals": refusals,
        })
    );
    assert_eq!(server.get("/subscribers").await.json()["data"], json!([]), "a look changes nothing");

    let how = "?columns=email,first_name,custom_field.plan,tags&lists=1&tags=csv";
    let import = ended(&server, &upload(&server, how, FILE).await).await;
    assert_eq!(
        (&import["state"], &import["total"], &import["done"], &import["added"], &import["refused"]),
        (&json!("done"), &json!(4), &json!(4), &json!(1), &json!(3))
    );
    assert_eq!(import["refusals"], refusals);
    let ada = server.get("/subscribers?email=ada@example.com").await.json()["data"][0].clone();
    assert_eq!((&ada["first_name"], &ada["tags"]), (&json!("Ada"), &json!(["csv", "vip", "web"])));
    assert_eq!(ada["lists"], json!([{"id": 1, "status": "subscribed"}]));
    assert_eq!(ada["custom_fields"], json!({"plan": "pro"}));
    assert_eq!(kinds(&server).await[0], "subscriber_added");

    let path = format!("/subscribers/import/{}/refused", import["id"].as_str().unwrap());
    let report = server.get(&path).await;
    assert_eq!(report.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = report.text.lines().collect();
    assert_eq!(lines[0], "line,reason,E-Mail,Nome,Plan,Labels");
    assert_eq!(lines[3], "5,has the same address as line 2,ada@example.com,Eve,pro,");

    // Again: who is known is refused, unless they are to be changed; an empty cell, and the status, change nothing.
    server.patch(&format!("/subscribers/{}", ada["id"]), json!({"status": "unsubscribed"})).await;
    let again = "email,first_name,company\nada@example.com,,Acme\n";
    let refused = ended(&server, &upload(&server, "", again).await).await;
    assert_eq!((&refused["added"], &refused["refused"]), (&json!(0), &json!(1)));
    let changed = ended(&server, &upload(&server, "?update_existing=true&tags=new", again).await).await;
    assert_eq!((&changed["updated"], &changed["refused"]), (&json!(1), &json!(0)));
    let ada = server.get(&format!("/subscribers/{}", ada["id"])).await.json();
    let members = ["first_name", "company", "status"].map(|name| ada[name].clone());
    assert_eq!(members, [json!("Ada"), json!("Acme"), json!("unsubscribed")]);
    assert_eq!(ada["tags"], json!(["csv", "new", "vip", "web"]));
}

#[tokio::test]
async fn a_file_is_taken_in_on_sqlite() {
    a_file_is_taken_in(Server::start().await).await;
}

#[tokio::test]
async fn a_file_is_taken_in_on_postgres() {
    a_file_is_taken_in(Server::start_on_postgres().await).await;
}

/// The node stops in the middle, and another one goes on: nobody is left out, and nobody is added twice.
async fn an_import_goes_on_after_a_restart(server: Server) {
    const ROWS: usize = 10_000;
    let rows: Vec<String> = (0..ROWS).map(|number| format!("user{number}@example.com,known")).collect();
    let file = format!("email,tags\n{}\nnobody,\n", rows.join("\n"));
    let begun = upload(&server, "", file).await;
    let path = format!("/subscribers/import/{}", begun.json()["id"].as_str().unwrap());
    eventually("some rows to be taken in", PATIENCE, async || {
        (server.get(&path).await.json()["done"].as_i64()? > 0).then_some(())
    })
    .await
    .unwrap();
    server.engine.stop(PATIENCE).await;
    let stopped = server.get(&path).await.json();
    let second = server.second_engine().await;
    let import = ended(&server, &begun).await;
    second.stop(PATIENCE).await;
    assert_eq!(
        (&import["done"], &import["added"], &import["refused"]),
        (&json!(10_001), &json!(10_000), &json!(1))
    );
    assert_eq!(stopped["state"], "running", "it was over before the restart: more rows are needed");
    let mut events = 0;
    let mut cursor = String::new();
    loop {
        let path = format!("/events?event_type=subscriber_added&limit=200{cursor}");
        let page = server.get(&path).await.json();
        events += page["data"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(events, ROWS);
}

#[tokio::test]
async fn an_import_goes_on_after_a_restart_on_sqlite() {
    an_import_goes_on_after_a_restart(Server::start().await).await;
}

#[tokio::test]
async fn an_import_goes_on_after_a_restart_on_postgres() {
    an_import_goes_on_after_a_restart(Server::start_on_postgres().await).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_file_or_its_columns_is_said() {
    let server = Server::start().await;
    for (query, file, expected) in [
        ("", "", "the file is empty: its first line names the columns"),
        ("", "name\nAda\n", "columns: one of them must be email"),
        ("?columns=email", "a,b\n", "columns: must be 2, one for each column of the file"),
        ("?columns=email,email", "a,b\n", "columns.1: is there already"),
        ("?columns=email,colour", "a,b\n", "columns.1: must be email, first_name,"),
        ("?lists=9", "email\n", "lists.0: there is no list 9"),
        ("?tags=%20x", "email\n", "tags.0: must not begin or end with white space"),
    ] {
        let answer = upload(&server, query, file).await;
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(
            (400..500).contains(&answer.status) && detail.starts_with(expected),
            "{query}: {}",
            answer.text
        );
    }
    let json = server.post("/subscribers/import", json!({})).await;
    assert_eq!(json.status, 415);
    assert_eq!(server.get("/subscribers/import/a1b2c3d4e5f6/refused").await.status, 404);
}

#[tokio::test]
async fn what_is_given_out_can_be_taken_in() {
    let server = Server::start().await;
    let field = json!({"name": "plan", "label": "Plan", "type": "text"});
    server.post("/custom-fields", field).await;
    for number in 0..450 {
        let input = json!({"email": format!("user{number}@example.com"), "first_name": "=1+1", "tags": ["a", "b"],
            "custom_fields": {"plan": "pro", "odd": [1]}});
        assert_eq!(server.post("/subscribers", input).await.status, 201);
    }
    let file = server.get("/subscribers/export?format=csv&tag=a").await;
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 451);
    assert!(lines[0].ends_with(",confirmed_at,custom_fields.plan,custom_fields"), "{}", lines[0]);
    assert!(
        lines[1].starts_with("450,user449@example.com,'=1+1,") && lines[1].contains("\"a,b\""),
        "{}",
        lines[1]
    );
    let json = server.get("/subscribers/export?custom_field=plan&custom_value=PRO").await;
    assert_eq!(json.text.lines().count(), 450);
    let first: Value = serde_json::from_str(json.text.lines().next().unwrap()).unwrap();
    assert_eq!(first, server.get("/subscribers/450").await.json());

    let other = Server::start().await;
    let import = ended(&other, &upload(&other, "", file.text.clone()).await).await;
    assert_eq!((&import["added"], &import["refused"]), (&json!(450), &json!(0)), "{import}");
    let same = other.get("/subscribers?email=user7@example.com").await.json()["data"][0].clone();
    assert_eq!((&same["first_name"], &same["tags"]), (&json!("=1+1"), &json!(["a", "b"])));
}
