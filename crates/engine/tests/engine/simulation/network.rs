//! The way out, and the destinations: what happens to a request is drawn at random, by the temper of its destination.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use engine::Outgoing;
use http::{HeaderMap, HeaderValue};
use outbound::{Request, Response, SendError};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use signature::{SigningKey, standard_webhooks, x_webhook};

use super::scenario::Scenario;

/// How a destination behaves: the chances of each fate, in percent. The rest is success.
#[derive(Clone, Copy, Debug)]
struct Temper {
    refused: u32,
    error: u32,
    busy: u32,
    hangs: u32,
    answer_lost: u32,
    gone: u32,
}

const TEMPERS: [Temper; 5] = [
    // Healthy, flaky, mostly down, dead, overloaded.
    Temper { refused: 0, error: 0, busy: 0, hangs: 0, answer_lost: 0, gone: 0 },
    Temper { refused: 10, error: 10, busy: 5, hangs: 5, answer_lost: 10, gone: 0 },
    Temper { refused: 30, error: 20, busy: 0, hangs: 20, answer_lost: 10, gone: 0 },
    Temper { refused: 50, error: 0, busy: 0, hangs: 50, answer_lost: 0, gone: 0 },
    Temper { refused: 0, error: 5, busy: 60, hangs: 5, answer_lost: 0, gone: 0 },
];

/// What came of a request.
pub struct Fate {
    /// How long until the sender knows.
    pub takes_ms: i64,
    pub result: Result<Response, SendError>,
}

/// An event as a destination has seen it.
#[derive(Default)]
pub struct Seen {
    pub body: Bytes,
    /// Requests sent, whether they arrived or not.
    pub sent: usize,
    /// Requests answered with success, whether the answer arrived or not.
    pub accepted: usize,
    /// Answered with 410.
    pub is_refused: bool,
}

/// A webhook of someone else.
pub struct Destination {
    pub settings: Value,
    /// By the id of the event.
    pub seen: BTreeMap<String, Seen>,
    temper: Temper,
}

impl Destination {
    /// One at random.
    pub fn draw(number: usize, scenario: &Scenario, rng: &mut StdRng) -> Self {
        let mut temper = TEMPERS[rng.random_range(0..TEMPERS.len())];
        if scenario.gone && rng.random_bool(0.2) {
            temper.gone = 5;
        }
        let added = ["subscriber_added"];
        let changed =
            ["subscriber_updated", "subscriber_status_changed", "subscriber_tagged", "subscriber_untagged"];
        let all: Vec<&str> = added.iter().chain(&changed).copied().collect();
        let events = match rng.random_range(0..3) {
            0 => added.to_vec(),
            1 => changed.to_vec(),
            _ => all,
        };
        let schedule = match rng.random_range(0..5) {
            0 => json!([1, 2, 5]),
            1 => json!([]),
            _ => json!([300, 1_800, 7_200]),
        };
        let settings = json!({
            "name": "destination", "url": format!("https://destination-{number}.example/hook"), "events": events,
            "retry": {"schedule_seconds": schedule}, "timeout_seconds": rng.random_range(1..=30),
            "concurrency": if scenario.exact { 64 } else { rng.random_range(1..=4) },
            // Where attempts begin at the very moment at which they are due, none waits for another.
            "ordering": if !scenario.exact && rng.random_bool(0.4) { "subscriber" } else { "none" },
        });
        Self { settings, seen: BTreeMap::new(), temper }
    }

    /// A request is sent to it.
    pub fn send(&mut self, outgoing: &Outgoing, request: &Request, now: i64, rng: &mut StdRng) -> Fate {
        let id = check(outgoing, request, now);
        let seen = self.seen.entry(id).or_default();
        if seen.sent > 0 {
            assert_eq!(seen.body, request.body, "an attempt with another body");
        }
        seen.body = request.body.clone();
        seen.sent += 1;

        let timeout_ms = i64::try_from(request.timeout.as_millis()).unwrap();
        let quick_ms = rng.random_range(1..200);
        let drawn = rng.random_range(0..100);
        let Temper { refused, error, busy, hangs, answer_lost, gone } = self.temper;
        let mut bound = 0;
        let mut is = |chance: u32| {
            bound += chance;
            drawn < bound
        };
        if is(refused) {
            return Fate { takes_ms: quick_ms, result: Err(SendError::ConnectionRefused) };
        }
        if is(error) {
            return Fate { takes_ms: quick_ms, result: Ok(answer(500, None)) };
        }
        if is(busy) {
            let retry_after = ["0", "1", "60", "600", "100000", "soon"][rng.random_range(0..6)];
            let status = [429, 503][rng.random_range(0..2)];
            return Fate { takes_ms: quick_ms, result: Ok(answer(status, Some(retry_after))) };
        }
        if is(gone) {
            seen.is_refused = true;
            return Fate { takes_ms: quick_ms, result: Ok(answer(410, None)) };
        }
        if is(hangs) {
            seen.accepted += usize::from(rng.random_bool(0.5));
            return Fate { takes_ms: timeout_ms, result: Err(SendError::Timeout) };
        }
        seen.accepted += 1;
        if is(answer_lost) {
            let cause = Arc::new(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            return Fate { takes_ms: quick_ms, result: Err(SendError::ConnectionClosed(cause)) };
        }
        let takes_ms = if rng.random_bool(0.1) { rng.random_range(1..timeout_ms) } else { quick_ms };
        Fate { takes_ms, result: Ok(answer(200, None)) }
    }
}

fn answer(status: u16, retry_after: Option<&'static str>) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(value) = retry_after {
        headers.insert("retry-after", HeaderValue::from_static(value));
    }
    Response { status, headers, body: Bytes::from_static(b"{}"), truncated: false }
}

/// Checks that the request is genuine, as a receiver would, and tells the id of its event.
fn check(outgoing: &Outgoing, request: &Request, now: i64) -> String {
    let header = |name: &str| request.headers.get(name).map(HeaderValue::as_bytes);
    let keys = [SigningKey::new(&outgoing.secrets.signing.current).unwrap()];
    x_webhook::verify(&keys, header("x-webhook-signature"), &request.body).unwrap();
    let received = standard_webhooks::Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    standard_webhooks::verify(&keys, &received, &request.body, now / 1_000, 0).unwrap();
    assert_eq!(header("x-webhook-id"), header("webhook-id"), "one id in both schemes");
    String::from_utf8(header("webhook-id").unwrap().to_vec()).unwrap()
}
