//! Requests of the log that are run again.

use domain::log::RequestStatus;
use store::StoreError;
use store::commit::RequestRow;
use store::look::Look;
use store::requests::{RequestsById, RequestsOf};
use store::tasks::{DONE, TaskRow};
use tokio::time::Instant;

use super::{Running, piece};
use crate::command::{Command, Executed};
use crate::core::Core;
use crate::item::{Done, Item};
use crate::rerun::Rerun;

/// Requests between two notes of how far a task has come: what is done again after a crash stays little.
const CHUNK: usize = 50;

impl Running<'_> {
    pub(super) async fn retry_requests(
        &self,
        log: &RequestsOf,
        all: bool,
        per_second: Option<u32>,
    ) -> Result<Option<TaskRow>, StoreError> {
        let began = Instant::now();
        let piece = piece(self.from(), super::chunk(per_second).min(CHUNK));
        let found = self.core.store.read(Look { log: log.clone(), piece }).await?;
        let ids = found.entries.iter().map(|(id, _)| *id).collect();
        let rows = self.core.store.read(RequestsById { webhook_id: log.webhook_id.clone(), ids }).await?;
        let mut task = self.task.clone();
        for row in rows {
            task.failed += i64::from(!retry(self.core, row, all).await?);
            task.done += 1;
        }
        if found.next.is_none() {
            task.state = DONE.to_owned();
        }
        // What was cleared meanwhile is not there to be done.
        task.total = task.total.max(task.done);
        task.cursor = found.next.map(|id| id.to_string());
        let count = task.done - self.task.done;
        let advanced = self.advance(task).await?;
        if found.next.is_some() {
            self.pace(began, count, per_second).await;
        }
        Ok(advanced)
    }
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
