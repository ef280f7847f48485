//! The log of deliveries, as it is looked up and listed, and retried one by one. What is done with many is in
//! [`crate::recovery`].

use std::collections::HashMap;

use domain::log::{CancelReason, DeliveryStatus};
use domain::{DeliveryId, Event, HttpStatuses, Timestamp, WebhookId};
use futures_util::try_join;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::events::read_event;
use crate::filter::{Conditions, LogFilter, names, pattern};
use crate::look::Log;
use crate::params;
use crate::record::{AttemptRow, insert_attempts};
use crate::recovery::put_back;
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
    /// Why it was cancelled; `None` if it was not, or by what its attempts say.
    pub cancel_reason: Option<CancelReason>,
    /// When it is tried next; `None` if it is finished.
    pub due_at: Option<Timestamp>,
    /// Whether it was made to try the webhook; then its event is none of those that happened.
    pub test: bool,
    /// The delivery of which this one is another, with an edited event.
    pub resent_from: Option<DeliveryId>,
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
    /// With what method and where to, if a template or a script decided that: `PUT https://crm.example.com/contacts/7`.
    pub target: Option<String>,
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

/// Entries of a webhook's log; what they contain is sought in what was sent and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveriesOf {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which.
    pub filter: LogFilter<DeliveryId, DeliveryStatus>,
    /// Tests, or those that are none.
    pub test: Option<bool>,
    /// Those with an attempt that was answered so.
    pub http_statuses: Vec<HttpStatuses>,
    /// Those with an attempt that failed for this reason.
    pub error_code: Option<String>,
    /// Those that are finished, or those that are not.
    pub finished: Option<bool>,
    /// Of those that were cancelled, only those whose webhook got none any more.
    #[serde(default)]
    pub undelivered: bool,
}

/// Open deliveries that are looked up one by one: where there are more they are a good part of the log's newest entries, and
/// found at once.
const FEW_OPEN: usize = 2_000;

impl DeliveriesOf {
    /// The deliveries that are still to be made, if they are few.
    async fn few_open<T: Tx>(&self, tx: &T) -> Result<Option<Vec<String>>, StoreError> {
        const WAITING: &str = "SELECT id FROM deliveries WHERE webhook_id = ?1 AND due_at IS NOT NULL AND node IS NULL LIMIT ?2";
        const LEASED: &str = "SELECT id FROM deliveries WHERE node IN (SELECT id FROM nodes) AND node IS NOT NULL \
                              AND webhook_id = ?1 LIMIT ?2";
        let params = || params![self.webhook_id.as_str(), FEW_OPEN as i64];
        let (waiting, leased) = try_join!(tx.query(WAITING, params()), tx.query(LEASED, params()))?;
        if waiting.len() >= FEW_OPEN || leased.len() >= FEW_OPEN {
            return Ok(None);
        }
        let ids = waiting.into_iter().chain(leased).map(|row| row.read().text());
        ids.collect::<Result<_, _>>().map(Some)
    }
}

impl Log for DeliveriesOf {
    type Id = DeliveryId;
    const ID: &'static str = "d.id";
    const TABLE: &'static str = "deliveries d";
    const ALL: &'static str = "deliveries d LEFT JOIN events e ON e.id = d.event_id";
    const SIZE: &'static str = "LENGTH(COALESCE(e.data, d.test_event, '')) + LENGTH(COALESCE(e.subscriber, '')) + (SELECT COALESCE(SUM(LENGTH(a.request_headers) + \
               LENGTH(a.response_headers) + LENGTH(a.response_body) + LENGTH(COALESCE(a.request_body, ''))), 0) \
               FROM attempts a WHERE a.delivery_id = d.id)";

    async fn ways<T: Tx>(&self, tx: &T) -> Result<Vec<Conditions>, StoreError> {
        let mut way = self.filter.way("d.id", DeliveryId::lowest_at);
        way.on("d.webhook_id = ?", self.webhook_id.as_str().to_owned());
        if self.test == Some(true) {
            way.fixed("d.test_event IS NOT NULL");
        }
        let statuses = self.filter.distinct();
        if statuses.is_empty() || statuses.contains(&DeliveryStatus::Delivered) || self.test == Some(true) {
            return Ok(vec![way]);
        }
        let open = match statuses.contains(&DeliveryStatus::Pending) {
            true => self.few_open(tx).await?,
            false => Some(Vec::new()),
        };
        let Some(open) = open else { return Ok(vec![way]) };
        let of_status = |status: &DeliveryStatus| {
            let mut way = way.clone();
            // Spelled out, because those that are rare have indexes of their own.
            way.fixed(&format!("d.status = '{}'", status.as_str()));
            if *status == DeliveryStatus::Pending {
                way.on("d.id IN ?", Value::Texts(open.clone()));
            }
            way
        };
        Ok(statuses.iter().map(of_status).collect())
    }

    fn rest(&self, conditions: &mut Conditions) {
        let filter = &self.filter;
        let has_way = self.test != Some(true) && !filter.statuses.iter().any(|status| is_common(*status));
        if !filter.statuses.is_empty() && !has_way {
            conditions.fixed(&format!("d.status IN ({})", names(&filter.statuses, DeliveryStatus::as_str)));
        }
        match self.finished {
            Some(true) => conditions.fixed("d.due_at IS NULL"),
            Some(false) => conditions.fixed("d.due_at IS NOT NULL"),
            None => {}
        }
        if self.undelivered {
            let reasons = names(&CancelReason::OF_WEBHOOK, CancelReason::as_str);
            conditions.fixed(&format!("(d.status <> 'cancelled' OR d.cancel_reason IN ({reasons}))"));
        }
        if self.test == Some(false) {
            conditions.fixed("d.test_event IS NULL");
        }
        conditions.on_some("d.event_type = ?", filter.event_type.clone());
        if !self.http_statuses.is_empty() {
            let within = |statuses: &HttpStatuses| {
                let range = statuses.range();
                format!("a.http_status BETWEEN {} AND {}", range.start(), range.end())
            };
            let any: Vec<String> = self.http_statuses.iter().map(within).collect();
            conditions.fixed(&attempted(&any.join(" OR ")));
        }
        conditions.on_some(&attempted("a.error_code = ?"), self.error_code.clone());
        let sent = attempted(
            "LOWER(COALESCE(a.target, '') || ' ' || COALESCE(a.request_body, '') || ' ' || a.request_headers || ' ' || a.response_headers || ' ' || a.response_body \
             || ' ' || COALESCE(a.error, '')) LIKE LOWER(CAST(? AS TEXT)) ESCAPE '\\'",
        );
        let data = r"LOWER(COALESCE(e.data, d.test_event, '')) LIKE LOWER(CAST(? AS TEXT)) ESCAPE '\'";
        conditions.on_some(&format!("({data} OR {sent})"), filter.contains.as_deref().map(pattern));
    }
}

/// That a delivery has such an attempt.
fn attempted(condition: &str) -> String {
    format!("EXISTS (SELECT 1 FROM attempts a WHERE a.delivery_id = d.id AND ({condition}))")
}

/// Whether no index leads to deliveries of this status.
fn is_common(status: DeliveryStatus) -> bool {
    matches!(status, DeliveryStatus::Delivered | DeliveryStatus::Pending)
}

/// Those of these entries that there are and that belong to the webhook, the newest first.
pub struct DeliveriesById {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The entries.
    pub ids: Vec<DeliveryId>,
}

impl Work for DeliveriesById {
    type Output = Vec<DeliveryEntry>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<DeliveryEntry>, StoreError> {
        let mut found = load(tx, self.ids.iter().map(ToString::to_string).collect()).await?;
        found.retain(|delivery| delivery.webhook_id == self.webhook_id);
        Ok(found)
    }
}

async fn load<T: Tx>(tx: &T, ids: Vec<String>) -> Result<Vec<DeliveryEntry>, StoreError> {
    const ATTEMPTS: &str = "SELECT delivery_id, number, attempted_at, duration_ms, http_status, error_code, error, target, request_headers, \
                            request_body, response_headers, response_body FROM attempts WHERE delivery_id IN ?1 ORDER BY delivery_id, number";
    // The event of a test is in the delivery itself.
    const DELIVERIES: &str = "SELECT d.id, d.webhook_id, d.created_at, d.status, d.cancel_reason, d.due_at, \
                              CASE WHEN d.test_event IS NULL THEN 0 ELSE 1 END, \
                              d.event_id, d.event_type, COALESCE(e.occurred_at, d.created_at), \
                              COALESCE(e.data, d.test_event, '{}'), e.request_id, e.subscriber, e.resent_from \
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
        cancel_reason: row.opt_text()?.as_deref().and_then(CancelReason::from_name),
        due_at: row.opt_time()?,
        test: row.int()? == 1,
        event: read_event(&mut row)?,
        resent_from: row.opt_text()?.and_then(|id| id.parse().ok()),
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
        target: row.opt_text()?,
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
        insert_attempts(tx, std::slice::from_ref(attempt)).await.map(|_| ())
    }
}

/// What became of a retry by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Queued(WebhookId),
    /// There is no such delivery.
    NotFound,
    /// It is about to be sent by itself, or it was a test.
    StillOpen,
}

/// Puts a delivery back that is finished, or that would be tried again later: due now, with its schedule from the start. Its
/// attempts are counted on.
pub struct RetryDelivery {
    /// Which.
    pub id: DeliveryId,
    /// Now.
    pub now: Timestamp,
}

impl Work for RetryDelivery {
    type Output = Retried;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Retried, StoreError> {
        let id = self.id.to_string();
        if let Some(webhook_id) = put_back(tx, vec![id.clone()], self.now).await?.pop() {
            return Ok(Retried::Queued(webhook_id));
        }
        let found = tx.query("SELECT id FROM deliveries WHERE id = ?1", params![&id]).await?;
        Ok(if found.is_empty() { Retried::NotFound } else { Retried::StillOpen })
    }
}
