//! A process: what it holds in memory, and loses when it dies.

use std::collections::BTreeMap;
use std::sync::Arc;

use delivery::{Limits, Queues};
use domain::{DeliveryId, Ids, Timestamp, WebhookId};
use engine::batch::{Room, Shared};
use engine::receive::Accepted;
use engine::{Clock, Operations, Outgoing, Snapshot};
use http::HeaderMap;
use outbound::{Response, SendError};
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use store::queue::DueDelivery;
use store::record::AttemptRow;

/// The dispatcher's memory.
pub struct Memory(pub Mutex<Queues<WebhookId, DueDelivery>>);

impl Room for Memory {
    fn reserve(&self, webhook: &WebhookId, want: usize) -> usize {
        self.0.lock().reserve(webhook, want)
    }

    fn release(&self, webhook: &WebhookId, count: usize) {
        self.0.lock().release_reserved(webhook, count);
    }
}

/// An exchange under way.
pub struct Attempt {
    pub delivery: DueDelivery,
    pub outgoing: Arc<Outgoing>,
    pub started: Timestamp,
    pub request_headers: HeaderMap,
    pub result: Result<Response, SendError>,
}

/// What is to be recorded.
#[derive(Default)]
pub struct Outcomes {
    pub attempts: Vec<AttemptRow>,
    pub given_back: Vec<DeliveryId>,
}

/// A process.
pub struct Node {
    /// Unique, also among the dead.
    pub life: u64,
    pub name: Arc<str>,
    pub shared: Arc<Shared>,
    pub snapshot: Arc<Snapshot>,
    pub memory: Arc<Memory>,
    /// Requests that wait for a commit, each with the number of its post.
    pub inbox: Vec<(usize, Accepted)>,
    pub is_committing: bool,
    /// Exchanges under way, by a number.
    pub in_flight: BTreeMap<u64, Attempt>,
    pub outcomes: Outcomes,
    /// Being recorded: tried until the database takes it.
    pub recording: Option<Outcomes>,
    pub is_recording: bool,
    /// A claim is under way.
    pub is_claiming: bool,
    pub wants_refill: bool,
    pub next_sweep: Option<i64>,
    pub paused_until: i64,
    /// From when on it says that it is alive.
    pub beats_from: i64,
}

impl Node {
    pub fn new(life: u64, clock: Clock, limits: Limits, snapshot: Arc<Snapshot>) -> Self {
        let name: Arc<str> = format!("node-{life}").into();
        let memory = Arc::new(Memory(Mutex::new(Queues::new(limits))));
        let ids = Mutex::new(Ids::new(StdRng::seed_from_u64(life)));
        let shared = Arc::new(Shared {
            clock,
            ids,
            node: name.clone(),
            room: memory.clone(),
            feed: Arc::default(),
            gate: Arc::default(),
            operations: Operations::default(),
        });
        Self {
            life,
            name,
            shared,
            snapshot,
            memory,
            inbox: Vec::new(),
            is_committing: false,
            in_flight: BTreeMap::new(),
            outcomes: Outcomes::default(),
            recording: None,
            is_recording: false,
            is_claiming: false,
            wants_refill: false,
            next_sweep: None,
            paused_until: 0,
            beats_from: 0,
        }
    }
}
