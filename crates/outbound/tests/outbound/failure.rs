//! Every way to fail, and the class it is given.

use std::{future::pending, sync::Arc, time::Duration};

use http::{Method, Response};
use outbound::{Client, Lookup, Options, Resolve, ResolveError, SendError};
use tokio::{io::AsyncWriteExt, net::TcpSocket};

use crate::{
    server::{Server, read_request},
    support::{IMPATIENT, get, local_client, local_options},
};

/// What happened after the head was there, if what had come until then is all there.
fn broken_off(error: SendError) -> SendError {
    let SendError::Interrupted { answer, error } = error else { panic!("{error:?}") };
    assert_eq!((answer.status, answer.truncated), (200, true));
    assert!(answer.headers.len() == 1 && answer.body.ends_with(b"some"), "{answer:?}");
    *error
}

async fn failure(url: impl AsRef<str>) -> SendError {
    local_client().send(get(url)).await.unwrap_err()
}

#[tokio::test]
async fn nobody_listens() {
    // Bound, so that nobody else gets the port meanwhile, and not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();

    let error = failure(format!("http://{address}/")).await;
    assert!(matches!(error, SendError::ConnectionRefused), "{error:?}");
}

#[tokio::test]
async fn closed_before_an_answer() {
    let server = Server::answering("").await;

    let error = failure(server.url("/")).await;
    assert!(matches!(error, SendError::ConnectionClosed(_)), "{error:?}");
}

#[tokio::test]
async fn closed_within_the_body() {
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n4\r\nsome")).await;

        let error = broken_off(failure(server.url("/")).await);
        assert!(matches!(error, SendError::ConnectionClosed(_)), "{head}: {error:?}");
    }
}

#[tokio::test]
async fn reset_within_the_body() {
    let server = Server::raw(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;

    let error = broken_off(failure(server.url("/")).await);
    assert!(matches!(error, SendError::ConnectionClosed(_)), "{error:?}");
}

#[tokio::test]
async fn not_http() {
    for answer in [
        "220 mail.example ESMTP\r\n".to_owned(),
        "HTTP/1.1 999999 What\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(200 * 1024)),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200)),
    ] {
        let server = Server::answering(answer.clone()).await;

        let error = failure(server.url("/")).await;
        assert_eq!(error.code(), "invalid_response", "{answer:.60}: {error:?}");
    }
}

#[tokio::test]
async fn slow_to_answer() {
    let server = Server::http(|_| pending::<Response<_>>()).await;

    let request = outbound::Request { timeout: IMPATIENT, ..get(server.url("/")) };
    let error = local_client().send(request).await.unwrap_err();
    assert!(matches!(error, SendError::Timeout), "{error:?}");
}

#[tokio::test]
async fn slow_to_finish() {
    let server = Server::raw(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await.unwrap();
        pending().await
    })
    .await;

    for timeout in [IMPATIENT, 20 * IMPATIENT, 200 * IMPATIENT] {
        let request = outbound::Request { timeout, ..get(server.url("/")) };
        let error = local_client().send(request).await.unwrap_err();
        // The machine may be too slow for the head to come within a short one.
        if matches!(error, SendError::Timeout) {
            continue;
        }
        let error = broken_off(error);
        assert!(matches!(error, SendError::Timeout), "{error:?}");
        return;
    }
    panic!("the head never came");
}

#[tokio::test]
async fn slow_to_shake_hands() {
    let server = Server::raw(|stream| async move {
        let _open = stream;
        pending().await
    })
    .await;
    let client = Client::new(Options { connect_timeout: IMPATIENT, ..local_options() }).unwrap();

    let error = client.send(get(format!("https://{}/", server.address))).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectTimeout), "{error:?}");
}

#[tokio::test]
async fn slower_to_shake_hands_than_the_request_allows() {
    let server = Server::raw(|stream| async move {
        let _open = stream;
        pending().await
    })
    .await;
    let url = format!("https://{}/", server.address);

    let request = outbound::Request { connect_timeout: Some(IMPATIENT), ..get(url) };
    let error = local_client().send(request).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectTimeout), "{error:?}");
}

#[tokio::test]
async fn an_answer_may_take_longer_than_the_connection() {
    /// Long enough for a connection on a slow machine.
    const LIMIT: Duration = Duration::from_secs(2);
    let server = Server::http(|_| async {
        tokio::time::sleep(LIMIT + LIMIT / 4).await;
        Response::new(http_body_util::Full::new(bytes::Bytes::from_static(b"late")))
    })
    .await;

    let client = local_client();
    for kept in [false, true] {
        let request = outbound::Request { connect_timeout: Some(LIMIT), ..get(server.url("/")) };
        let response = client.send(request).await.unwrap();
        assert_eq!(&response.body[..], b"late", "on a kept connection: {kept}");
    }
}

struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a str) -> Lookup<'a> {
        Box::pin(pending())
    }
}

#[tokio::test]
async fn slow_to_resolve() {
    let resolver = Some(Arc::new(Silent) as _);
    let options = Options { resolver, connect_timeout: IMPATIENT, ..Options::default() };
    let client = Client::new(options).unwrap();

    let error = client.send(get("http://example.com/")).await.unwrap_err();
    assert!(matches!(&error, SendError::Dns { source: ResolveError::Timeout, .. }), "{error:?}");
}

#[tokio::test]
async fn an_unknown_name() {
    let error = failure("http://nobody.example.com/").await;
    assert!(matches!(&error, SendError::Dns { host, .. } if host == "nobody.example.com"), "{error:?}");
}

#[tokio::test]
async fn connect_makes_no_tunnel() {
    let request = outbound::Request { method: Method::CONNECT, ..get("http://127.0.0.1:1/") };
    let error = local_client().send(request).await.unwrap_err();
    assert!(matches!(error, SendError::UnsupportedMethod), "{error:?}");
}
