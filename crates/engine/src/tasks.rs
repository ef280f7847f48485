//! Long work that users ask for: retrying a selection of the log. It goes on after a restart, on any node, from where it
//! was; each piece may be done twice after a crash, as after a retry by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::log::RequestStatus;
use domain::{RequestId, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use store::commit::RequestRow;
use store::requests::{NextRequests, RequestsById};
use store::tasks::{Advance, ClaimTasks, TaskRow};
use store::{LogFilter, StoreError};
use tokio::time::MissedTickBehavior;

use crate::command::Command;
use crate::command::Executed;
use crate::core::Core;
use crate::error::chain;
use crate::item::{Done, Item};
use crate::rerun::Rerun;

/// How often it is looked whether there is a task. Users wait for it, but not to the millisecond.
const LOOK: Duration = Duration::from_millis(500);
/// Requests between two notes of how far a task has come: what is done again after a crash stays little.
const CHUNK: usize = 50;
/// Tasks of a node at a time: others wait, so that what comes in has its share of the database.
const AT_ONCE: usize = 4;
/// The kind of a retry of requests.
pub const RETRY_REQUESTS: &str = "retry_requests";

/// What to retry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetryRequests {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Those of this status.
    pub status: Option<RequestStatus>,
    /// Those of this kind of event.
    pub event_type: Option<String>,
    /// Those received then or later.
    pub since: Option<Timestamp>,
    /// Those received before.
    pub until: Timestamp,
    /// Those that contain this text.
    pub q: Option<String>,
    /// These, instead.
    pub ids: Option<Vec<RequestId>>,
    /// Also the actions that were done.
    pub all: bool,
    /// The most to start in a second.
    pub per_second: Option<u32>,
}

impl RetryRequests {
    /// Which entries these are.
    pub fn filter(&self) -> LogFilter<RequestId, RequestStatus> {
        LogFilter {
            status: self.status,
            event_type: self.event_type.clone(),
            since: self.since,
            until: Some(self.until),
            contains: self.q.clone(),
            before: None,
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
        let limit = AT_ONCE.saturating_sub(running.load(Ordering::Relaxed));
        match core.store.write(ClaimTasks { node: core.node.clone(), limit }).await {
            Ok(tasks) => {
                for task in tasks {
                    running.fetch_add(1, Ordering::Relaxed);
                    let (core, running) = (core.clone(), running.clone());
                    tokio::spawn(async move {
                        work(core, task).await;
                        running.fetch_sub(1, Ordering::Relaxed);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "tasks could not be claimed and will be tried again")
            }
        }
    }
}

async fn work(core: Arc<Core>, mut task: TaskRow) {
    loop {
        match step(&core, &mut task).await {
            // The lease goes back when this node leaves, and the task goes on elsewhere or later.
            Ok(true) if core.is_stopping() => return,
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(error = %chain(&error), task = %task.id, "a task could not go on and will be tried again");
                tokio::time::sleep(LOOK).await;
                if core.is_stopping() {
                    return;
                }
            }
        }
    }
}

/// Does a piece of a task; false if there is nothing more for us to do.
async fn step(core: &Core, task: &mut TaskRow) -> Result<bool, StoreError> {
    let params = match (task.kind.as_str(), serde_json::from_str::<RetryRequests>(&task.params)) {
        (RETRY_REQUESTS, Ok(params)) => params,
        // Another version of the program made it: that one may go on with it.
        _ => return Ok(false),
    };
    let chunk = params.per_second.map_or(CHUNK, |rate| CHUNK.min(rate.max(1) as usize));
    let began = tokio::time::Instant::now();
    let next = next(core, &params, task.cursor.as_deref(), chunk).await?;
    for row in next.rows {
        let id = row.id;
        task.failed += i64::from(!retry(core, row, params.all).await?);
        task.done += 1;
        task.cursor = Some(id.to_string());
    }
    if let Some(last) = next.last {
        task.cursor = Some(last.to_string());
    }
    let is_end = next.is_end;
    if is_end {
        task.state = "done".to_owned();
        // What was cleared meanwhile is not there to be done.
        task.total = task.total.max(task.done);
    }
    task.updated_at = core.now();
    let is_ours = core.store.write(Advance { task: task.clone(), node: core.node.clone() }).await?;
    if let (Some(rate), false) = (params.per_second, is_end) {
        tokio::time::sleep_until(began + Duration::from_secs_f64(chunk as f64 / f64::from(rate.max(1))))
            .await;
    }
    Ok(is_ours && !is_end)
}

/// The next piece of a task.
struct Next {
    rows: Vec<RequestRow>,
    /// The last of the entries that were looked for, also of those that are not there any more.
    last: Option<RequestId>,
    is_end: bool,
}

async fn next(
    core: &Core,
    params: &RetryRequests,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Next, StoreError> {
    let after: Option<RequestId> = cursor.and_then(|cursor| cursor.parse().ok());
    let webhook_id = params.webhook_id.clone();
    let Some(ids) = &params.ids else {
        let rows =
            core.store.read(NextRequests { webhook_id, filter: params.filter(), after, limit }).await?;
        let is_end = rows.len() < limit;
        return Ok(Next { rows, last: None, is_end });
    };
    let mut ids = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| after.is_none_or(|after| *id > after));
    let is_end = ids.len() <= limit;
    ids.truncate(limit);
    let last = ids.last().copied();
    let rows = core.store.read(RequestsById { webhook_id, ids }).await?;
    Ok(Next { rows, last, is_end })
}

/// Whether it did not fail.
async fn retry(core: &Core, row: RequestRow, all: bool) -> Result<bool, StoreError> {
    if row.status == RequestStatus::Rejected {
        return Ok(false);
    }
    let Ok(rerun) = core.prepared(Rerun::by_hand(row, all)).await else { return Ok(false) };
    match core.commit(vec![Item::Command(Box::new(Command::Rerun(Box::new(rerun))))].into()).await {
        Ok(done) => Ok(match done.into_iter().next() {
            Some(Done::Executed(executed)) => {
                matches!(*executed, Executed::Rerun(row) if row.status != RequestStatus::Failed)
            }
            _ => false,
        }),
        // A job, or somebody else, runs it at this moment.
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}
