//! What is sent, what comes back, and what happens to the connection.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, header};
use http_body_util::{BodyExt, Full};
use outbound::{Client, MAX_RESPONSE_BODY, Options};
use tokio::{io::AsyncWriteExt, sync::Notify};

use crate::{
    server::{Server, read_request},
    support::{Names, get, local_client, local_options, post},
};

#[tokio::test]
async fn a_post_arrives_as_it_was_given_and_the_answer_comes_back() {
    let server = Server::http(|request| async move {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let seen = format!(
            "{} {} {:?} {:?} {}",
            head.method,
            head.uri,
            head.headers["x-webhook-event"],
            head.headers["content-length"],
            String::from_utf8_lossy(&body)
        );
        Response::builder().status(201).header("x-answer", "yes").body(seen.into()).unwrap()
    })
    .await;

    let mut request = post(server.url("/in?token=a%20b"), r#"{"n":1}"#);
    request.headers.insert("x-webhook-event", "subscriber_added".parse().unwrap());
    let response = local_client().send(request).await.unwrap();

    assert_eq!(response.status, 201);
    assert_eq!(response.headers["x-answer"], "yes");
    assert_eq!(response.body, r#"POST /in?token=a%20b "subscriber_added" "7" {"n":1}"#);
    assert!(!response.truncated);
}

/// Who has many connections open keeps no more of them.
#[tokio::test]
async fn connections_are_kept_while_there_are_few() {
    for (max_open, connections) in [(3, 2), (1, 4)] {
        let server = Server::http(|_| async { Response::default() }).await;
        let other = Server::http(|_| async { Response::default() }).await;
        let client = Client::new(Options { max_open, ..local_options() }).unwrap();
        // Kept from now on.
        client.send(get(other.url("/"))).await.unwrap();
        for _ in 0..3 {
            client.send(get(server.url("/"))).await.unwrap();
        }
        assert_eq!(other.accepted() + server.accepted(), connections, "{max_open}");
    }
}

#[tokio::test]
async fn headers_that_frame_the_message_are_ours() {
    let server = Server::http(|request| async move {
        let headers = request.headers();
        let seen = format!(
            "{:?} {:?} {:?} {:?}",
            headers.get(header::HOST),
            headers.get(header::CONTENT_LENGTH),
            headers.get(header::TRANSFER_ENCODING),
            headers.get(header::CONNECTION)
        );
        Response::new(seen.into())
    })
    .await;

    let mut request = post(server.url("/"), "four");
    for (name, value) in [
        (header::HOST, "elsewhere.example"),
        (header::CONTENT_LENGTH, "1"),
        (header::TRANSFER_ENCODING, "chunked"),
        (header::CONNECTION, "close"),
    ] {
        request.headers.insert(name, value.parse().unwrap());
    }
    let response = local_client().send(request).await.unwrap();

    assert_eq!(response.body, format!(r#"Some("{}") Some("4") None None"#, server.address));
}

#[tokio::test]
async fn header_names_are_spelled_as_documented() {
    let server = Server::raw(|mut stream| async move {
        let head = read_request(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;

    let mut request = get(server.url("/"));
    request.headers.insert("x-webhook-event", "subscriber_added".parse().unwrap());
    let response = local_client().send(request).await.unwrap();

    let head = String::from_utf8(response.body.to_vec()).unwrap();
    assert!(head.contains("\r\nX-Webhook-Event: subscriber_added\r\n"), "{head}");
}

#[tokio::test]
async fn a_name_is_resolved_and_sent_as_host() {
    let server = Server::http(|request| async move {
        Response::new(Full::new(Bytes::copy_from_slice(request.headers()["host"].as_bytes())))
    })
    .await;
    let names = Names::new([&["127.0.0.1"]]);
    let resolver = Some(Arc::clone(&names) as _);
    let client = Client::new(Options { resolver, ..local_options() }).unwrap();

    let port = server.address.port();
    let response = client.send(get(format!("http://hooks.example.com:{port}/"))).await.unwrap();

    assert_eq!(response.body, format!("hooks.example.com:{port}"));
    assert_eq!(names.asked(), 1);
}

#[tokio::test]
async fn localhost_names_need_no_resolver() {
    let server = Server::http(|_| async { Response::default() }).await;
    let port = server.address.port();
    let client = local_client();

    for host in ["localhost", "localhost.", "LOCALHOST", "hooks.localhost"] {
        let response = client.send(get(format!("http://{host}:{port}/"))).await.unwrap();
        assert_eq!(response.status, 200, "{host}");
    }
}

#[tokio::test]
async fn an_answer_without_a_body() {
    let server =
        Server::http(|_| async { Response::builder().status(204).body(Full::default()).unwrap() }).await;

    let response = local_client().send(post(server.url("/"), "x")).await.unwrap();

    assert_eq!((response.status, response.body.len(), response.truncated), (204, 0, false));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let server = Server::http(|request| async move {
        assert_eq!(request.uri(), "/first", "the redirect was followed");
        Response::builder().status(307).header("location", "/second").body(Full::default()).unwrap()
    })
    .await;

    let response = local_client().send(get(server.url("/first"))).await.unwrap();

    assert_eq!(response.status, 307);
    assert_eq!(response.headers["location"], "/second");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::http(|_| async { Response::new("ok".into()) }).await;
    let client = local_client();

    for _ in 0..20 {
        assert_eq!(client.send(post(server.url("/"), "x")).await.unwrap().body, "ok");
    }

    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_not_used_again() {
    let server = Server::http(|_| async {
        Response::builder().header("connection", "close").body(Full::default()).unwrap()
    })
    .await;
    let client = local_client();

    for _ in 0..3 {
        client.send(get(server.url("/"))).await.unwrap();
    }

    assert_eq!(server.accepted(), 3);
}

#[tokio::test]
async fn an_endless_body_is_cut_and_its_connection_closed() {
    let hung_up = Arc::new(Notify::new());
    let signal = Arc::clone(&hung_up);
    let server = Server::raw(move |mut stream| {
        let signal = Arc::clone(&signal);
        async move {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            while stream.write_all(&[b'a'; 1000]).await.is_ok() {}
            signal.notify_one();
        }
    })
    .await;

    let response = local_client().send(get(server.url("/"))).await.unwrap();

    assert_eq!(response.body, vec![b'a'; MAX_RESPONSE_BODY]);
    assert!(response.truncated);
    hung_up.notified().await;
}

#[tokio::test]
async fn a_body_is_whole_up_to_the_limit() {
    let server = Server::http(|request| async move {
        let length: usize = request.uri().path()[1..].parse().unwrap();
        Response::new(vec![b'a'; length].into())
    })
    .await;
    let client = local_client();

    for (length, read, truncated) in [
        (0, 0, false),
        (MAX_RESPONSE_BODY, MAX_RESPONSE_BODY, false),
        (MAX_RESPONSE_BODY + 1, MAX_RESPONSE_BODY, true),
    ] {
        let response = client.send(get(server.url(&format!("/{length}")))).await.unwrap();
        assert_eq!((response.body.len(), response.truncated), (read, truncated));
    }
}

#[tokio::test]
async fn the_limit_of_a_body_is_an_option() {
    let server =
        Server::http(|_| async move { Response::new(vec![b'a'; 2 * MAX_RESPONSE_BODY].into()) }).await;
    for (limit, read, truncated) in [(10, 10, true), (2 * MAX_RESPONSE_BODY, 2 * MAX_RESPONSE_BODY, false)] {
        let client = Client::new(Options { max_response_body: limit, ..local_options() }).unwrap();
        let response = client.send(get(server.url("/"))).await.unwrap();
        assert_eq!((response.body.len(), response.truncated), (read, truncated));
    }
}
