//! Load from several senders that keep a ledger, and the check that a server did what the ledger says.
//!
//! A sender that gets no answer either repeats its request under the same name or gives it up, as senders do. So of what was
//! acknowledged there must be one, of what was given up at most one, and of nothing two.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use testkit::receiver::{Answer, ReceivedRequest, Reply};
use testkit::{Api, Receiver};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::{Server, target, text};

/// How many requests are under way at once at each place.
const SENDERS: usize = 8;
/// One in so many requests without an answer is given up.
const GIVE_UP: u32 = 4;
/// How long a sender waits that was told to come again: as it was told, at least.
const COME_AGAIN: Duration = Duration::from_secs(1);
/// The end of a dead node's lease, 15 s after its last sign of life, and what there is to do then.
pub const SETTLING: Duration = Duration::from_secs(90);

/// Senders at work.
pub struct Load {
    stop: Arc<AtomicBool>,
    started: watch::Sender<usize>,
    senders: Vec<JoinHandle<Vec<Sent>>>,
}

/// What one request came to, as its sender knows it.
struct Sent {
    name: String,
    acknowledged: bool,
}

/// What the senders know.
pub struct Ledger(Vec<Sent>);

impl Load {
    /// Starts senders that post to `webhook`, wherever `place` says that its server is.
    pub fn start(webhook: &Value, place: watch::Receiver<SocketAddr>, seed: u64) -> Load {
        let (stop, started) = (Arc::new(AtomicBool::new(false)), watch::Sender::new(0));
        let senders = (0..SENDERS)
            .map(|number| {
                let sender = Sender {
                    prefix: format!("s{seed}-{number}"),
                    target: target(webhook),
                    place: place.clone(),
                    random: StdRng::seed_from_u64(seed * 1_000 + number as u64),
                    started: started.clone(),
                };
                tokio::spawn(sender.run(Arc::clone(&stop)))
            })
            .collect();
        Load { stop, started, senders }
    }

    /// Waits until so many more requests have been sent.
    pub async fn more(&self, requests: usize) {
        let mut started = self.started.subscribe();
        let enough = *started.borrow_and_update() + requests;
        started.wait_for(|count| *count >= enough).await.unwrap();
    }

    /// Waits until every sender knows what its last request came to.
    pub async fn finish(self) -> Ledger {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = Vec::new();
        for sender in self.senders {
            sent.extend(sender.await.unwrap());
        }
        Ledger(sent)
    }
}

struct Sender {
    prefix: String,
    target: String,
    place: watch::Receiver<SocketAddr>,
    random: StdRng,
    started: watch::Sender<usize>,
}

impl Sender {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Vec<Sent> {
        let mut sent = Vec::new();
        let mut client = (*self.place.borrow(), Api::anonymous(*self.place.borrow()));
        while !stop.load(Ordering::Relaxed) {
            let name = format!("{}-{}", self.prefix, sent.len());
            let acknowledged = self.deliver(&name, &mut client).await;
            sent.push(Sent { name, acknowledged });
        }
        sent
    }

    /// Sends a request until it is acknowledged or given up.
    async fn deliver(&mut self, name: &str, client: &mut (SocketAddr, Api)) -> bool {
        let headers = [("content-type", "application/json"), ("webhook-id", name)];
        let data = json!({"email": email(name), "first_name": name});
        let body = json!({"event": "subscriber_added", "data": data}).to_string();
        loop {
            let address = *self.place.borrow_and_update();
            if client.0 != address {
                *client = (address, Api::anonymous(address));
            }
            self.started.send_modify(|count| *count += 1);
            if let Ok(answer) = client.1.raw(Method::POST, &self.target, &headers, body.clone()).await {
                if answer.status == StatusCode::SERVICE_UNAVAILABLE {
                    // The database is slow: it may have been stored all the same, so it comes again as the same.
                    sleep(COME_AGAIN).await;
                    continue;
                }
                answer.expect(StatusCode::OK).unwrap();
                return true;
            }
            // Nobody is there until the next server is, unless it is already.
            if self.random.random_ratio(1, GIVE_UP) || self.place.changed().await.is_err() {
                return false;
            }
        }
    }
}

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

impl Ledger {
    /// How many requests were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.0.iter().filter(|sent| sent.acknowledged).count()
    }

    /// The ledger of several loads.
    pub fn and(mut self, other: Ledger) -> Ledger {
        self.0.extend(other.0);
        self
    }

    /// Checks that what was acknowledged was stored, done and told, all of it, and that nothing was done twice.
    pub async fn check(&self, server: &Server, incoming: &Value, outgoing: &Value, receiver: &Receiver) {
        let done = self.check_log(server, incoming).await;
        self.check_subscribers(server, &done).await;
        let events = check_events(server, &done).await;
        check_arrivals(receiver, &events).await;

        let stats = server.settled(outgoing, SETTLING).await;
        assert_eq!(stats["delivered"], events.len(), "{stats}");
        assert_eq!((&stats["total_events"], &stats["failed"]), (&stats["delivered"], &json!(0)), "{stats}");
    }

    /// One entry of the log for each acknowledged request, at most one for another; gives the names of all that were done.
    async fn check_log(&self, server: &Server, incoming: &Value) -> HashSet<String> {
        let log = server.list_all(&format!("/incoming-webhooks/{}/requests", text(&incoming["id"]))).await;
        let mut done = HashSet::new();
        for entry in &log {
            assert_eq!(entry["status"], "processed", "{entry}");
            let name = text(&entry["headers"]["webhook-id"]);
            assert!(done.insert(name.to_owned()), "{name} is in the log twice");
        }
        let sent: HashSet<&str> = self.0.iter().map(|sent| &*sent.name).collect();
        assert!(done.iter().all(|name| sent.contains(&**name)), "nobody sent what is in the log");
        for sent in self.0.iter().filter(|sent| sent.acknowledged) {
            assert!(done.contains(&sent.name), "{} was acknowledged, and is not in the log", sent.name);
        }
        done
    }

    /// One subscriber for each request that was done, and no other.
    async fn check_subscribers(&self, server: &Server, done: &HashSet<String>) {
        let mut emails = HashSet::new();
        for subscriber in server.list_all("/subscribers").await {
            assert_eq!(subscriber["tags"], json!(["web"]), "{subscriber}");
            assert!(emails.insert(text(&subscriber["email"]).to_owned()), "{subscriber} is there twice");
        }
        assert_eq!(emails, done.iter().map(|name| email(name)).collect());
    }
}

/// Each subscriber was added once and tagged once; gives the ids of the events.
async fn check_events(server: &Server, done: &HashSet<String>) -> HashSet<String> {
    let events = server.list_all("/events").await;
    let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in &events {
        *told.entry((text(&event["event_type"]), text(&event["data"]["email"]))).or_default() += 1;
    }
    for name in done {
        for event in ["subscriber_added", "subscriber_tagged"] {
            assert_eq!(told.get(&(event, &*email(name))), Some(&1), "{event} of {name}");
        }
    }
    assert_eq!(events.len(), 2 * done.len());
    events.iter().map(|event| text(&event["id"]).to_owned()).collect()
}

/// Every event arrived, each time under the same id with the same body, and nothing else did. The receiver failed some, so
/// some came again.
async fn check_arrivals(receiver: &Receiver, events: &HashSet<String>) {
    let arrived = receiver
        .wait_until("every event, and some again", SETTLING, |arrived| {
            arrived.len() > events.len()
                && arrived.iter().map(id).collect::<HashSet<_>>().len() >= events.len()
        })
        .await
        .unwrap();
    let mut bodies = HashMap::new();
    for request in &arrived {
        assert!(events.contains(id(request)), "{} is no event", id(request));
        assert_eq!(request.header("x-webhook-id"), Some(id(request)));
        assert_eq!(bodies.entry(id(request)).or_insert(&request.body), &&request.body, "{}", id(request));
    }
    assert_eq!(bodies.len(), events.len());
}

fn id(request: &ReceivedRequest) -> &str {
    request.header("webhook-id").unwrap()
}

/// A receiver that fails some deliveries the first time that they come.
pub async fn unsteady_receiver() -> Receiver {
    let receiver = Receiver::start().await.unwrap();
    let seen = Mutex::new(HashSet::new());
    receiver.otherwise(move |request: &ReceivedRequest, nth: usize| -> Reply {
        let is_first = seen.lock().unwrap().insert(id(request).to_owned());
        match nth % 16 {
            3 if is_first => StatusCode::INTERNAL_SERVER_ERROR.into(),
            7 if is_first => Reply::Disconnect,
            11 => Reply::Delayed(Duration::from_millis(50), Answer::ok()),
            _ => Answer::ok().into(),
        }
    });
    receiver
}
