//! The log of deliveries, as it is looked up, listed, cleared and retried by hand.

use std::collections::HashMap;

use domain::log::DeliveryStatus;
use domain::{DeliveryId, Event, Timestamp, WebhookId};
use futures_util::try_join;

use crate::error::StoreError;
use crate::events::{read_event, sized};
use crate::filter::{Conditions, LogFilter, Slice};
use crate::params;
use crate::record::{AttemptRow, insert_attempts};
use crate::tx::{Row, Tx, Value, Work};

/// A delivery with all that became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryEntry {
    /// Unique, and sorts by time.
    pub id: DeliveryId,
    /// Where to.
    pub webhook_id: WebhookId,
    /// What: the event. It is kept as long as its deliveries.
    pub event: Event,
    /// When it was made.
    pub created_at: Timestamp,
    /// How it stands.
    pub status: DeliveryStatus,
    /// When it is tried next; `None` if it is finished.
    pub due_at: Option<Timestamp>,
    /// Whether it was made to try the webhook; then its event is none of those that happened.
    pub test: bool,
    /// The attempts, in order.
    pub attempts: Vec<AttemptEntry>,
}

/// An attempt as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEntry {
    /// Counted from 1.
    pub number: i64,
    /// When it began.
    pub attempted_at: Timestamp,
    /// Until the answer was complete, or the failure.
    pub duration_ms: i64,
    /// The status of the answer, if there was one.
    pub http_status: Option<i64>,
    /// Why it failed, as a stable code.
    pub error_code: Option<String>,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// What was sent, as a JSON object, secrets masked.
    pub request_headers: String,
    /// What was sent, as much as was kept, if it was not the event's envelope.
    pub request_body: Option<String>,
    /// What came back, as a JSON object.
    pub response_headers: String,
    /// What came back, as much as was kept.
    pub response_body: String,
}

/// Looks up a delivery.
pub struct GetDelivery {
    /// Which.
    pub id: DeliveryId,
}

impl Work for GetDelivery {
    type Output = Option<DeliveryEntry>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<DeliveryEntry>, StoreError> {
        Ok(load(tx, vec![self.id.to_string()]).await?.pop())
    }
}

/// Lists the deliveries to a webhook, the newest first.
pub struct ListDeliveries {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which; what they contain is sought in the data of their events.
    pub filter: LogFilter<DeliveryId, DeliveryStatus>,
    /// The most to return.
    pub limit: usize,
}

impl Work for ListDeliveries {
    type Output = Slice<DeliveryEntry>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Slice<DeliveryEntry>, StoreError> {
        const SELECT: &str = "SELECT d.id, LENGTH(COALESCE(e.data, d.test_event, '')) + (SELECT COALESCE(SUM(LENGTH(a.request_headers) + \
               LENGTH(a.response_headers) + LENGTH(a.response_body) + LENGTH(COALESCE(a.request_body, ''))), 0) \
               FROM attempts a WHERE a.delivery_id = d.id) \
             FROM deliveries d LEFT JOIN events e ON e.id = d.event_id";
        let filter = &self.filter;
        let mut conditions = Conditions::default();
        conditions.on("d.webhook_id = ?", self.webhook_id.as_str().to_owned());
        if let Some(status) = filter.status {
            // Spelled out, because some have an index of their own.
            conditions.fixed(&format!("d.status = '{}'", status.as_str()));
        }
        conditions.on_some("d.event_type = ?", filter.event_type.clone());
        conditions.within("d.id", DeliveryId::lowest_at, (filter.since, filter.until), filter.before);
        conditions.on_part(&["COALESCE(e.data, d.test_event)"], filter.contains.as_deref());
        let (sql, params) = conditions.query(SELECT, "d.id DESC", self.limit + 1);
        let (ids, more) = sized(tx, &sql, params, self.limit).await?;
        Ok(Slice { entries: load(tx, ids).await?, more })
    }
}

async fn load<T: Tx>(tx: &T, ids: Vec<String>) -> Result<Vec<DeliveryEntry>, StoreError> {
    const ATTEMPTS: &str = "SELECT delivery_id, number, attempted_at, duration_ms, http_status, error_code, error, request_headers, \
                            request_body, response_headers, response_body FROM attempts WHERE delivery_id IN ?1 ORDER BY delivery_id, number";
    // The event of a test is in the delivery itself.
    const DELIVERIES: &str = "SELECT d.id, d.webhook_id, d.created_at, d.status, d.due_at, \
                              CASE WHEN d.test_event IS NULL THEN 0 ELSE 1 END, \
                              d.event_id, d.event_type, COALESCE(e.occurred_at, d.created_at), \
                              COALESCE(e.data, d.test_event, '{}'), e.request_id \
                              FROM deliveries d LEFT JOIN events e ON e.id = d.event_id WHERE d.id IN ?1 ORDER BY d.id DESC";
    let (deliveries, attempts) = try_join!(
        tx.query(DELIVERIES, vec![Value::Texts(ids.clone())]),
        tx.query(ATTEMPTS, vec![Value::Texts(ids)]),
    )?;
    let mut made: HashMap<DeliveryId, Vec<AttemptEntry>> = HashMap::new();
    for row in attempts {
        let (id, attempt) = read_attempt(row)?;
        made.entry(id).or_default().push(attempt);
    }
    deliveries
        .into_iter()
        .map(|row| {
            let mut delivery = read_delivery(row)?;
            delivery.attempts = made.remove(&delivery.id).unwrap_or_default();
            Ok(delivery)
        })
        .collect()
}

fn read_delivery(row: Row) -> Result<DeliveryEntry, StoreError> {
    let mut row = row.read();
    Ok(DeliveryEntry {
        id: row.parse("a delivery id")?,
        webhook_id: row.parse("a webhook id")?,
        created_at: row.time()?,
        status: row.named(DeliveryStatus::from_name, "a delivery status")?,
        due_at: row.opt_time()?,
        test: row.int()? == 1,
        event: read_event(&mut row)?,
        attempts: Vec::new(),
    })
}

fn read_attempt(row: Row) -> Result<(DeliveryId, AttemptEntry), StoreError> {
    let mut row = row.read();
    let id = row.parse("a delivery id")?;
    let attempt = AttemptEntry {
        number: row.int()?,
        attempted_at: row.time()?,
        duration_ms: row.int()?,
        http_status: row.opt_int()?,
        error_code: row.opt_text()?,
        error: row.opt_text()?,
        request_headers: row.text()?,
        request_body: row.opt_text()?,
        response_headers: row.text()?,
        response_body: row.text()?,
    };
    Ok((id, attempt))
}

/// Writes down a delivery that was made to try a webhook. It counts in no statistics.
pub struct InsertTest {
    /// The event that was sent; none of those that happened.
    pub event: Event,
    /// The one attempt.
    pub attempt: AttemptRow,
}

impl Work for InsertTest {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO deliveries (id, webhook_id, event_id, event_type, created_at, status, attempts, \
                           first_attempt_at, test_event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?5, ?7)";
        let attempt = &self.attempt;
        let params = params![
            attempt.delivery_id.to_string(),
            attempt.webhook_id.as_str(),
            self.event.id.to_string(),
            self.event.event_type.as_str(),
            attempt.attempted_at,
            attempt.status.as_str(),
            self.event.data.as_ref(),
        ];
        tx.execute(SQL, params).await?;
        insert_attempts(tx, std::slice::from_ref(attempt)).await
    }
}

/// What became of a retry by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Queued(WebhookId),
    /// There is no such delivery.
    NotFound,
    /// It is not finished and will be tried by itself, or it was a test.
    StillOpen,
}

/// Puts a finished delivery back: due now. Its attempts are counted on, and offsets of retries count from the next one.
pub struct RetryDelivery {
    /// Which.
    pub id: DeliveryId,
    /// Now.
    pub now: Timestamp,
}

impl Work for RetryDelivery {
    type Output = Retried;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Retried, StoreError> {
        const PUT_BACK: &str = "UPDATE deliveries SET status = ?2, due_at = ?3, first_attempt_at = NULL, node = NULL \
                                WHERE id = ?1 AND due_at IS NULL AND test_event IS NULL RETURNING webhook_id";
        let (id, pending) = (self.id.to_string(), DeliveryStatus::Pending.as_str());
        if let Some(row) = tx.query(PUT_BACK, params![&id, pending, self.now]).await?.pop() {
            return Ok(Retried::Queued(row.read().parse("a webhook id")?));
        }
        let found = tx.query("SELECT id FROM deliveries WHERE id = ?1", params![&id]).await?;
        Ok(if found.is_empty() { Retried::NotFound } else { Retried::StillOpen })
    }
}

/// Which finished deliveries are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// Those that failed.
    Failed,
    /// All of them.
    All,
}

/// Puts finished deliveries of a webhook back, the oldest first, each like [`RetryDelivery`]. To be called again with the id
/// that it returns, beside how many it put back, until that is `None`.
pub struct ReplayDeliveries {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which.
    pub which: Replayed,
    /// Only what is newer: the last that was put back.
    pub after: Option<DeliveryId>,
    /// Only what was made then or later, and before.
    pub within: (Option<Timestamp>, Timestamp),
    /// Now.
    pub now: Timestamp,
    /// The most to put back in one transaction.
    pub limit: usize,
}

impl Work for ReplayDeliveries {
    type Output = Option<(DeliveryId, u64)>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<(DeliveryId, u64)>, StoreError> {
        const PUT_BACK: &str = "UPDATE deliveries SET status = ?2, due_at = ?3, first_attempt_at = NULL, node = NULL \
                                WHERE id IN ?1 AND due_at IS NULL";
        let mut conditions = finished(&self.webhook_id, self.after);
        if self.which == Replayed::Failed {
            conditions.fixed("status = 'failed'");
        }
        conditions.fixed("test_event IS NULL");
        let (since, until) = self.within;
        conditions.on_some("id >= ?", since.map(|moment| DeliveryId::lowest_at(moment).to_string()));
        conditions.on("id < ?", DeliveryId::lowest_at(until).to_string());
        let ids = ids(tx, conditions, self.limit).await?;
        let Some(last) = ids.last().and_then(|id| id.parse().ok()) else { return Ok(None) };
        let params = vec![Value::Texts(ids), DeliveryStatus::Pending.as_str().into(), self.now.into()];
        Ok(Some((last, tx.execute(PUT_BACK, params).await?)))
    }
}

/// The finished deliveries of a webhook behind one.
fn finished(webhook_id: &WebhookId, after: Option<DeliveryId>) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.on("webhook_id = ?", webhook_id.as_str().to_owned());
    conditions.on_some("id > ?", after.map(|id| id.to_string()));
    conditions.fixed("due_at IS NULL");
    conditions
}

async fn ids<T: Tx>(tx: &T, conditions: Conditions, limit: usize) -> Result<Vec<String>, StoreError> {
    let (sql, params) = conditions.query("SELECT id FROM deliveries", "id", limit);
    tx.query(&sql, params).await?.into_iter().map(|row| row.read().text()).collect()
}

/// Clears the log of a webhook, the oldest entries first. What is not finished stays: it is no log yet. To be called again
/// with what it returns, until that is `None`.
pub struct ClearDeliveries {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Only what is newer: the last that was deleted.
    pub after: Option<DeliveryId>,
    /// Only what was made before.
    pub until: Timestamp,
    /// The most to delete in one transaction.
    pub limit: usize,
}

impl Work for ClearDeliveries {
    type Output = Option<DeliveryId>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<DeliveryId>, StoreError> {
        let mut conditions = finished(&self.webhook_id, self.after);
        conditions.on("id < ?", DeliveryId::lowest_at(self.until).to_string());
        let ids = ids(tx, conditions, self.limit).await?;
        let Some(last) = ids.last().and_then(|id| id.parse().ok()) else { return Ok(None) };
        tx.execute("DELETE FROM attempts WHERE delivery_id IN ?1", vec![Value::Texts(ids.clone())]).await?;
        // One that was put back meanwhile stays.
        tx.execute("DELETE FROM deliveries WHERE id IN ?1 AND due_at IS NULL", vec![Value::Texts(ids)])
            .await?;
        Ok(Some(last))
    }
}
