//! Group commit: requests that come in at the same time share one transaction, and wait for it together.
//!
//! While one transaction is written, the next already stands in line. It takes what waits only when its turn comes, so the
//! batches grow with the load by themselves, and the database never waits for us.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard, oneshot};

use crate::core::Core;
use crate::error::chain;
use crate::item::{Done, Item, Items};
use crate::receive::{Accepted, Reply};

/// Requests that wait for a transaction. When it is full, senders are told to come again.
const QUEUE: usize = 8_192;
/// Requests in one transaction: past some hundreds a batch costs as much a request, and keeps its first one waiting.
const BATCH: usize = 256;
/// Transactions under way or in line.
const COMMITTERS: usize = 2;

/// The way in for requests.
pub(crate) struct Ingest {
    queue: Arc<Queue>,
}

impl Ingest {
    pub(crate) fn start(core: &Arc<Core>) -> Self {
        let queue = Arc::new(Queue::default());
        for _ in 0..COMMITTERS {
            tokio::spawn(commit_batches(core.clone(), queue.clone()));
        }
        Self { queue }
    }

    /// Waits until the request is stored; then the answer is the sender's.
    pub(crate) async fn submit(&self, accepted: Accepted) -> Reply {
        let (reply, answer) = oneshot::channel();
        if !self.queue.push(Waiting { item: Item::Request(Box::new(accepted)), reply }) {
            return Reply::unavailable();
        }
        answer.await.unwrap_or_else(|_| Reply::unavailable())
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.queue.closed.store(true, Ordering::Release);
        self.queue.changed.notify_one();
    }
}

struct Waiting {
    item: Item,
    reply: oneshot::Sender<Reply>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Held by the one whose transaction is the next to begin.
    turn: Arc<AsyncMutex<()>>,
    /// Tells the one whose turn it is that there is something to do.
    changed: Notify,
    closed: AtomicBool,
}

impl Queue {
    /// False if there is no room.
    fn push(&self, request: Waiting) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= QUEUE {
            return false;
        }
        waiting.push_back(request);
        let is_first = waiting.len() == 1;
        drop(waiting);
        if is_first {
            self.changed.notify_one();
        }
        true
    }

    /// Waits for one's turn and for something to do; `None` when there will be nothing any more.
    async fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        let turn = self.turn.clone().lock_owned().await;
        while self.waiting.lock().is_empty() {
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            self.changed.notified().await;
        }
        Some(turn)
    }

    /// Takes the requests of one transaction.
    fn take(&self) -> (Vec<Item>, Vec<oneshot::Sender<Reply>>) {
        let mut waiting = self.waiting.lock();
        let count = waiting.len().min(BATCH);
        waiting.drain(..count).map(|request| (request.item, request.reply)).unzip()
    }
}

async fn commit_batches(core: Arc<Core>, queue: Arc<Queue>) {
    while let Some(turn) = queue.turn().await {
        let replies = Arc::new(Mutex::new(Vec::new()));
        let items = Items::gathered({
            let (queue, replies) = (queue.clone(), replies.clone());
            move || {
                let (items, of_items) = queue.take();
                *replies.lock() = of_items;
                drop(turn);
                items
            }
        });
        let outcome = core.commit(items.clone()).await;
        // If the transaction could not even begin, nobody has taken them yet.
        let requests = items.len();
        if let Err(error) = &outcome {
            tracing::error!(error = %chain(error), requests, "requests could not be stored");
        }
        let mut done = outcome.unwrap_or_default().into_iter();
        let replies = std::mem::take(&mut *replies.lock());
        for reply in replies {
            let answer = match done.next() {
                Some(Done::Reply(answer)) => answer,
                _ => Reply::unavailable(),
            };
            metrics::counter!("ccsp_requests_total", "http_status" => answer.status.to_string()).increment(1);
            // A sender that has gone away does not change what is stored.
            let _ = reply.send(answer);
        }
    }
}
