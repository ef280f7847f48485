//! More comes in than can be stored: who finds no place is told so at once, and nothing that was acknowledged is lost.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::http::Response;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Kind, PATIENCE, Server, World, text};

on_both_databases!(who_finds_no_place_comes_again);

/// The places that the server has, and how many want one.
const PLACES: usize = 16;
const SENDERS: usize = 100;
/// Requests that may be in a transaction already before it meets what holds it up: as many as places, twice.
const UNDER_WAY: usize = 2 * PLACES;
/// Far less than a request waits for a database that does not answer.
const AT_ONCE: Duration = Duration::from_secs(4);

/// What holds the database up for as long as it exists.
enum Hold {
    File(rusqlite::Connection),
    Table(tokio_postgres::Client),
}

impl Hold {
    async fn begin(world: &World, kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let file = world.folder().join("data").join("ccsp-mailer.sqlite");
                let other = rusqlite::Connection::open(file).unwrap();
                other.busy_timeout(PATIENCE).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                Hold::File(other)
            }
            Kind::Postgres => {
                let (client, connection) =
                    tokio_postgres::connect(world.database_url(), tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client.batch_execute("BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE").await.unwrap();
                Hold::Table(client)
            }
        }
    }

    async fn end(self) {
        match self {
            Hold::File(other) => other.execute_batch("ROLLBACK").unwrap(),
            Hold::Table(client) => client.batch_execute("ROLLBACK").await.unwrap(),
        }
    }
}

/// How often it is tried: a machine that stalls does nothing at once.
const ROUNDS: usize = 3;

async fn who_finds_no_place_comes_again(kind: Kind) {
    for _ in 0..ROUNDS {
        if told_at_once(kind).await {
            return;
        }
    }
    panic!("whoever finds no place is told at once");
}

/// A round. False if the hold lasted too long to show anything.
async fn told_at_once(kind: Kind) -> bool {
    let world = World::new(kind).await;
    let node = world.node("data").arg("--max-waiting-requests").arg(PLACES.to_string());
    let server = Arc::new(Server::start(&node).await);
    let incoming = server.incoming(json!({})).await;

    let hold = Hold::begin(&world, kind).await;
    let begun = Instant::now();
    let mut posts = JoinSet::new();
    for number in 0..SENDERS {
        let (server, incoming) = (server.clone(), incoming.clone());
        posts.spawn(async move { (number, post(&server, &incoming, number).await) });
    }
    // Those without a place are refused while the others still wait.
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    let at_least = SENDERS - PLACES - UNDER_WAY;
    let no_place = async {
        while refused.len() < at_least {
            let (number, answer) = posts.join_next().await.unwrap().unwrap();
            check_refused(&answer);
            refused.push(number);
        }
    };
    // Whether they were is seen below.
    let _ = tokio::time::timeout(AT_ONCE, no_place).await;
    hold.end().await;
    if begun.elapsed() >= AT_ONCE {
        return false;
    }
    while let Some(answered) = posts.join_next().await {
        let (number, answer) = answered.unwrap();
        if answer.status == StatusCode::OK {
            taken.push(number);
        } else {
            check_refused(&answer);
            refused.push(number);
        }
    }
    assert!(taken.len() >= PLACES, "who had a place was stored: {taken:?}");

    // Exactly what was acknowledged is there.
    assert_eq!(stored(&server).await, emails(&taken));
    // Who comes again is taken, and nobody is taken twice.
    for number in refused {
        post(&server, &incoming, number).await.expect(StatusCode::OK).unwrap();
    }
    assert_eq!(stored(&server).await, emails(&(0..SENDERS).collect::<Vec<_>>()));
    let log = format!("/incoming-webhooks/{}/requests", text(&incoming["id"]));
    assert_eq!(server.list_all(&log).await.len(), SENDERS);
    true
}

async fn post(server: &Server, incoming: &Value, number: usize) -> Response {
    let body = json!({"data": {"email": email(number)}}).to_string();
    server.receive(incoming, &[("webhook-id", &format!("msg-{number}"))], &body).await
}

/// 503 in the endpoint's own form, and when to come again.
fn check_refused(answer: &Response) {
    let body = answer.expect(StatusCode::SERVICE_UNAVAILABLE).unwrap();
    assert_eq!(body["success"], false);
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
}

fn email(number: usize) -> String {
    format!("sender{number:03}@example.com")
}

fn emails(numbers: &[usize]) -> Vec<String> {
    let mut emails: Vec<String> = numbers.iter().map(|number| email(*number)).collect();
    emails.sort();
    emails
}

async fn stored(server: &Server) -> Vec<String> {
    let found = server.list_all("/subscribers").await;
    let mut emails: Vec<String> = found.iter().map(|found| text(&found["email"]).to_owned()).collect();
    emails.sort();
    emails
}
