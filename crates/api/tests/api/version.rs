//! Nobody overwrites unseen what someone else has changed: `ETag` and `If-Match`.

use engine::Scope;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Server, request};

async fn change(server: &Server, method: Method, path: &str, etag: &str, body: Option<Value>) -> Answer {
    let mut request = request(method, path, Some(Scope::Write), body);
    request.headers_mut().insert("if-match", etag.parse().unwrap());
    server.send(request).await
}

fn etag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

async fn changes_are_made_to_what_was_read(server: Server) {
    for (family, new) in [
        ("incoming-webhooks", json!({"name": "Form", "event_type": "subscriber_added"})),
        ("outgoing-webhooks", json!({"name": "Out", "url": "https://example.com/", "events": ["*"]})),
        ("subscribers", json!({"email": "ada@example.com", "first_name": "Ada"})),
    ] {
        let made = server.post(&format!("/{family}"), new).await.json();
        let path = format!("/{family}/{}", made["id"]).replace('"', "");
        let field = if family == "subscribers" { "last_name" } else { "name" };
        let read = etag(&server.get(&path).await);
        let by_reader = server.send(request(Method::GET, &path, Some(Scope::Read), None)).await;
        assert_eq!(etag(&by_reader), read, "the same for everyone");

        let first = change(&server, Method::PATCH, &path, &read, Some(json!({field: "one"}))).await;
        assert_eq!(first.status, 200, "{first:?}");
        let now = etag(&first);
        assert_ne!(now, read);
        assert_eq!(etag(&server.get(&path).await), now);

        let second = change(&server, Method::PATCH, &path, &read, Some(json!({field: "two"}))).await;
        assert_eq!((second.status, second.code().as_str()), (412, "changed-meanwhile"), "{path}");
        let second = change(&server, Method::DELETE, &path, &read, None).await;
        assert_eq!((second.status, second.code().as_str()), (412, "changed-meanwhile"), "{path}");
        assert_eq!(server.get(&path).await.json()[field], "one");

        let without = server.patch(&path, json!({field: "three"})).await;
        assert_eq!((without.status, &without.json()[field]), (200, &json!("three")));
        assert_eq!(change(&server, Method::DELETE, &path, &etag(&without), None).await.status, 204);
        assert_eq!(change(&server, Method::DELETE, &path, "*", None).await.status, 404);
    }
}

#[tokio::test]
async fn changes_are_made_to_what_was_read_on_sqlite() {
    changes_are_made_to_what_was_read(Server::start().await).await;
}

#[tokio::test]
async fn changes_are_made_to_what_was_read_on_postgres() {
    changes_are_made_to_what_was_read(Server::start_on_postgres().await).await;
}
