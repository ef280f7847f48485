//! People who log in, as the operator makes them on the command line.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::commands::{Operator, stderr, stdout};
use crate::support::{Kind, World};

const BASE: &str = "/wp-json/ccsp-mailer/v1";

#[tokio::test]
async fn a_user_is_made_and_logs_in_and_chooses_another_password() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let made = operator.feed(&["user", "create", "--email", "Ada@example.com"], b"ein langer Satz\r\n").await;
    assert!(made.status.success(), "{}", stderr(&made));
    assert_eq!(stdout(&made), "ada@example.com may log in\n");
    let listed = operator.run(&["user", "list"]).await;
    assert!(listed.contains("ada@example.com") && listed.contains("owner"), "{listed}");

    let log_in = async |path: &str, body: Value| {
        let headers = [("content-type", "application/json")];
        server.raw(Method::POST, &format!("{BASE}{path}"), &headers, body.to_string()).await.unwrap()
    };
    let entered =
        log_in("/session", json!({"email": "ada@example.com", "password": "ein langer Satz"})).await;
    assert_eq!(entered.status, StatusCode::OK);
    let set = entered.headers["set-cookie"].to_str().unwrap().to_owned();
    let cookie = set.split(';').next().unwrap();
    let session =
        server.raw(Method::GET, &format!("{BASE}/session"), &[("cookie", cookie)], "").await.unwrap();
    assert_eq!(session.json().unwrap()["user"]["role"], "owner");

    let link = operator.run(&["user", "link", "--email", "ada@example.com"]).await;
    let secret = link.trim().split_once("/set-up#").unwrap().1;
    let body = json!({"link": secret, "password": "another sentence"});
    assert_eq!(log_in("/set-up", body).await.status, StatusCode::OK);
    // The old password, and the session that it began, are good no more.
    let body = json!({"email": "ada@example.com", "password": "ein langer Satz"});
    assert_eq!(log_in("/session", body).await.status, StatusCode::UNAUTHORIZED);
    let session =
        server.raw(Method::GET, &format!("{BASE}/session"), &[("cookie", cookie)], "").await.unwrap();
    assert_eq!(session.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_did_what_is_shown_to_administrators() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    server.make("/lists", json!({"name": "Readers"})).await;
    server.make("/lists", json!({"name": "Writers"})).await;
    let refused = operator.fails(4, &["audit-log"]).await;
    assert!(refused.contains("api-key create --name audit --scope admin"), "{refused}");

    let key = operator.run(&["api-key", "create", "--name", "audit", "--scope", "admin"]).await;
    let shown = async |filter: &[&str]| {
        operator.run(&[&["audit-log", "--api-key", key.trim()][..], filter].concat()).await
    };
    let all = shown(&[]).await;
    let at = |text: &str| all.find(text).unwrap_or_else(|| panic!("no {text}: {all}"));
    assert!(all.starts_with("TIME") && at("Readers") < at("Writers"), "{all}");
    assert!(
        all.trim_end().lines().last().unwrap().contains("api_key.created"),
        "the newest is the last: {all}"
    );
    assert!(all.contains("name: - -> Readers"), "{all}");
    let lists = shown(&["--action", "list.created", "--q", "readers"]).await;
    assert!(lists.contains("Readers") && !lists.contains("Writers") && lists.lines().count() == 2, "{lists}");
    assert_eq!(shown(&["--until", "2020-01-01T00:00:00Z", "--json"]).await, "");
    let last = shown(&["--target", "Writers", "--limit", "1", "--json"]).await;
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&last["action"], &last["target"]["name"]), (&json!("list.created"), &json!("Writers")));
    let wrong = operator.fails(1, &["audit-log", "--api-key", key.trim(), "--action", "list.eaten"]).await;
    assert!(wrong.contains("action"), "{wrong}");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_one_line() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    for (args, password, status, said) in [
        (vec!["user", "create", "--email", "nobody"], "ein langer Satz", 2, "--email"),
        (vec!["user", "create", "--email", "a@example.com", "--role", "god"], "ein langer Satz", 2, "--role"),
        (vec!["user", "create", "--email", "a@example.com"], "short", 1, "10 to 200 characters"),
        (vec!["user", "create", "--email", "a@example.com"], "", 1, "10 to 200 characters"),
        (vec!["user", "link", "--email", "a@example.com"], "", 1, "user list"),
    ] {
        let output = operator.feed(&args, password.as_bytes()).await;
        let line = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {line}");
        assert!(line.trim_end().lines().count() == 1 && line.contains(said), "{args:?}: {line}");
    }
    let add = ["user", "create", "--email", "a@example.com", "--role", "viewer"];
    assert!(operator.feed(&add, b"ein langer Satz").await.status.success());
    let again = operator.feed(&add, b"ein langer Satz").await;
    assert!(stderr(&again).contains("user link"), "{}", stderr(&again));
}
