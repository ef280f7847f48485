//! Statistics of incoming webhooks, counted by the hour in the transaction that stores requests.

use std::collections::BTreeMap;

use domain::log::RequestStatus;
use domain::{Timestamp, WebhookId};

use crate::commit::RequestRow;
use crate::error::StoreError;
use crate::tx::{Row, Rows, Tx, Value, Work};

/// An hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// Counts of one webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Requests that came in and were logged.
    pub received: i64,
    /// Runs that went well. A request that is run again counts each time.
    pub processed: i64,
    /// Runs that had nothing to do.
    pub ignored: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Requests that were not let in.
    pub rejected: i64,
}

impl RequestCounts {
    fn ended(&mut self, status: RequestStatus) {
        match status {
            RequestStatus::Processed => self.processed += 1,
            RequestStatus::Ignored => self.ignored += 1,
            RequestStatus::Failed => self.failed += 1,
            RequestStatus::Rejected => self.rejected += 1,
            RequestStatus::Accepted | RequestStatus::Retrying => {}
        }
    }
}

impl std::ops::AddAssign for RequestCounts {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.processed += other.processed;
        self.ignored += other.ignored;
        self.failed += other.failed;
        self.rejected += other.rejected;
    }
}

/// Counts requests of a batch: one statement, with a row for each webhook and hour.
pub(crate) async fn count<T: Tx>(
    tx: &T,
    new: &[RequestRow],
    run_again: &[RequestRow],
) -> Result<(), StoreError> {
    // The counts of one hour are spread over some rows: transactions that add to the same one wait for each other. Those of
    // one pool run on other connections, whose processes are numbered one after the other.
    const SQL: &str = "INSERT INTO request_stats (webhook_id, hour, received, processed, ignored, failed, rejected, last_at, slot) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, /*pg: pg_backend_pid() % 16 */ /*sqlite: 0 */) \
                       ON CONFLICT (webhook_id, hour, slot) DO UPDATE SET \
                       received = request_stats.received + excluded.received, \
                       processed = request_stats.processed + excluded.processed, \
                       ignored = request_stats.ignored + excluded.ignored, \
                       failed = request_stats.failed + excluded.failed, \
                       rejected = request_stats.rejected + excluded.rejected, last_at = CASE \
                         WHEN request_stats.last_at > excluded.last_at THEN request_stats.last_at ELSE excluded.last_at END";
    // In one order for all nodes: no two wait for each other.
    let mut counts: BTreeMap<(&str, i64), (RequestCounts, i64)> = BTreeMap::new();
    for (row, is_new) in new.iter().map(|row| (row, true)).chain(run_again.iter().map(|row| (row, false))) {
        let hour = row.received_at.millis().div_euclid(HOUR_MS);
        let (count, last_at) = counts.entry((row.webhook_id.as_str(), hour)).or_default();
        *last_at = row.received_at.millis().max(*last_at);
        count.received += i64::from(is_new);
        count.ended(row.status);
    }
    let mut rows = Rows::with_capacity(counts.len(), 8);
    for ((webhook_id, hour), (count, last_at)) in counts {
        let RequestCounts { received, processed, ignored, failed, rejected } = count;
        rows.push([
            webhook_id.into(),
            hour.into(),
            received.into(),
            processed.into(),
            ignored.into(),
            failed.into(),
            rejected.into(),
            last_at.into(),
        ]);
    }
    tx.execute_many(SQL, rows).await.map(|_| ())
}

/// Counts what came in to these webhooks, by webhook and hour since the Unix epoch.
pub struct RequestStats {
    /// The webhooks.
    pub webhooks: Vec<WebhookId>,
    /// The first hour.
    pub since_hour: i64,
}

impl Work for RequestStats {
    type Output = BTreeMap<(WebhookId, i64), RequestCounts>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        const SQL: &str = "SELECT webhook_id, hour, received, processed, ignored, failed, rejected FROM request_stats \
                           WHERE webhook_id IN ?1 AND hour >= ?2";
        let ids = self.webhooks.iter().map(|id| id.as_str().to_owned()).collect();
        let rows = tx.query(SQL, vec![Value::Texts(ids), self.since_hour.into()]).await?;
        let mut counts = BTreeMap::new();
        for row in rows {
            let (key, count) = read(row)?;
            *counts.entry(key).or_default() += count;
        }
        Ok(counts)
    }
}

/// Finds when each of these webhooks got its last request, if it got one as long as statistics are kept.
pub struct LastRequests {
    /// The webhooks.
    pub webhooks: Vec<WebhookId>,
}

impl Work for LastRequests {
    type Output = BTreeMap<WebhookId, Timestamp>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        const SQL: &str = "SELECT s.webhook_id, MAX(s.last_at) FROM incoming_webhooks w JOIN request_stats s ON s.webhook_id = w.id \
               AND s.hour = (SELECT MAX(hour) FROM request_stats m WHERE m.webhook_id = w.id) \
               WHERE w.id IN ?1 GROUP BY s.webhook_id";
        let ids = self.webhooks.iter().map(|id| id.as_str().to_owned()).collect();
        let read = |row: Row| {
            let mut row = row.read();
            Ok((row.parse("a webhook id")?, row.time()?))
        };
        tx.query(SQL, vec![Value::Texts(ids)]).await?.into_iter().map(read).collect()
    }
}

fn read(row: Row) -> Result<((WebhookId, i64), RequestCounts), StoreError> {
    let mut row = row.read();
    let key = (row.parse("a webhook id")?, row.int()?);
    let counts = RequestCounts {
        received: row.int()?,
        processed: row.int()?,
        ignored: row.int()?,
        failed: row.int()?,
        rejected: row.int()?,
    };
    Ok((key, counts))
}
