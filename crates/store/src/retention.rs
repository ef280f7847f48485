//! What is kept of the logs, and for how long. What still has to be done is kept however old it is.

use domain::{DeliveryId, EventId, RequestId, Timestamp, WebhookId};

use crate::error::StoreError;
use crate::missed;
use crate::params;
use crate::tx::{Tx, Value, Work};

/// Statistics are shown of up to 30 days, so they are kept for longer.
const STATISTICS_MS: i64 = 32 * 24 * 3_600 * 1_000;
const MINUTE_MS: i64 = 60_000;

/// A log of a webhook's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnLog {
    /// Of an incoming webhook.
    Requests,
    /// Of an outgoing webhook.
    Deliveries,
}

/// Deletes entries of one webhook's log that are more than is kept of it. Returns how many; to be called until that is 0.
pub struct RetainOf {
    /// Which log.
    pub log: OwnLog,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// What is as old as this, or newer, is kept.
    pub before: Option<Timestamp>,
    /// So many are kept, the newest.
    pub entries: Option<u32>,
    /// The most to delete in one transaction.
    pub limit: i64,
}

impl Work for RetainOf {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        // The condition stands twice: PostgreSQL looks again only at the outer one after it has waited for somebody who puts an
        // entry back.
        const REQUESTS: &str = "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE webhook_id = ?1 AND id < ?2 \
               AND status NOT IN ('accepted', 'retrying') ORDER BY id LIMIT ?3) AND status NOT IN ('accepted', 'retrying')";
        const DELIVERIES: &str = "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE webhook_id = ?1 AND id < ?2 \
               AND due_at IS NULL ORDER BY id LIMIT ?3) AND due_at IS NULL RETURNING id";
        const ATTEMPTS: &str = "DELETE FROM attempts WHERE delivery_id IN ?1";
        let Some(below) = self.below(tx).await? else { return Ok(0) };
        let params = params![self.webhook_id.as_str(), below, self.limit];
        if self.log == OwnLog::Requests {
            return tx.execute(REQUESTS, params).await;
        }
        let deleted = tx.query(DELIVERIES, params).await?;
        let deleted: Vec<String> =
            deleted.into_iter().map(|row| row.read().text()).collect::<Result<_, _>>()?;
        let count = deleted.len() as u64;
        missed::cleared(tx, &self.webhook_id, &deleted).await?;
        tx.execute(ATTEMPTS, vec![Value::Texts(deleted)]).await?;
        Ok(count)
    }
}

impl RetainOf {
    /// The smallest id of what is kept, if not all of it is.
    async fn below<T: Tx>(&self, tx: &T) -> Result<Option<String>, StoreError> {
        let (table, lowest): (_, fn(Timestamp) -> String) = match self.log {
            OwnLog::Requests => ("requests", |moment| RequestId::lowest_at(moment).to_string()),
            OwnLog::Deliveries => ("deliveries", |moment| DeliveryId::lowest_at(moment).to_string()),
        };
        let below = self.before.map(lowest);
        let Some(entries) = self.entries else { return Ok(below) };
        let sql = format!("SELECT id FROM {table} WHERE webhook_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2");
        let params = params![self.webhook_id.as_str(), i64::from(entries.saturating_sub(1))];
        let first = tx.query(&sql, params).await?.pop().map(|row| row.read().text()).transpose()?;
        Ok(below.max(first))
    }
}

/// Deletes entries of the logs that are older than `before`. Returns how many; to be called until that is 0.
pub struct Retain {
    /// What is as old as this, or newer, is kept.
    pub before: Timestamp,
    /// The most to delete of each log in one transaction.
    pub limit: i64,
}

impl Work for Retain {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const REQUESTS: &str = "DELETE FROM requests WHERE id IN ( \
               SELECT id FROM requests WHERE id < ?1 AND status NOT IN ('accepted', 'retrying') ORDER BY id LIMIT ?2) \
               AND status NOT IN ('accepted', 'retrying')";
        const DELIVERIES: &str = "DELETE FROM deliveries WHERE id IN ( \
               SELECT id FROM deliveries WHERE id < ?1 AND due_at IS NULL ORDER BY id LIMIT ?2) AND due_at IS NULL";
        const ATTEMPTS: &str = "DELETE FROM attempts WHERE (delivery_id, number) IN ( \
               SELECT delivery_id, number FROM attempts WHERE delivery_id < ?1 \
                 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = attempts.delivery_id) \
               ORDER BY delivery_id LIMIT ?2)";
        const EVENTS: &str =
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < ?1 ORDER BY id LIMIT ?2)";
        let requests = RequestId::lowest_at(self.before).to_string();
        let deliveries = DeliveryId::lowest_at(self.before).to_string();
        let mut deleted = tx.execute(REQUESTS, params![requests, self.limit]).await?;
        deleted += tx.execute(DELIVERIES, params![&deliveries, self.limit]).await?;
        deleted += tx.execute(ATTEMPTS, params![&deliveries, self.limit]).await?;
        let events = EventId::lowest_at(self.events_before(tx).await?).to_string();
        deleted += tx.execute(EVENTS, params![events, self.limit]).await?;
        Ok(deleted)
    }
}

/// Deletes statistics that nobody is shown any more, however long logs are kept. Returns how many rows; to be called until that
/// is 0.
pub struct RetainStatistics {
    /// Now.
    pub now: Timestamp,
    /// The most rows to delete of each table in one transaction.
    pub limit: i64,
}

impl Work for RetainStatistics {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const DELIVERIES: &str = "DELETE FROM delivery_stats WHERE (webhook_id, minute, duration_class) IN ( \
               SELECT webhook_id, minute, duration_class FROM delivery_stats WHERE minute < ?1 LIMIT ?2)";
        const REQUESTS: &str = "DELETE FROM request_stats WHERE (webhook_id, hour, slot) IN ( \
               SELECT webhook_id, hour, slot FROM request_stats WHERE hour < ?1 LIMIT ?2)";
        let minute = self.now.plus_millis(-STATISTICS_MS).millis().div_euclid(MINUTE_MS);
        let deleted = tx.execute(DELIVERIES, params![minute, self.limit]).await?;
        Ok(deleted + tx.execute(REQUESTS, params![minute.div_euclid(60), self.limit]).await?)
    }
}

impl Retain {
    /// A delivery is made with its event: events as old as the oldest delivery that is left may still be sent.
    async fn events_before<T: Tx>(&self, tx: &T) -> Result<Timestamp, StoreError> {
        const OLDEST: &str = "SELECT id FROM deliveries ORDER BY id LIMIT 1";
        let oldest = tx.query(OLDEST, vec![]).await?.pop();
        let oldest = oldest.map(|row| row.read().parse::<DeliveryId>("a delivery id")).transpose()?;
        Ok(oldest.map_or(self.before, |id| id.made_at().min(self.before)))
    }
}
