//! Group commit: requests that come in at the same time share one transaction, and wait for it together.
//!
//! While one transaction is written, the next already stands in line. It takes what waits only when its turn comes, so the
//! batches grow with the load by themselves, and the database never waits for us.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard, oneshot};

use crate::core::Core;
use crate::error::chain;
use crate::item::{Done, Item, Items};
use crate::receive::{Accepted, Reply};

/// Requests that wait for a transaction unless the operator says otherwise. Past them, senders are told to come again.
pub const MAX_WAITING: usize = 8_192;
/// What the payloads of those that wait may have together, in bytes: in memory they take some times as much, for they are parsed.
/// One alone always finds a place.
const MAX_WAITING_BYTES: usize = 128 * 1_024 * 1_024;
/// Requests in one transaction: past some hundreds a batch costs as much a request, and keeps its first one waiting.
const BATCH: usize = 256;
/// Transactions under way or in line.
const COMMITTERS: usize = 2;
/// Where transactions run side by side: how many requests are worth one beside another. Fewer come along with the next.
const ENOUGH: usize = 24;

/// The way in for requests.
pub(crate) struct Ingest {
    queue: Arc<Queue>,
}

impl Ingest {
    /// One in which so many requests may wait at once.
    pub(crate) fn start(core: &Arc<Core>, max_waiting: usize) -> Self {
        let enough = if core.store.is_shared() { ENOUGH } else { 1 };
        let queue = Arc::new(Queue { room: max_waiting, enough, ..Queue::default() });
        for _ in 0..COMMITTERS {
            tokio::spawn(commit_batches(core.clone(), queue.clone()));
        }
        Self { queue }
    }

    /// Waits until the request is stored; then the answer is the sender's.
    pub(crate) async fn submit(&self, accepted: Box<Accepted>) -> Reply {
        let (reply, answer) = oneshot::channel();
        let bytes = accepted.text.len();
        if !self.queue.push(Waiting { item: Item::Request(accepted), bytes, reply }) {
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
    /// What it counts for.
    bytes: usize,
    reply: oneshot::Sender<Reply>,
}

/// Requests in the order in which they came.
#[derive(Default)]
struct Line {
    requests: VecDeque<Waiting>,
    /// What all of them count for.
    bytes: usize,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Line>,
    /// Held by the one whose transaction is the next to begin.
    turn: Arc<AsyncMutex<()>>,
    /// Tells the one whose turn it is that there may be something to do.
    changed: Notify,
    /// Requests that may wait.
    room: usize,
    /// Requests for which a transaction begins although another one is under way.
    enough: usize,
    under_way: AtomicUsize,
    closed: AtomicBool,
}

impl Queue {
    /// False if there is no room.
    fn push(&self, request: Waiting) -> bool {
        let mut line = self.waiting.lock();
        let count = line.requests.len() + 1;
        let bytes = line.bytes + request.bytes;
        if count > self.room || (count > 1 && bytes > MAX_WAITING_BYTES) {
            return false;
        }
        line.bytes = bytes;
        line.requests.push_back(request);
        drop(line);
        if count == 1 || count == self.enough {
            self.changed.notify_one();
        }
        true
    }

    /// Waits for one's turn and for something to do; `None` when there will be nothing any more.
    async fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        let turn = self.turn.clone().lock_owned().await;
        while !self.is_time() {
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            self.changed.notified().await;
        }
        self.under_way.fetch_add(1, Ordering::AcqRel);
        Some(turn)
    }

    fn is_time(&self) -> bool {
        let count = self.waiting.lock().requests.len();
        count >= self.enough || (count > 0 && self.under_way.load(Ordering::Acquire) == 0)
    }

    fn ended(&self) {
        self.under_way.fetch_sub(1, Ordering::AcqRel);
        self.changed.notify_one();
    }

    /// Takes the requests of one transaction.
    fn take(&self) -> (Vec<Item>, Vec<oneshot::Sender<Reply>>) {
        let mut line = self.waiting.lock();
        let count = line.requests.len().min(BATCH);
        let taken: Vec<Waiting> = line.requests.drain(..count).collect();
        line.bytes -= taken.iter().map(|request| request.bytes).sum::<usize>();
        drop(line);
        taken.into_iter().map(|request| (request.item, request.reply)).unzip()
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
        queue.ended();
        // If the transaction could not even begin, nobody has taken them yet.
        let requests = items.len();
        if let Err(error) = &outcome {
            tracing::error!(error = %chain(error), requests, "requests could not be stored");
        }
        let mut done = outcome.unwrap_or_default().into_iter();
        let replies = std::mem::take(&mut *replies.lock());
        let mut counts = BTreeMap::<u16, u64>::new();
        for reply in replies {
            let answer = match done.next() {
                Some(Done::Reply(answer)) => answer,
                _ => Reply::unavailable(),
            };
            *counts.entry(answer.status).or_default() += 1;
            // A sender that has gone away does not change what is stored.
            let _ = reply.send(answer);
        }
        for (status, count) in counts {
            metrics::counter!("ccsp_requests_total", "http_status" => status.to_string()).increment(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(bytes: usize) -> Waiting {
        Waiting { item: Item::Refused(Reply::unavailable()), bytes, reply: oneshot::channel().0 }
    }

    #[test]
    fn so_many_wait_and_with_so_much() {
        let queue = Queue { room: 3, ..Queue::default() };
        let pushed =
            |bytes: &[usize]| bytes.iter().map(|bytes| queue.push(waiting(*bytes))).collect::<Vec<_>>();
        assert_eq!(pushed(&[1, 1, 1, 1]), [true, true, true, false], "by number");
        assert_eq!(queue.take().0.len(), 3);
        let half = MAX_WAITING_BYTES / 2;
        assert_eq!(pushed(&[half, half, 1]), [true, true, false], "by bytes");
        assert_eq!(queue.take().0.len(), 2);
        assert_eq!(pushed(&[MAX_WAITING_BYTES + 1, 1]), [true, false], "one alone finds a place");
        queue.take();
        assert_eq!(pushed(&[half]), [true], "what was taken counts no more");
    }
}
