//! What is kept of the logs, and for how long. What still has to be done is kept however old it is.

use domain::{DeliveryId, EventId, RequestId, Timestamp, WebhookId};

use crate::error::StoreError;
use crate::params;
use crate::tx::{Tx, Work};

/// Statistics are shown of up to 30 days, so they are kept for longer.
const STATISTICS_MS: i64 = 32 * 24 * 3_600 * 1_000;
const MINUTE_MS: i64 = 60_000;

/// Deletes entries of one webhook's log of requests that its own setting does not keep. Returns how many; to be called until
/// that is 0.
pub struct RetainOf {
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
        const NEWEST_TOO_MUCH: &str =
            "SELECT id FROM requests WHERE webhook_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2";
        const DELETE: &str = "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE webhook_id = ?1 AND id < ?2 \
               AND status NOT IN ('accepted', 'retrying') ORDER BY id LIMIT ?3)";
        let mut below = self.before.map(|before| RequestId::lowest_at(before).to_string());
        if let Some(entries) = self.entries {
            // The first of those to keep: what is below it goes.
            let params = params![self.webhook_id.as_str(), i64::from(entries.saturating_sub(1))];
            let first = tx.query(NEWEST_TOO_MUCH, params).await?.pop();
            let first = first.map(|row| row.read().text()).transpose()?;
            below = below.max(first);
        }
        let Some(below) = below else { return Ok(0) };
        tx.execute(DELETE, params![self.webhook_id.as_str(), below, self.limit]).await
    }
}

/// Deletes entries of the logs that are older than `before`. Returns how many; to be called until that is 0.
pub struct Retain {
    /// What is as old as this, or newer, is kept.
    pub before: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// The most to delete of each log in one transaction.
    pub limit: i64,
}

impl Work for Retain {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const REQUESTS: &str = "DELETE FROM requests WHERE id IN ( \
               SELECT id FROM requests WHERE id < ?1 AND status NOT IN ('accepted', 'retrying') ORDER BY id LIMIT ?2)";
        const DELIVERIES: &str = "DELETE FROM deliveries WHERE id IN ( \
               SELECT id FROM deliveries WHERE id < ?1 AND due_at IS NULL ORDER BY id LIMIT ?2)";
        const ATTEMPTS: &str = "DELETE FROM attempts WHERE (delivery_id, number) IN ( \
               SELECT delivery_id, number FROM attempts WHERE delivery_id < ?1 \
                 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = attempts.delivery_id) \
               ORDER BY delivery_id LIMIT ?2)";
        const EVENTS: &str =
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < ?1 ORDER BY id LIMIT ?2)";
        const STATISTICS: &str = "DELETE FROM delivery_stats WHERE minute < ?1";
        let requests = RequestId::lowest_at(self.before).to_string();
        let deliveries = DeliveryId::lowest_at(self.before).to_string();
        let mut deleted = tx.execute(REQUESTS, params![requests, self.limit]).await?;
        deleted += tx.execute(DELIVERIES, params![&deliveries, self.limit]).await?;
        deleted += tx.execute(ATTEMPTS, params![&deliveries, self.limit]).await?;
        let events = EventId::lowest_at(self.events_before(tx).await?).to_string();
        deleted += tx.execute(EVENTS, params![events, self.limit]).await?;
        let minute = self.now.plus_millis(-STATISTICS_MS).millis().div_euclid(MINUTE_MS);
        tx.execute(STATISTICS, params![minute]).await?;
        Ok(deleted)
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
