//! A server whose public address is https takes nothing over plain HTTP, unless it may.

use axum::body::Body;
use engine::Scope;
use http::{Method, Request};
use serde_json::json;

use crate::support::{Answer, Server, request};

const BASE: &str = "/wp-json/ccsp-mailer/v1";

/// What comes from 203.0.113.7, as all of these do, with this word of how it came.
async fn ask(server: &Server, said: Option<&str>) -> Answer {
    let mut request = request(Method::GET, "/lists", Some(Scope::Read), None);
    if let Some(said) = said {
        request.headers_mut().insert("x-forwarded-proto", said.parse().unwrap());
    }
    server.send(request).await
}

async fn post(server: &Server, said: Option<&str>) -> Answer {
    let target = format!("{BASE}/webhooks/a1b2c3d4e5f6?token=t");
    let mut request = Request::post(target).header("content-type", "application/json");
    if let Some(said) = said {
        request = request.header("x-forwarded-proto", said);
    }
    server.send(request.body(Body::from("{}")).unwrap()).await
}

#[tokio::test]
async fn plain_http_is_refused_where_https_is_public() {
    let server = Server::start_with(|state| state.allow_http = false).await;
    for said in [None, Some("https"), Some("http")] {
        let refused = ask(&server, said).await;
        assert_eq!((refused.status, &refused.json()["type"]), (403, &json!("/docs/errors#https-required")));
        let refused = post(&server, said).await;
        assert_eq!((refused.status, &refused.json()["success"]), (403, &json!(false)));
        assert!(refused.json()["message"].as_str().unwrap().contains("https"));
    }
    let health = server.send(Request::get("/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!(health.status, 200, "what watches it from inside asks over plain HTTP");
}

#[tokio::test]
async fn a_trusted_proxy_says_how_it_came() {
    let server = Server::start_with(|state| {
        state.allow_http = false;
        state.trusted_proxies = vec!["203.0.113.0/24".parse().unwrap()];
    })
    .await;
    assert_eq!(
        (ask(&server, Some("https")).await.status, post(&server, Some("https")).await.status),
        (200, 404)
    );
    for said in [None, Some("http")] {
        assert_eq!(
            (ask(&server, said).await.status, post(&server, said).await.status),
            (403, 403),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn plain_http_is_taken_where_it_may_or_is_public_itself() {
    for (url, allow_http) in [("https://mail.example.com", true), ("http://mail.example.com", false)] {
        let server = Server::start_with(|state| {
            state.public_url = url.into();
            state.allow_http = allow_http;
        })
        .await;
        assert_eq!((ask(&server, None).await.status, post(&server, None).await.status), (200, 404), "{url}");
    }
}
