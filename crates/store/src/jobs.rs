//! Requests with actions that leave the process: what waits, who has which.
//!
//! A job is leased to a node as a delivery is (see [`crate::queue`]); its progress is in the entry of the request log.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{RequestId, Timestamp, WebhookId};

use crate::commit::RequestRow;
use crate::error::StoreError;
use crate::params;
use crate::requests;
use crate::tx::{Row, Rows, Tx, Value, Work};

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// The request that it runs.
    pub request_id: RequestId,
    /// The request's webhook.
    pub webhook_id: WebhookId,
    /// When the next run is due.
    pub due_at: Timestamp,
    /// Runs that failed for a passing reason.
    pub failures: u32,
    /// When the first run began.
    pub first_attempt_at: Option<Timestamp>,
}

impl JobRow {
    /// A job that is due.
    pub fn new(request_id: RequestId, webhook_id: WebhookId, now: Timestamp) -> Self {
        Self { request_id, webhook_id, due_at: now, failures: 0, first_attempt_at: None }
    }
}

/// Writes jobs; whoever held one holds it no more.
pub(crate) async fn put<T: Tx>(tx: &T, jobs: &[JobRow]) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(jobs.len(), 5);
    for job in jobs {
        rows.push([
            job.request_id.to_string().into(),
            job.webhook_id.as_str().into(),
            job.due_at.into(),
            i64::from(job.failures).into(),
            job.first_attempt_at.into(),
        ]);
    }
    const SQL: &str = "INSERT INTO action_jobs (request_id, webhook_id, due_at, failures, first_attempt_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (request_id) DO UPDATE SET due_at = excluded.due_at, \
                       failures = excluded.failures, first_attempt_at = excluded.first_attempt_at, node = NULL";
    tx.execute_many(SQL, rows).await.map(|_| ())
}

/// Takes jobs off that have ended.
pub(crate) async fn end<T: Tx>(tx: &T, ended: &[RequestId]) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let ids = ended.iter().map(ToString::to_string).collect();
    tx.execute("DELETE FROM action_jobs WHERE request_id IN ?1", vec![Value::Texts(ids)]).await.map(|_| ())
}

/// The webhooks with jobs that are due, in no order.
pub struct DueJobs {
    /// Now.
    pub now: Timestamp,
}

impl Work for DueJobs {
    type Output = Vec<WebhookId>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<WebhookId>, StoreError> {
        // Two looks into the index for each webhook, however many jobs wait.
        const SQL: &str = "WITH RECURSIVE waiting (webhook_id) AS ( \
               SELECT (SELECT MIN(webhook_id) FROM action_jobs WHERE node IS NULL) \
             UNION ALL \
               SELECT (SELECT MIN(j.webhook_id) FROM action_jobs j WHERE j.node IS NULL AND j.webhook_id > waiting.webhook_id) \
               FROM waiting WHERE waiting.webhook_id IS NOT NULL) \
             SELECT webhook_id FROM waiting WHERE webhook_id IS NOT NULL AND \
               (SELECT MIN(j.due_at) FROM action_jobs j WHERE j.webhook_id = waiting.webhook_id AND j.node IS NULL) <= ?1";
        let rows = tx.query(SQL, params![self.now]).await?;
        rows.into_iter().map(|row| row.read().parse("a webhook id")).collect()
    }
}

/// Leases jobs of one webhook that are due, the longest due first, with their requests; `None` for one whose request was
/// cleared from the log.
pub struct ClaimJobs {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Who takes them.
    pub node: Arc<str>,
    /// Now.
    pub now: Timestamp,
    /// The most to take.
    pub limit: usize,
}

impl Work for ClaimJobs {
    type Output = Vec<(JobRow, Option<RequestRow>)>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        const LEASE: &str = "UPDATE action_jobs SET node = ?2 WHERE request_id IN ONCE ( \
               SELECT request_id FROM action_jobs WHERE webhook_id = ?1 AND node IS NULL AND due_at <= ?3 \
               ORDER BY due_at LIMIT ?4 /*pg: FOR UPDATE SKIP LOCKED */) \
             RETURNING request_id, webhook_id, due_at, failures, first_attempt_at";
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let leased =
            tx.query(LEASE, params![self.webhook_id.as_str(), self.node.as_ref(), self.now, limit]).await?;
        let mut jobs = leased.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        jobs.sort_by_key(|job| (job.due_at, job.request_id));
        let ids = jobs.iter().map(|job| job.request_id.to_string()).collect();
        let mut found = requests::by_id(tx, ids).await?;
        let with_request = |job: JobRow| {
            let request = found.remove(&job.request_id);
            (job, request)
        };
        Ok(jobs.into_iter().map(with_request).collect())
    }
}

fn read(row: Row) -> Result<JobRow, StoreError> {
    let mut row = row.read();
    Ok(JobRow {
        request_id: row.parse("a request id")?,
        webhook_id: row.parse("a webhook id")?,
        due_at: row.time()?,
        failures: u32::try_from(row.int()?).unwrap_or(u32::MAX),
        first_attempt_at: row.opt_time()?,
    })
}

/// When requests with a job go on.
pub struct JobsDue {
    /// The requests.
    pub ids: Vec<RequestId>,
}

impl Work for JobsDue {
    type Output = HashMap<RequestId, Timestamp>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        const SQL: &str = "SELECT request_id, due_at FROM action_jobs WHERE request_id IN ?1";
        let ids = self.ids.iter().map(ToString::to_string).collect();
        let rows = tx.query(SQL, vec![Value::Texts(ids)]).await?;
        let due = |row: Row| {
            let mut row = row.read();
            Ok((row.parse("a request id")?, row.time()?))
        };
        rows.into_iter().map(due).collect()
    }
}

/// Takes jobs off whose requests are gone.
pub struct DropJobs {
    /// The requests.
    pub ids: Vec<RequestId>,
}

impl Work for DropJobs {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        end(tx, &self.ids).await
    }
}

/// Gives back jobs that this node holds and could not end.
pub struct GiveBackJobs {
    /// The node.
    pub node: Arc<str>,
    /// The requests.
    pub ids: Vec<RequestId>,
    /// When they are due again.
    pub due_at: Timestamp,
}

impl Work for GiveBackJobs {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        let ids = self.ids.iter().map(ToString::to_string).collect();
        const SQL: &str = "UPDATE action_jobs SET node = NULL, due_at = ?3 WHERE request_id IN ?1 AND COALESCE(node, '') = ?2";
        let params = vec![Value::Texts(ids), self.node.as_ref().into(), self.due_at.into()];
        tx.execute(SQL, params).await.map(|_| ())
    }
}
