//! Group commit: requests that come in at the same time share one transaction, and wait for it together.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::core::Core;
use crate::error::chain;
use crate::item::{Done, Item};
use crate::receive::{Accepted, Reply};

/// Requests that wait for a commit. When it is full, senders are told to come again.
const QUEUE: usize = 8_192;
/// Requests in one transaction: past some hundreds a batch costs as much a request, and keeps its first one waiting.
const BATCH: usize = 256;
/// Transactions under way at once where the database has several writers.
const COMMITTERS: usize = 3;

struct Waiting {
    accepted: Box<Accepted>,
    reply: oneshot::Sender<Reply>,
}

/// The way in for requests.
pub(crate) struct Ingest {
    queue: mpsc::Sender<Waiting>,
}

impl Ingest {
    pub(crate) fn start(core: &Arc<Core>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let committers = if core.store.is_shared() { COMMITTERS } else { 1 };
        for _ in 0..committers {
            tokio::spawn(commit_batches(core.clone(), waiting.clone()));
        }
        Self { queue }
    }

    /// Waits until the request is stored; then the answer is the sender's.
    pub(crate) async fn submit(&self, accepted: Accepted) -> Reply {
        let (reply, answer) = oneshot::channel();
        if self.queue.try_send(Waiting { accepted: Box::new(accepted), reply }).is_err() {
            return Reply::unavailable();
        }
        answer.await.unwrap_or_else(|_| Reply::unavailable())
    }
}

async fn commit_batches(core: Arc<Core>, queue: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        if queue.lock().await.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let (items, replies): (Vec<Item>, Vec<_>) =
            batch.drain(..).map(|waiting| (Item::Request(waiting.accepted), waiting.reply)).unzip();
        let outcome = core.commit(items).await;
        if let Err(error) = &outcome {
            tracing::error!(error = %chain(error), requests = replies.len(), "requests could not be stored");
        }
        let mut done = outcome.unwrap_or_default().into_iter();
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
