//! What is refused before a handler sees it, and in which form.

use api::BASE;
use api::problem::Code;
use axum::body::Body;
use engine::Scope;
use http::{Method, Request};
use serde_json::json;

use crate::support::{Answer, MAX_BODY, Server, key_of, request};

/// A POST of this text to a resource that takes JSON.
async fn post(server: &Server, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(format!("{BASE}/outgoing-webhooks"))
        .header("authorization", format!("Bearer {}", key_of(Scope::Write)))
        .header("content-type", content_type)
        .body(body.into())
        .unwrap();
    server.send(request).await
}

#[tokio::test]
async fn a_problem_has_the_form_of_the_rfc() {
    let server = Server::start().await;
    let answer = server.post("/outgoing-webhooks", json!({"name": "A", "events": ["x"]})).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(
        answer.json(),
        json!({
            "type": "/docs/errors#invalid-body", "title": "The body is not valid", "status": 422,
            "detail": "url: is required", "errors": [{"field": "url", "message": "is required"}],
        })
    );
}

#[tokio::test]
async fn what_is_not_json_is_told_with_its_position() {
    let server = Server::start().await;
    for (body, place) in [
        ("{\"name\":\n \"x\",}", "line 2 column 6"),
        ("{", "line 1 column 1"),
        ("{\"a\":1} {}", "line 1 column 9"),
        ("{\"a\":\"\\ud800\"}", "line 1 column 13"),
        ("{\"a\":1e999}", "line 1 column"),
        ("nul", "line 1 column 3"),
        ("", "empty"),
        (" \n", "empty"),
    ] {
        let answer = post(&server, "application/json", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-json"), "{body}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(place), "{body}: {detail}");
    }
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(post(&server, "application/json", deep).await.status, 400);
    let not_utf8 = b"{\"name\":\"\xff\xfe\"}".to_vec();
    assert_eq!(post(&server, "application/json", not_utf8).await.status, 400);
}

#[tokio::test]
async fn bodies_are_json_and_not_too_large() {
    let server = Server::start().await;
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"] {
        let answer = post(&server, wrong, "{}").await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported-media-type"), "{wrong}");
    }
    let largest = format!("\"{}\"", "x".repeat(MAX_BODY - 2));
    assert_eq!(post(&server, "application/json", largest.clone()).await.status, 422);
    let larger = format!("{largest} ");
    assert_eq!(post(&server, "application/json", larger.clone()).await.code(), "body-too-large");
    // Without a length in front.
    let chunks = futures_util::stream::iter(vec![Ok::<_, std::io::Error>(larger)]);
    assert_eq!(post(&server, "application/json", Body::from_stream(chunks)).await.code(), "body-too-large");
    let broken = futures_util::stream::iter(vec![Err::<String, _>(std::io::Error::other("gone"))]);
    assert_eq!(post(&server, "application/json", Body::from_stream(broken)).await.code(), "body-unreadable");
}

#[tokio::test]
async fn other_kinds_of_json_are_json() {
    let server = Server::start().await;
    for right in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        assert_eq!(post(&server, right, "{}").await.status, 422, "{right}");
    }
}

#[tokio::test]
async fn beside_the_interface_there_is_the_page() {
    let server = Server::start().await;
    for path in ["/", "/outgoing/f6e5d4c3b2a1", "/nothing"] {
        let answer = server.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status, &answer.headers["content-type"]),
            (200, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert!(answer.headers.contains_key("content-security-policy"), "{path}");
    }
    let posted = server.send(Request::post("/nothing").body(Body::empty()).unwrap()).await;
    assert_eq!((posted.status, posted.code().as_str()), (404, "not-found"));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    let get = |path: &str| server.send(Request::get(path.to_owned()).body(Body::empty()).unwrap());
    for path in
        ["/wp-json/ccsp-mailer/v1", "/wp-json/ccsp-mailer/v1/nothing", "/wp-json/ccsp-mailer/v2/lists"]
    {
        let answer = get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not-found"), "{path}");
    }
    for malformed in ["a", "A1B2C3D4E5F6", "%00", "%FF", "a1b2c3d4e5f6x", "..%2f..%2fetc"] {
        let answer = server.get(&format!("/incoming-webhooks/{malformed}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not-found"), "{malformed}");
    }
    let put = server.send(request(Method::PUT, "/incoming-webhooks", Some(Scope::Admin), None)).await;
    assert_eq!((put.status, put.code().as_str()), (405, "method-not-allowed"));
    assert_eq!(put.headers["allow"], "GET,HEAD,POST");
}

#[tokio::test]
async fn every_code_is_explained_where_its_type_leads() {
    let server = Server::start().await;
    let page = server.send(Request::get("/docs/errors").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, 200);
    let written = include_str!("../../../../docs/errors.md");
    for code in Code::ALL {
        assert!(page.text.contains(&format!("id=\"{}\"", code.as_str())), "{code:?} is not at /docs/errors");
        let heading = format!("\n### {}\n\n**{}.**", code.as_str(), code.status().as_u16());
        assert!(written.contains(&heading), "{code:?} is not in docs/errors.md with its status");
    }
}

#[tokio::test]
async fn health_is_told_to_everyone() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
    }
}

#[tokio::test]
async fn without_its_database_the_server_asks_to_come_again() {
    let mut server = Server::start_on_postgres().await;
    server.lose_database();
    for answer in [
        server.get("/incoming-webhooks").await,
        server.post("/incoming-webhooks", json!({"name": "A", "event_type": "a"})).await,
        server.send(Request::get("/readyz").body(Body::empty()).unwrap()).await,
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{answer:?}");
        assert_eq!(answer.headers["retry-after"], "5");
    }
    assert_eq!(server.send(Request::get("/healthz").body(Body::empty()).unwrap()).await.status, 200);
}
