//! What is done with many entries of the logs at once, piece by piece: deliveries are sent again or cancelled, logs are
//! cleared. A piece of a task and how far the task has come are written together: after a crash no piece is done twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::log::{CancelReason, DeliveryStatus};
use domain::{DeliveryId, RequestId, Timestamp, WebhookId};

use crate::deliveries::DeliveriesOf;
use crate::error::StoreError;
use crate::look::{self, Piece};
use crate::missed;
use crate::record;
use crate::requests::RequestsOf;
use crate::tasks::{self, TaskRow};
use crate::tx::{Row, Tx, Value, Work};

/// What became of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries that it was done with.
    pub done: u64,
    /// Behind which the next piece begins; `None` if this was the last.
    pub next: Option<String>,
}

/// Does a piece of a task, and says how far the task has come; `None`, and nothing is done, if the task is not this node's any
/// more, or was cancelled.
pub struct Step<W> {
    /// The piece.
    pub work: W,
    /// The task as it was before.
    pub task: TaskRow,
    /// The node.
    pub node: Arc<str>,
    /// Now.
    pub now: Timestamp,
    /// Whether the task is done behind the last piece.
    pub ends: bool,
}

impl<W: Work<Output = Progress>> Work for Step<W> {
    type Output = Option<TaskRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<TaskRow>, StoreError> {
        if !tasks::is_held(tx, &self.task.id, &self.node).await? {
            return Ok(None);
        }
        let progress = self.work.run(tx).await?;
        let mut task = self.task.clone();
        task.done += i64::try_from(progress.done).unwrap_or(i64::MAX);
        task.total = task.total.max(task.done);
        if progress.next.is_none() && self.ends {
            task.state = tasks::DONE.to_owned();
        }
        task.cursor = progress.next;
        task.updated_at = self.now;
        tasks::advance(tx, &task, &self.node).await?;
        Ok(Some(task))
    }
}

/// Puts deliveries back that are finished, or that would be tried again later, the oldest first: due now, each with its schedule
/// from the start. Their attempts are counted on. What is about to be sent is left alone, so that nothing is sent twice.
pub struct PutBack {
    /// Which.
    pub log: DeliveriesOf,
    /// The piece.
    pub piece: Piece<DeliveryId>,
    /// Now.
    pub now: Timestamp,
}

impl Work for PutBack {
    type Output = Progress;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Progress, StoreError> {
        let (ids, next) = look::ids(tx, &self.log, &self.piece).await?;
        let done = put_back(tx, ids, self.now).await?.len() as u64;
        Ok(Progress { done, next: next.map(|id| id.to_string()) })
    }
}

/// Cancels deliveries that are not finished, the oldest first: those that wait in the table, and those that this node held
/// and will not send.
pub struct CancelOpen {
    /// Which.
    pub log: DeliveriesOf,
    /// The piece.
    pub piece: Piece<DeliveryId>,
    /// This node.
    pub node: Arc<str>,
    /// What it held in memory, and does not any more.
    pub withdrawn: Vec<DeliveryId>,
    /// Now.
    pub now: Timestamp,
}

impl Work for CancelOpen {
    type Output = Progress;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Progress, StoreError> {
        const SQL: &str = "UPDATE deliveries SET status = ?2, cancel_reason = ?5, due_at = NULL, node = NULL WHERE id IN ?1 AND due_at IS NOT NULL \
                           AND (node IS NULL OR (node = ?3 AND id IN ?4)) RETURNING webhook_id, subject";
        let (ids, next) = look::ids(tx, &self.log, &self.piece).await?;
        let params = vec![
            Value::Texts(ids),
            DeliveryStatus::Cancelled.as_str().into(),
            self.node.as_ref().into(),
            Value::Texts(self.withdrawn.iter().map(ToString::to_string).collect()),
            CancelReason::Cancelled.as_str().into(),
        ];
        let cancelled = let_go(tx, tx.query(SQL, params).await?, self.now).await?;
        let done = cancelled.len() as u64;
        Ok(Progress { done, next: next.map(|id| id.to_string()) })
    }
}

/// Puts deliveries back that are finished, or that wait in the table for their next try: due now, each with its schedule from the
/// start. What a node holds may be under way, and what was a test is none to be sent again. Gives the webhook of each.
pub(crate) async fn put_back<T: Tx>(
    tx: &T,
    ids: Vec<String>,
    now: Timestamp,
) -> Result<Vec<WebhookId>, StoreError> {
    const SQL: &str = "UPDATE deliveries SET status = ?2, due_at = ?3, first_attempt_at = NULL, attempts_before = attempts, \
                       cancel_reason = NULL, node = NULL WHERE id IN ?1 AND test_event IS NULL \
                       AND (due_at IS NULL OR (status = 'retrying' AND node IS NULL)) RETURNING webhook_id, subject";
    record::take_back(tx, &ids).await?;
    let params = vec![Value::Texts(ids), DeliveryStatus::Pending.as_str().into(), now.into()];
    let_go(tx, tx.query(SQL, params).await?, now).await
}

/// What waited for one that was to be tried again later, and is not any more, waits no longer. Takes the webhook and the subject of
/// each of those, and gives the webhooks.
async fn let_go<T: Tx>(tx: &T, rows: Vec<Row>, now: Timestamp) -> Result<Vec<WebhookId>, StoreError> {
    const SQL: &str = "UPDATE deliveries SET due_at = ?2 WHERE webhook_id = ?1 AND subject IN ?3 AND due_at > ?2 \
                       AND status = 'pending' AND node IS NULL";
    let mut webhooks = Vec::with_capacity(rows.len());
    let mut subjects: BTreeMap<WebhookId, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let mut row = row.read();
        let (webhook, subject): (WebhookId, _) = (row.parse("a webhook id")?, row.opt_int()?);
        if let Some(subject) = subject {
            subjects.entry(webhook.clone()).or_default().push(subject);
        }
        webhooks.push(webhook);
    }
    for (webhook, subjects) in subjects {
        tx.execute(SQL, vec![webhook.as_str().into(), now.into(), Value::Ints(subjects)]).await?;
    }
    Ok(webhooks)
}

/// Deletes entries of a log of deliveries, the oldest first. What is not finished stays: it is no log yet.
pub struct ClearDeliveries {
    /// Which.
    pub log: DeliveriesOf,
    /// The piece.
    pub piece: Piece<DeliveryId>,
}

impl Work for ClearDeliveries {
    type Output = Progress;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Progress, StoreError> {
        // One that was put back meanwhile stays, with its attempts.
        const DELIVERIES: &str = "DELETE FROM deliveries WHERE id IN ?1 AND due_at IS NULL RETURNING id";
        let (ids, next) = look::ids(tx, &self.log, &self.piece).await?;
        let deleted = tx.query(DELIVERIES, vec![Value::Texts(ids)]).await?;
        let deleted: Vec<String> =
            deleted.into_iter().map(|row| row.read().text()).collect::<Result<_, _>>()?;
        let done = deleted.len() as u64;
        missed::cleared(tx, &self.log.webhook_id, &deleted).await?;
        tx.execute("DELETE FROM attempts WHERE delivery_id IN ?1", vec![Value::Texts(deleted)]).await?;
        Ok(Progress { done, next: next.map(|id| id.to_string()) })
    }
}

/// Deletes entries of a log of requests, the oldest first. What is not done with stays: it is no log yet.
pub struct ClearRequests {
    /// Which.
    pub log: RequestsOf,
    /// The piece.
    pub piece: Piece<RequestId>,
}

impl Work for ClearRequests {
    type Output = Progress;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Progress, StoreError> {
        // One that is run again meanwhile stays.
        const SQL: &str = "DELETE FROM requests WHERE id IN ?1 AND status NOT IN ('accepted', 'retrying')";
        let (ids, next) = look::ids(tx, &self.log, &self.piece).await?;
        let done = tx.execute(SQL, vec![Value::Texts(ids)]).await?;
        Ok(Progress { done, next: next.map(|id| id.to_string()) })
    }
}
