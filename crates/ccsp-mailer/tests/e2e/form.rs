//! Forms of web sites: what browsers and plugins post, without code.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Kind, Server, World, target, text};

on_both_databases!(a_form_makes_a_subscriber);

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
