//! A small HTTP client for tests of the API: JSON in, JSON out, and raw requests for what the API must refuse.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The path under which the whole API lives, from the product's contract.
pub const BASE: &str = "/wp-json/ccsp-mailer/v1";

/// No answer of the API takes nearly as long; a server that hangs fails the test instead of stalling it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one server. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Api {
    address: SocketAddr,
    key: Option<HeaderValue>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The request's method and path, for messages.
    pub request: String,
    /// The status.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
}

impl Api {
    /// A client that shows `key` as its API key.
    ///
    /// # Errors
    /// When the key can't stand in a header.
    pub fn new(address: SocketAddr, key: &str) -> anyhow::Result<Api> {
        let mut key = HeaderValue::try_from(format!("Bearer {key}")).context("not an API key")?;
        key.set_sensitive(true);
        Ok(Api { key: Some(key), ..Api::anonymous(address) })
    }

    /// A client without a key.
    pub fn anonymous(address: SocketAddr) -> Api {
        let mut connector = HttpConnector::new();
        // Otherwise a body that follows its head may wait for the server's acknowledgement.
        connector.set_nodelay(true);
        Api { address, key: None, client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// GET of a path under [`BASE`], such as `/subscribers?limit=5`.
    ///
    /// # Errors
    /// When there is no whole answer, whatever its status.
    pub async fn get(&self, path: &str) -> anyhow::Result<Response> {
        self.send(Method::GET, path, None).await
    }

    /// POST of JSON to a path under [`BASE`].
    ///
    /// # Errors
    /// When there is no whole answer, whatever its status.
    pub async fn post(&self, path: &str, json: &Value) -> anyhow::Result<Response> {
        self.send(Method::POST, path, Some(json)).await
    }

    /// PATCH of a path under [`BASE`] with JSON.
    ///
    /// # Errors
    /// When there is no whole answer, whatever its status.
    pub async fn patch(&self, path: &str, json: &Value) -> anyhow::Result<Response> {
        self.send(Method::PATCH, path, Some(json)).await
    }

    /// DELETE of a path under [`BASE`].
    ///
    /// # Errors
    /// When there is no whole answer, whatever its status.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Response> {
        self.send(Method::DELETE, path, None).await
    }

    /// Any request, to a path from the root, with exactly these headers and no key.
    ///
    /// # Errors
    /// When the request can't be written as HTTP, or there is no whole answer.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Response> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name =
                name.parse::<HeaderName>().with_context(|| format!("not a header's name: {name:?}"))?;
            map.append(name, value.parse().with_context(|| format!("not a header's value: {value:?}"))?);
        }
        self.exchange(method, path, map, body.into()).await
    }

    async fn send(&self, method: Method, path: &str, json: Option<&Value>) -> anyhow::Result<Response> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.key {
            headers.insert(header::AUTHORIZATION, key.clone());
        }
        let mut body = Bytes::new();
        if let Some(json) = json {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            body = json.to_string().into();
        }
        self.exchange(method, &format!("{BASE}{path}"), headers, body).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let name = format!("{method} {path}");
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{path}", self.address).parse().context("not a path")?;
        *request.headers_mut() = headers;

        let answer = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Response { request: name.clone(), status: head.status, headers: head.headers, body })
        };
        tokio::time::timeout(TIMEOUT, answer)
            .await
            .with_context(|| format!("no answer to {name} within {TIMEOUT:?}"))?
            .with_context(|| format!("no answer to {name}"))
    }
}

impl Response {
    /// The body as JSON; null when it is empty.
    ///
    /// # Errors
    /// When it isn't JSON; the error shows it.
    pub fn json(&self) -> anyhow::Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {}", self.summary()))
    }

    /// The body as JSON, of an answer that must have that status.
    ///
    /// # Errors
    /// When it has another or its body isn't JSON; the error shows the answer.
    pub fn expect(&self, status: StatusCode) -> anyhow::Result<Value> {
        ensure!(self.status == status, "expected {status}: {}", self.summary());
        self.json()
    }

    /// The first header of that name, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn summary(&self) -> String {
        format!("{} answered {} {}", self.request, self.status, String::from_utf8_lossy(&self.body))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Receiver;
    use crate::receiver::{Answer, Reply, always};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn sends_json_with_the_key_under_the_base() {
        let server = Receiver::start().await.unwrap();
        let api = Api::new(server.address(), "k3y").unwrap();
        api.post("/tags", &json!({"name": "vip"})).await.unwrap();
        api.patch("/tags/1", &json!({"name": "vips"})).await.unwrap();
        api.get("/tags?limit=2").await.unwrap();
        api.delete("/tags/1").await.unwrap();

        let requests = server.wait_for(4, SECOND).await.unwrap();
        let lines: Vec<_> =
            requests.iter().map(|request| format!("{} {}", request.method, request.path_and_query)).collect();
        assert_eq!(
            lines,
            [
                format!("POST {BASE}/tags"),
                format!("PATCH {BASE}/tags/1"),
                format!("GET {BASE}/tags?limit=2"),
                format!("DELETE {BASE}/tags/1"),
            ]
        );
        assert!(requests.iter().all(|request| request.header("authorization") == Some("Bearer k3y")));
        assert_eq!(requests[0].header("content-type"), Some("application/json"));
        assert_eq!(requests[0].json().unwrap(), json!({"name": "vip"}));
        assert_eq!(requests[2].header("content-type"), None);
        assert_eq!(server.connections(), 1);
    }

    #[tokio::test]
    async fn raw_sends_what_it_is_given_and_nothing_else() {
        let server = Receiver::start().await.unwrap();
        let api = Api::new(server.address(), "k3y").unwrap();
        let headers = [("x-twice", "1"), ("x-twice", "2")];
        api.raw(Method::PUT, "/healthz", &headers, "{oops").await.unwrap();

        let request = server.requests().remove(0);
        assert_eq!(request.method, Method::PUT);
        assert_eq!(request.path_and_query, "/healthz");
        assert_eq!(request.headers.get_all("x-twice").iter().count(), 2);
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.body, "{oops");
    }

    #[tokio::test]
    async fn shows_an_answer_that_was_not_expected() {
        let server = Receiver::start().await.unwrap();
        server.otherwise(always(Answer::new(StatusCode::CONFLICT).body("taken")));
        let response = Api::anonymous(server.address()).get("/tags").await.unwrap();

        assert_eq!(response.status, StatusCode::CONFLICT);
        let expected = format!("GET {BASE}/tags answered 409 Conflict taken");
        assert!(response.expect(StatusCode::OK).unwrap_err().to_string().ends_with(&expected));
        assert!(response.expect(StatusCode::CONFLICT).unwrap_err().to_string().ends_with(&expected));
    }

    #[tokio::test]
    async fn an_empty_body_is_null() {
        let server = Receiver::start().await.unwrap();
        server.otherwise(always(StatusCode::NO_CONTENT));
        let response = Api::anonymous(server.address()).delete("/tags/1").await.unwrap();
        assert_eq!(response.expect(StatusCode::NO_CONTENT).unwrap(), Value::Null);
    }

    #[tokio::test]
    async fn no_answer_is_an_error_that_names_the_request() {
        let server = Receiver::start().await.unwrap();
        server.otherwise(always(Reply::Disconnect));
        let error = Api::anonymous(server.address()).get("/tags").await.unwrap_err();
        assert_eq!(error.to_string(), format!("no answer to GET {BASE}/tags"));
    }

    #[test]
    fn a_key_that_breaks_the_header_is_refused() {
        assert!(Api::new(SocketAddr::from(([127, 0, 0, 1], 1)), "a\r\nb").is_err());
    }
}
