//! The receive endpoint: its own form for everything, and nothing of the interface around it.

use api::BASE;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, MAX_BODY, Server};

async fn webhook(server: &Server) -> String {
    let input = json!({"name": "Form", "event_type": "subscriber_added", "actions": [{"type": "add_subscriber", "tags": ["web"]}]});
    let url = server.post("/incoming-webhooks", input).await.json()["url"].as_str().unwrap().to_owned();
    url.strip_prefix("https://mail.example.com").unwrap().to_owned()
}

async fn send(server: &Server, method: Method, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    server.send(request.body(body.into()).unwrap()).await
}

fn message(answer: &Answer) -> String {
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.json()["success"], false);
    answer.json()["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_payload_of_the_specification_is_processed() {
    let server = Server::start().await;
    let path = webhook(&server).await;
    let body = json!({"event": "subscriber_added", "timestamp": "2024-01-15T10:30:00Z", "data": {"email": "john@example.com"}});
    let answer = send(&server, Method::POST, &path, body.to_string()).await;
    assert_eq!(answer.status, 200);
    let mut body = answer.json();
    assert!(body["request_id"].as_str().unwrap().starts_with("req_"));
    body["request_id"] = Value::Null;
    let expected = json!({"success": true, "message": "Webhook processed successfully", "processed_records": 1, "request_id": null});
    assert_eq!(body, expected);

    // The token may stand in a header, and the same again is told as such.
    let bare = path.split('?').next().unwrap();
    let token = path.split("token=").nth(1).unwrap();
    let again = || {
        let request = Request::post(bare).header("x-webhook-token", token).header("webhook-id", "msg_1");
        server.send(
            request
                .header("content-type", "application/json")
                .body(Body::from("{\"email\":\"a@example.com\"}"))
                .unwrap(),
        )
    };
    let (first, second) = (again().await, again().await);
    assert_eq!((first.status, second.status, &second.json()["duplicate"]), (200, 200, &json!(true)));
    assert_eq!(second.json()["request_id"], first.json()["request_id"]);
}

#[tokio::test]
async fn refusals_have_its_own_form() {
    let server = Server::start().await;
    let path = webhook(&server).await;
    for method in [Method::GET, Method::OPTIONS, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = send(&server, method.clone(), &path, "").await;
        assert_eq!((answer.status, message(&answer).is_empty()), (405, false), "{method}");
        assert_eq!(answer.headers["allow"], "POST", "{method}");
    }
    assert_eq!(send(&server, Method::HEAD, &path, "").await.status, 405);

    let wrong_token = send(&server, Method::POST, &format!("{path}x"), "{}").await;
    let wrong_id = send(&server, Method::POST, &format!("{BASE}/webhooks/a1b2c3d4e5f6?token=x"), "{}").await;
    let no_token = send(&server, Method::POST, path.split('?').next().unwrap(), "{}").await;
    assert_eq!((wrong_token.status, wrong_id.status, no_token.status), (404, 404, 404));
    assert_eq!((&wrong_token.text, &wrong_token.text), (&wrong_id.text, &no_token.text));

    assert!(message(&send(&server, Method::POST, &path, "{").await).contains("line 1 column 1"));
    let too_large = send(&server, Method::POST, &path, " ".repeat(MAX_BODY + 1)).await;
    assert_eq!(
        (too_large.status, message(&too_large)),
        (413, format!("The body has more than {MAX_BODY} bytes"))
    );
    let broken = futures_util::stream::iter(vec![Err::<String, _>(std::io::Error::other("gone"))]);
    let broken = send(&server, Method::POST, &path, Body::from_stream(broken)).await;
    assert_eq!((broken.status, message(&broken).is_empty()), (400, false));
    let plain = server
        .send(Request::post(&path).header("content-type", "text/html").body(Body::from("{}")).unwrap())
        .await;
    assert_eq!((plain.status, message(&plain).is_empty()), (415, false));
    assert_eq!(plain.headers["accept-encoding"], "gzip, deflate");
}
