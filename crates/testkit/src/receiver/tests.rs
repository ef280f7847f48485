use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;

use super::*;

/// Far longer than anything takes, on a machine that stands still at times, too.
const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for what must not happen to happen, if it were to.
const MOMENT: Duration = Duration::from_millis(50);

async fn post(url: &str, body: &'static str) -> Result<Response<Incoming>, Error> {
    post_over(false, url, body).await
}

async fn post_over(http2: bool, url: &str, body: &'static str) -> Result<Response<Incoming>, Error> {
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    client.request(Request::post(url).body(Full::new(Bytes::from(body))).unwrap()).await
}

async fn status(url: &str) -> StatusCode {
    post(url, "").await.unwrap().status()
}

#[tokio::test]
async fn records_requests_over_both_versions() {
    let receiver = Receiver::start().await.unwrap();
    let answer = post_over(false, &receiver.url("/a?b=1"), "one").await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "{}");
    post_over(true, &receiver.url("/c"), "{\"two\":2}").await.unwrap();

    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].version, Version::HTTP_11);
    assert_eq!((requests[0].path_and_query.as_str(), requests[0].path()), ("/a?b=1", "/a"));
    assert_eq!(requests[0].body, "one");
    assert_eq!(requests[1].version, Version::HTTP_2);
    assert_eq!(requests[1].path_and_query, "/c");
    assert_eq!(requests[1].json().unwrap()["two"], 2);
    assert!(requests[0].arrived <= requests[1].arrived);
    assert_eq!((receiver.count(), receiver.connections()), (2, 2));
}

#[tokio::test]
async fn answers_each_path_as_told() {
    let receiver = Receiver::start().await.unwrap();
    let busy = Answer::new(StatusCode::TOO_MANY_REQUESTS)
        .header(header::RETRY_AFTER, HeaderValue::from_static("7"))
        .body("later");
    receiver.on("/busy", always(busy));
    receiver.on("/flaky", fail_first(2, StatusCode::BAD_GATEWAY));
    receiver.on("/echo", |request: &ReceivedRequest, nth: usize| {
        Answer::ok().body(format!("{nth} {}", request.path_and_query)).into()
    });
    receiver.otherwise(always(StatusCode::NOT_FOUND));

    let answer = post(&receiver.url("/busy"), "").await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "later");

    for expected in [StatusCode::BAD_GATEWAY, StatusCode::BAD_GATEWAY, StatusCode::OK, StatusCode::OK] {
        assert_eq!(status(&receiver.url("/flaky")).await, expected);
    }
    for expected in ["0 /echo?x", "1 /echo?x"] {
        let answer = post(&receiver.url("/echo?x"), "").await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), expected);
    }
    assert_eq!(status(&receiver.url("/elsewhere")).await, StatusCode::NOT_FOUND);

    receiver.on("/busy", always(StatusCode::ACCEPTED));
    assert_eq!(status(&receiver.url("/busy")).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn disconnects_without_an_answer_but_keeps_the_request() {
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/gone", always(Reply::Disconnect));
    for http2 in [false, true] {
        assert!(post_over(http2, &receiver.url("/gone"), "x").await.is_err());
    }
    assert_eq!(receiver.requests()[0].body, "x");
}

#[tokio::test]
async fn hangs_until_it_is_dropped() {
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/void", always(Reply::Hang));
    let url = receiver.url("/void");
    let mut sending = tokio::spawn(async move { post(&url, "").await });
    receiver.wait_for(1, PATIENCE).await.unwrap();
    assert!(tokio::time::timeout(MOMENT, &mut sending).await.is_err());

    drop(receiver);
    assert!(tokio::time::timeout(PATIENCE, sending).await.unwrap().unwrap().is_err());
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the delay is real")]
async fn delays_an_answer() {
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::Delayed(MOMENT, Answer::ok())));
    let start = Instant::now();
    assert_eq!(status(&receiver.url("/")).await, StatusCode::OK);
    assert!(start.elapsed() >= MOMENT);
}

#[tokio::test]
async fn waits_for_a_count_and_for_a_condition() {
    let receiver = Arc::new(Receiver::start().await.unwrap());
    let by_count = tokio::spawn({
        let receiver = Arc::clone(&receiver);
        async move { receiver.wait_for(2, PATIENCE).await }
    });
    let by_condition = tokio::spawn({
        let receiver = Arc::clone(&receiver);
        async move {
            let is_there =
                |requests: &[ReceivedRequest]| requests.iter().any(|request| request.path() == "/b");
            receiver.wait_until("a request to /b", PATIENCE, is_there).await
        }
    });
    for path in ["/a", "/b"] {
        status(&receiver.url(path)).await;
    }
    assert_eq!(by_count.await.unwrap().unwrap().len(), 2);
    assert_eq!(by_condition.await.unwrap().unwrap()[1].path(), "/b");
}

#[tokio::test]
async fn says_what_it_waited_for_in_vain() {
    let receiver = Receiver::start().await.unwrap();
    status(&receiver.url("/")).await;
    let error = receiver.wait_for(2, MOMENT).await.unwrap_err().to_string();
    assert_eq!(error, "waited 50ms in vain for 2 requests; 1 requests have arrived");
    let error = receiver.wait_until("rain", MOMENT, <[_]>::is_empty).await.unwrap_err().to_string();
    assert_eq!(error, "waited 50ms in vain for rain; 1 requests have arrived");
}

#[tokio::test]
async fn counts_without_keeping() {
    let receiver = Receiver::start_counting().await.unwrap();
    receiver.on("/flaky", fail_first(1, StatusCode::BAD_GATEWAY));
    assert_eq!(status(&receiver.url("/flaky")).await, StatusCode::BAD_GATEWAY);
    assert_eq!(status(&receiver.url("/flaky")).await, StatusCode::OK);
    assert!(receiver.wait_for(2, PATIENCE).await.unwrap().is_empty());
    assert_eq!(receiver.count(), 2);
}
