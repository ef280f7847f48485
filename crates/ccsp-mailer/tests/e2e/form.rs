//! Forms of web sites: what browsers and plugins post, without code.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Kind, Server, World, target, text};

on_both_databases!(a_form_makes_a_subscriber, other_bodies_do_so_too);

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn post(server: &Server, webhook: &Value, body: &str) -> Value {
    let answer = server.raw(Method::POST, &target(webhook), &[FORM], body.to_owned()).await.unwrap();
    answer.expect(StatusCode::OK).unwrap()
}

async fn a_form_makes_a_subscriber(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let plain = server.incoming(json!({})).await;
    post(&server, &plain, "email=ada%40example.com&first_name=Ada").await;
    assert_eq!(server.subscriber("ada@example.com").await.unwrap()["first_name"], "Ada");

    let mapping = json!([
        {"to": "email", "from": "form_fields.email"},
        {"to": "custom_field.topics", "from": "form_fields.topics"},
    ]);
    let mapped = server.incoming(json!({"mapping": mapping})).await;
    let body =
        "form_fields%5Bemail%5D=grace%40example.com&form_fields[topics][]=navy&form_fields[topics][]=cobol";
    let answer = post(&server, &mapped, body).await;
    let subscriber = server.subscriber("grace@example.com").await.unwrap();
    assert_eq!(subscriber["custom_fields"]["topics"], json!(["navy", "cobol"]));

    // The log shows it as it was understood, and can run it again.
    let path = format!("/requests/{}", text(&answer["request_id"]));
    assert_eq!(server.show(&path).await["payload"]["form_fields"]["email"], "grace@example.com");
    let again =
        server.post(&format!("{path}/retry"), &json!({})).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!((&again["status"], &again["attempts"]), (&json!("processed"), &json!(2)));
}

async fn other_bodies_do_so_too(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({})).await;
    let post = |headers: Vec<(&'static str, &'static str)>, body: Vec<u8>| {
        let (server, target) = (&server, target(&webhook));
        async move { server.raw(Method::POST, &target, &headers, body).await.unwrap() }
    };
    // What `gzip` makes of {"email":"gzip@example.com"}.
    let gzipped = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 205, 77, 204, 204, 81, 178, 82, 74, 175, 202, 44, 112,
        72, 173, 72, 204, 45, 200, 73, 213, 75, 206, 207, 85, 170, 5, 0, 62, 205, 87, 47, 28, 0, 0, 0,
    ];
    let parts = "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nparts@example.com\r\n\
                 --b\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"cv.pdf\"\r\n\r\n%PDF\r\n--b--\r\n";
    let lines = "{\"email\":\"one@example.com\"}\n7\n{\"email\":\"two@example.com\"}\n";
    let event = [("ce-specversion", "1.0"), ("ce-type", "signup"), ("ce-source", "/"), ("ce-id", "1"), JSON];
    for (headers, body, processed) in [
        (vec![JSON, ("content-encoding", "gzip")], gzipped.to_vec(), 1),
        (vec![("content-type", "multipart/form-data; boundary=b")], parts.into(), 1),
        (vec![("content-type", "application/x-ndjson")], lines.into(), 2),
        (event.to_vec(), "{\"email\":\"event@example.com\"}".into(), 1),
    ] {
        let answer = post(headers, body).await.expect(StatusCode::OK).unwrap();
        assert_eq!(answer["processed_records"], processed, "{answer}");
    }
    for name in ["gzip", "parts", "one", "two", "event"] {
        assert!(server.subscriber(&format!("{name}@example.com")).await.is_some(), "{name}");
    }

    // The line that is no record is in the log, with its place; and all of it can be run again.
    let entries = server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await;
    let lines = &entries[1];
    assert_eq!((&lines["status"], &lines["errors"][0]["field"]), (&json!("failed"), &json!("1")));
    assert_eq!(entries[2]["payload"]["cv"]["file_name"], "cv.pdf");
    for entry in &entries {
        let path = format!("/requests/{}/retry", text(&entry["id"]));
        let again = server.post(&path, &json!({})).await.unwrap().expect(StatusCode::OK).unwrap();
        assert_eq!(again["status"], entry["status"], "{entry}");
    }
    let bomb = post(vec![JSON, ("content-encoding", "br")], b"{}".to_vec()).await;
    assert_eq!(bomb.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
