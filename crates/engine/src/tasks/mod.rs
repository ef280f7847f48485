//! Long work that users ask for, on many entries of a log or many subscribers. It goes on after a restart, on any node, from where it was. Where a
//! piece of it is a transaction, how far it has come is written with it; a request that is run again may be run twice after
//! a crash, as after a retry by hand.

mod deliveries;
mod imports;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::WebhookId;
use serde::{Deserialize, Serialize};
use store::deliveries::DeliveriesOf;
use store::look::{Order, Piece};
use store::recovery::{ClearDeliveries, ClearRequests, Progress, Step};
use store::requests::RequestsOf;
use store::tasks::{Advance, CANCELLED, ClaimTasks, RUNNING, TaskRow};
use store::{StoreError, Work};
use tokio::time::{Instant, MissedTickBehavior};

use crate::core::Core;
use crate::error::chain;
use crate::imports::ImportSettings;
use crate::missed::MissedBy;

/// How often it is looked whether another node has left a task, or had no room for it: one's own begins at once.
const LOOK: Duration = Duration::from_secs(2);
/// Entries changed in one transaction, so that nobody waits long for it.
pub(crate) const CHUNK: usize = 500;
/// Entries looked at in one transaction: some milliseconds.
const ROWS: usize = 5_000;
/// Tasks of a node at a time: others wait, so that what comes in has its share of the database.
const AT_ONCE: usize = 4;

/// What a task does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Runs requests again.
    RetryRequests {
        /// Which.
        log: RequestsOf,
        /// Also the actions that were done.
        all: bool,
        /// The most to start in a second.
        per_second: Option<u32>,
    },
    /// Deletes requests from the log.
    ClearRequests {
        /// Which.
        log: RequestsOf,
    },
    /// Sends finished deliveries again.
    RetryDeliveries {
        /// Which.
        log: DeliveriesOf,
        /// The most to put back in a second.
        per_second: Option<u32>,
    },
    /// Sends events that a webhook never got.
    SendMissed {
        /// Which.
        missed: MissedBy,
        /// The most to send in a second.
        per_second: Option<u32>,
    },
    /// Cancels deliveries that are not finished.
    CancelDeliveries {
        /// Which.
        log: DeliveriesOf,
    },
    /// Deletes deliveries from the log.
    ClearDeliveries {
        /// Which.
        log: DeliveriesOf,
    },
    /// Takes in a file of subscribers.
    ImportSubscribers {
        /// How.
        settings: ImportSettings,
    },
}

impl Job {
    /// Its name.
    pub fn kind(&self) -> &'static str {
        match self {
            Job::RetryRequests { .. } => "retry_requests",
            Job::ClearRequests { .. } => "clear_requests",
            Job::RetryDeliveries { .. } => "retry_deliveries",
            Job::SendMissed { .. } => "send_missed",
            Job::CancelDeliveries { .. } => "cancel_deliveries",
            Job::ClearDeliveries { .. } => "clear_deliveries",
            Job::ImportSubscribers { .. } => "import_subscribers",
        }
    }

    /// Whose log it works on; `None` if it works on none.
    pub fn webhook_id(&self) -> Option<&WebhookId> {
        match self {
            Job::RetryRequests { log, .. } | Job::ClearRequests { log } => Some(&log.webhook_id),
            Job::RetryDeliveries { log, .. }
            | Job::CancelDeliveries { log }
            | Job::ClearDeliveries { log } => Some(&log.webhook_id),
            Job::SendMissed { missed, .. } => Some(&missed.webhook_id),
            Job::ImportSubscribers { .. } => None,
        }
    }

    /// The kinds of tasks that it can't run beside on one log: two would send the same twice, or undo each other.
    pub fn alone_among(&self) -> &'static [&'static str] {
        match self {
            Job::RetryRequests { .. } => &["retry_requests"],
            Job::RetryDeliveries { .. } | Job::CancelDeliveries { .. } => {
                &["retry_deliveries", "cancel_deliveries"]
            }
            // Two at once could each find that there is no delivery yet.
            Job::SendMissed { .. } => &["send_missed"],
            Job::ClearRequests { .. } | Job::ClearDeliveries { .. } | Job::ImportSubscribers { .. } => &[],
        }
    }
}

/// Runs tasks until the engine stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut timer = tokio::time::interval(LOOK);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let running = Arc::new(AtomicUsize::new(0));
    while !core.is_stopping() {
        tokio::select! {
            _ = timer.tick() => {}
            () = core.tasks_due.notified() => {}
        }
        // What a node takes after it has left, nobody would go on with.
        if core.is_stopping() {
            break;
        }
        let limit = AT_ONCE.saturating_sub(running.load(Ordering::Relaxed));
        match core.store.write(ClaimTasks { node: core.node.clone(), limit }).await {
            Ok(tasks) => {
                for task in tasks {
                    running.fetch_add(1, Ordering::Relaxed);
                    let (core, running) = (core.clone(), running.clone());
                    tokio::spawn(async move {
                        work(&core, &running, task).await;
                        running.fetch_sub(1, Ordering::Relaxed);
                        // Another may wait for the place.
                        core.tasks_due.notify_one();
                    });
                }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "tasks could not be claimed and will be tried again")
            }
        }
    }
}

async fn work(core: &Core, places: &AtomicUsize, task: TaskRow) {
    let Ok(job) = serde_json::from_str::<Job>(&task.params) else {
        // Another version of the program made it: that one may go on with it.
        return;
    };
    let mut running = Running { core, places, task };
    while running.task.state == RUNNING && !core.is_stopping() {
        let outcome = match &job {
            Job::RetryRequests { log, all, per_second } => {
                running.retry_requests(log, *all, *per_second).await
            }
            Job::ClearRequests { log } => {
                let step = |from| ClearRequests { log: log.clone(), piece: piece(from, CHUNK) };
                running.step(step).await
            }
            Job::RetryDeliveries { log, per_second } => running.retry_deliveries(log, *per_second).await,
            Job::SendMissed { missed, per_second } => running.send_missed(missed, *per_second).await,
            Job::CancelDeliveries { log } => running.cancel_deliveries(log).await,
            Job::ClearDeliveries { log } => {
                let step = |from| ClearDeliveries { log: log.clone(), piece: piece(from, CHUNK) };
                running.step(step).await
            }
            Job::ImportSubscribers { settings } => running.import_subscribers(settings).await,
        };
        match outcome {
            Ok(Some(task)) => running.task = task,
            // The lease is another node's now, or the task was cancelled.
            Ok(None) => return,
            Err(error) => {
                let id = &running.task.id;
                tracing::warn!(error = %chain(&error), task.id = %id, "a task could not go on and will be tried again");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// A task that this node works on.
struct Running<'a> {
    core: &'a Core,
    /// How many of this node are at work.
    places: &'a AtomicUsize,
    task: TaskRow,
}

impl Running<'_> {
    /// Where the task stands.
    fn from<Id: std::str::FromStr>(&self) -> Option<Id> {
        self.task.cursor.as_ref().and_then(|cursor| cursor.parse().ok())
    }

    /// Does the next piece; the task as it is then, `None` if it is not ours any more.
    async fn step<Id, W>(&self, work: impl FnOnce(Option<Id>) -> W) -> Result<Option<TaskRow>, StoreError>
    where
        Id: std::str::FromStr,
        W: Work<Output = Progress>,
    {
        self.last_step(work(self.from()), true).await
    }

    async fn last_step<W>(&self, work: W, ends: bool) -> Result<Option<TaskRow>, StoreError>
    where
        W: Work<Output = Progress>,
    {
        let (task, node, now) = (self.task.clone(), self.core.node.clone(), self.core.now());
        self.core.store.write(Step { work, task, node, now, ends }).await
    }

    /// Writes how far the task has come.
    async fn advance(&self, mut task: TaskRow) -> Result<Option<TaskRow>, StoreError> {
        task.updated_at = self.core.now();
        let advance = Advance { task: task.clone(), node: self.core.node.clone() };
        Ok(self.core.store.write(advance).await?.then_some(task))
    }

    /// Waits as long as so many take at this rate, from the beginning of their piece on. Who waits takes no place from others: to
    /// cancel what waits must not wait for a task that is slow by wish.
    async fn pace(&self, began: Instant, count: i64, per_second: Option<u32>) {
        let Some(rate) = per_second else { return };
        let seconds = count.max(0) as f64 / f64::from(rate.max(1));
        if self.places.fetch_sub(1, Ordering::Relaxed) == AT_ONCE {
            self.core.tasks_due.notify_one();
        }
        tokio::time::sleep_until(began + Duration::from_secs_f64(seconds)).await;
        self.places.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the task before its time.
    async fn give_up(&self, why: &str) -> Result<Option<TaskRow>, StoreError> {
        let (state, detail) = (CANCELLED.to_owned(), Some(why.to_owned()));
        self.advance(TaskRow { state, detail, ..self.task.clone() }).await
    }
}

pub(crate) fn piece<Id>(from: Option<Id>, limit: usize) -> Piece<Id> {
    Piece { from, order: Order::OldestFirst, limit, rows: ROWS }
}

/// So many at a time that they take a tenth of a second at this rate, if that is at least one: no bursts.
fn chunk(per_second: Option<u32>) -> usize {
    per_second.map_or(CHUNK, |rate| CHUNK.min((rate / 10).max(1) as usize))
}
