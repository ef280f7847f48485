//! The database goes away and comes back: nothing is acknowledged meanwhile, and everything works afterwards.

mod proxy;

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::http::Response;
use testkit::{Receiver, eventually};

use crate::support::{Kind, PATIENCE, Server, World};
use proxy::Proxy;

/// Senders wait some tens of seconds for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut() {
    survives(Proxy::cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_frozen() {
    survives(Proxy::freeze).await;
}

async fn survives(fail: fn(&Proxy)) {
    let world = World::new(Kind::Postgres).await;
    let proxy = Proxy::start(world.database_url()).await;
    let server = Server::start(&world.node("data").database_url(proxy.url())).await;
    let receiver = Receiver::start().await.unwrap();
    let incoming = server.incoming(json!({})).await;
    let outgoing = server.outgoing(&receiver.url("/hook"), json!({"events": ["subscriber_added"]})).await;
    post(&server, &incoming, "before").await.expect(StatusCode::OK).unwrap();
    receiver.wait_for(1, PATIENCE).await.unwrap();

    fail(&proxy);
    refused(timed(post(&server, &incoming, "meanwhile")).await);
    let made = timed(async { server.post("/lists", &json!({"name": "meanwhile"})).await.unwrap() }).await;
    refused(made);
    refused(timed(async { server.get("/lists").await.unwrap() }).await);
    refused(timed(ready(&server)).await);
    let alive = server.raw(Method::GET, "/healthz", &[], "").await.unwrap();
    alive.expect(StatusCode::OK).unwrap();

    proxy.restore();
    eventually("the server to be ready again", PATIENCE, async || {
        (ready(&server).await.status == StatusCode::OK).then_some(())
    })
    .await
    .unwrap();
    // The sender comes again, under the same name. The first time may have been stored before the answer to that was lost.
    for name in ["meanwhile", "after"] {
        // A connection of the pool may still be one of those that broke.
        let taken = eventually("the server to store requests again", PATIENCE, async || {
            (post(&server, &incoming, name).await.status == StatusCode::OK).then_some(())
        });
        taken.await.unwrap();
    }
    let stats = server.settled(&outgoing, PATIENCE).await;
    assert_eq!(stats["delivered"], 3);
    assert_eq!(server.list("/subscribers").await.len(), 3);
    assert_eq!(receiver.count(), 3);
    assert_eq!(server.list("/lists").await.len(), 0);
    assert!(!server.program.log().contains("panicked"), "{}", server.program.log());
}

/// SQLite's file is held by another process for longer than a sender is kept waiting: nothing is acknowledged, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_process_holds() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let incoming = server.incoming(json!({})).await;
    let file = world.folder().join("data").join("ccsp-mailer.sqlite");
    let other = rusqlite::Connection::open(file).unwrap();
    other.busy_timeout(ANSWER_LIMIT).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    refused(timed(post(&server, &incoming, "meanwhile")).await);
    other.execute_batch("ROLLBACK").unwrap();
    eventually("the server to store requests again", PATIENCE, async || {
        (post(&server, &incoming, "after").await.status == StatusCode::OK).then_some(())
    })
    .await
    .unwrap();
    let found = server.list("/subscribers").await;
    assert_eq!(found.len(), 1, "what was refused is nowhere: {found:?}");
    assert_eq!(found[0]["email"], "after@example.com");
}

async fn post(server: &Server, incoming: &Value, name: &str) -> Response {
    let body = json!({"data": {"email": format!("{name}@example.com")}}).to_string();
    server.receive(incoming, &[("webhook-id", name)], &body).await
}

async fn ready(server: &Server) -> Response {
    server.raw(Method::GET, "/readyz", &[], "").await.unwrap()
}

/// The answer to a request, which must come in time.
async fn timed(request: impl Future<Output = Response>) -> Response {
    let answered = tokio::time::timeout(ANSWER_LIMIT, request).await;
    answered.unwrap_or_else(|_| panic!("no answer within {ANSWER_LIMIT:?}"))
}

/// 503, and when to come again.
fn refused(answer: Response) {
    answer.expect(StatusCode::SERVICE_UNAVAILABLE).unwrap();
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
}
