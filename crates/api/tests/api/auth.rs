//! Who may do what: every operation of the document is tried by nobody, by a stranger, and by a key below its scope.

use api::openapi;
use engine::Scope;
use http::{Method, Request};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use signature::MasterKey;

use crate::support::{Server, key_of, request};

/// Operations for everyone. Whatever is not named here must ask for a scope.
const PUBLIC: &[&str] = &[
    "GET /healthz",
    "GET /readyz",
    "GET /wp-json/ccsp-mailer/v1/openapi.json",
    // By a password, or by a link.
    "POST /wp-json/ccsp-mailer/v1/session",
    "POST /wp-json/ccsp-mailer/v1/set-up",
    // By the token of the webhook.
    "POST /wp-json/ccsp-mailer/v1/webhooks/{id}",
];

/// What an operation asks for: its method, its path with its parameters filled in, and its scope.
fn operations(document: &Value) -> Vec<(Method, String, Option<Scope>, String)> {
    let all = openapi::operations(document).map(|(path, method, operation)| {
        let method: Method = method.to_ascii_uppercase().parse().unwrap();
        let scope = openapi::scope(operation).map(|name| Scope::from_name(name).unwrap());
        let filled = fill(path, operation);
        (method.clone(), filled, scope, format!("{method} {path}"))
    });
    all.collect()
}

/// Puts something well formed in the place of each parameter.
fn fill(path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    parameters.iter().filter(|parameter| parameter["in"] == "path").fold(
        path.to_owned(),
        |path, parameter| {
            let name = parameter["name"].as_str().unwrap();
            let value = if parameter["schema"]["type"] == "integer" { "1" } else { "a1b2c3d4e5f6" };
            path.replace(&format!("{{{name}}}"), value)
        },
    )
}

fn bare(method: &Method, path: &str, key: Option<&str>) -> Request<axum::body::Body> {
    let request = Request::builder().method(method).uri(path);
    let request = match key {
        Some(key) => request.header("authorization", format!("Bearer {key}")),
        None => request,
    };
    request.body(axum::body::Body::empty()).unwrap()
}

#[tokio::test]
async fn every_operation_asks_for_the_scope_that_it_names() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json();
    let operations = operations(&document);
    assert!(operations.len() > 10);
    for (method, path, scope, name) in operations {
        let Some(scope) = scope else {
            assert!(
                PUBLIC.contains(&name.as_str()),
                "{name} asks for no scope, and is not known to be public"
            );
            continue;
        };
        assert!(!PUBLIC.contains(&name.as_str()), "{name} is said to be public");

        let nobody = server.send(bare(&method, &path, None)).await;
        assert_eq!(nobody.status, 401, "{name}");
        assert_eq!(nobody.headers["www-authenticate"], "Bearer", "{name}");
        assert_eq!(nobody.headers["content-type"], "application/problem+json", "{name}");

        let stranger = server.send(bare(&method, &path, Some("ccsp_nobody"))).await;
        assert_eq!((stranger.status, stranger.code().as_str()), (401, "unauthorized"), "{name}");

        let below = [Scope::Read, Scope::Write, Scope::Admin].into_iter().filter(|other| *other < scope);
        for other in below {
            let answer = server.send(bare(&method, &path, Some(&key_of(other)))).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "forbidden"),
                "{name} by {}",
                other.as_str()
            );
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(scope.as_str()), "{detail}");
        }

        // Nothing is asked of the body before the caller is known, and then something is.
        let known = server.open(bare(&method, &path, Some(&key_of(scope)))).await.status().as_u16();
        assert!(![401, 403, 500].contains(&known), "{name}: {known}");
    }
}

#[tokio::test]
async fn reading_asks_for_read_and_changing_for_more() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json();
    for (method, _, scope, name) in
        operations(&document).into_iter().filter(|operation| operation.2.is_some())
    {
        let admins = ["/api-keys", "/audit-log", "/users", "/settings"];
        let expected = if admins.iter().any(|of| name.contains(of)) {
            Scope::Admin
        } else if method == Method::GET || name.contains("/session") {
            Scope::Read
        } else {
            Scope::Write
        };
        assert_eq!(scope, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn the_header_must_be_a_bearer_key() {
    let server = Server::start().await;
    let key = key_of(Scope::Read);
    for right in [format!("Bearer {key}"), format!("bearer {key}"), format!("BEARER   {key}")] {
        let mut request = request(Method::GET, "/incoming-webhooks", None, None);
        request.headers_mut().insert("authorization", right.parse().unwrap());
        assert_eq!(server.send(request).await.status, 200, "{right}");
    }
    for wrong in [
        key.clone(),
        format!("Basic {key}"),
        "Bearer".into(),
        "Bearer ".into(),
        format!("Bearer {}", "k".repeat(5_000)),
    ] {
        let mut request = request(Method::GET, "/incoming-webhooks", None, None);
        request.headers_mut().insert("authorization", wrong.parse().unwrap());
        assert_eq!(server.send(request).await.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn a_key_works_from_the_moment_it_is_made_until_it_is_revoked() {
    let server = Server::start().await;
    let made = server.post("/api-keys", serde_json::json!({"name": "Website", "scope": "write"})).await;
    assert_eq!(made.status, 201);
    let (made, listed) = (made.json(), server.get("/api-keys").await);
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(!listed.text.contains(&key), "the key is shown again");
    assert_eq!(listed.json()["data"][0]["id"], made["id"]);
    assert!(key.ends_with(made["hint"].as_str().unwrap().trim_start_matches('•')));

    let use_it = || server.send(bare(&Method::GET, "/wp-json/ccsp-mailer/v1/incoming-webhooks", Some(&key)));
    assert_eq!(use_it().await.status, 200);
    let path = format!("/api-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(use_it().await.status, 401);
    assert_eq!(server.delete(&path).await.status, 404);
}

#[tokio::test]
async fn a_key_that_another_process_made_works_at_once() {
    let server = Server::start().await;
    let store = server.second_store();
    store
        .write(store::api_keys::InsertApiKey { row: crate::support::api_key("ccsp_by_the_cli", Scope::Read) })
        .await
        .unwrap();
    let request = bare(&Method::GET, "/wp-json/ccsp-mailer/v1/incoming-webhooks", Some("ccsp_by_the_cli"));
    assert_eq!(server.send(request).await.status, 200);
}

#[tokio::test]
async fn metrics_are_for_keys_unless_they_are_public() {
    let server = Server::start().await;
    let shown = server.send(bare(&Method::GET, "/metrics", Some(&key_of(Scope::Read)))).await;
    assert_eq!(shown.status, 200);
    assert!(shown.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let server = Server::start_with(|state| state.metrics_public = true).await;
    assert_eq!(server.send(bare(&Method::GET, "/metrics", None)).await.status, 200);
}

#[tokio::test]
async fn who_has_the_master_key_may_change_things_for_a_minute() {
    let server = Server::start().await;
    let mut random = StdRng::seed_from_u64(2);
    let (own, other) = (crate::support::master_key(), MasterKey::generate(&mut random));
    let now = server.engine.now().seconds();
    let path = "/wp-json/ccsp-mailer/v1/incoming-webhooks";
    let mut status = async |key: &MasterKey, at: i64, path: &str| {
        let pass = key.issue_pass(at, &mut random);
        server.send(bare(&Method::GET, path, Some(pass.expose()))).await.status
    };
    assert_eq!(status(&own, now, path).await, 200);
    assert_eq!(status(&own, now - 3_600, path).await, 401, "an old pass");
    assert_eq!(status(&other, now, path).await, 401, "a pass of another key");
    assert_eq!(status(&own, now, "/wp-json/ccsp-mailer/v1/api-keys").await, 403, "that is for admins");
}
