//! Deliveries that wait: who has which, who is gone, what is due.
//!
//! A delivery is leased to a node, and a node to its heartbeat. A lease saves work and guarantees nothing: delivery is at
//! least once.

use std::collections::HashMap;
use std::sync::Arc;

use domain::log::{CancelReason, DeliveryStatus};
use domain::{DeliveryId, Event, EventId, SubscriberId, Timestamp, WebhookId};
use futures_util::future::try_join_all;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Columns, Row, Tx, Value, Work};

/// A delivery to be sent, with all that is needed to send it.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    /// Which.
    pub id: DeliveryId,
    /// Where to.
    pub webhook_id: WebhookId,
    /// What.
    pub event: Arc<Event>,
    /// Attempts made so far.
    pub attempts: u32,
    /// Those of them made before it was sent again by hand: its schedule does not count them.
    pub attempts_before: u32,
    /// When the first was made.
    pub first_attempt_at: Option<Timestamp>,
    /// The subscriber whose deliveries follow each other, if they do.
    pub subject: Option<SubscriberId>,
}

/// Says that a node is alive, until a moment. Returns until when it was said before: `None` if it never was, or if the others have
/// taken the node for dead since, and what it held.
pub struct Heartbeat {
    /// The node.
    pub node: Arc<str>,
    /// Until when it need not say so again.
    pub expires_at: Timestamp,
}

impl Work for Heartbeat {
    type Output = Option<Timestamp>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<Timestamp>, StoreError> {
        // Locked: nobody takes it for dead meanwhile.
        const BEFORE: &str = "SELECT expires_at FROM nodes WHERE id = ?1 /*pg: FOR UPDATE */";
        const SQL: &str = "INSERT INTO nodes (id, expires_at) VALUES (?1, ?2) \
                           ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at";
        let before = tx.query(BEFORE, params![self.node.as_ref()]).await?.pop();
        tx.execute(SQL, params![self.node.as_ref(), self.expires_at]).await?;
        before.map(|row| row.read().time()).transpose()
    }
}

/// Counts the nodes that are alive.
pub struct LiveNodes {
    /// Now.
    pub now: Timestamp,
}

impl Work for LiveNodes {
    type Output = i64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<i64, StoreError> {
        let rows = tx.query("SELECT COUNT(*) FROM nodes WHERE expires_at > ?1", params![self.now]).await?;
        rows.into_iter().next().map_or(Ok(0), |row| row.read().int())
    }
}

/// Gives back what dead nodes hold. Returns how many deliveries and jobs that were.
pub struct ReleaseDead {
    /// Nodes whose heartbeat is older are dead; with a moment far ahead, all are.
    pub now: Timestamp,
}

impl Work for ReleaseDead {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        let dead = tx
            .query(
                "SELECT id FROM nodes WHERE expires_at <= ?1 /*pg: FOR UPDATE SKIP LOCKED */",
                params![self.now],
            )
            .await?;
        let dead: Vec<String> = dead.into_iter().map(|row| row.read().text()).collect::<Result<_, _>>()?;
        if dead.is_empty() {
            return Ok(0);
        }
        let given_back = tx
            .execute("UPDATE deliveries SET node = NULL WHERE node IN ?1", vec![Value::Texts(dead.clone())])
            .await?;
        let jobs = tx
            .execute("UPDATE action_jobs SET node = NULL WHERE node IN ?1", vec![Value::Texts(dead.clone())])
            .await?;
        let tasks = tx
            .execute("UPDATE tasks SET node = NULL WHERE node IN ?1", vec![Value::Texts(dead.clone())])
            .await?;
        tx.execute("DELETE FROM nodes WHERE id IN ?1", vec![Value::Texts(dead)]).await?;
        Ok(given_back + jobs + tasks)
    }
}

/// Gives back what this node holds, and takes it off the list: at a stop.
pub struct Leave {
    /// The node.
    pub node: Arc<str>,
}

impl Work for Leave {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        tx.execute("UPDATE deliveries SET node = NULL WHERE node = ?1", params![self.node.as_ref()]).await?;
        tx.execute("UPDATE action_jobs SET node = NULL WHERE node = ?1", params![self.node.as_ref()]).await?;
        tx.execute("UPDATE tasks SET node = NULL WHERE node = ?1", params![self.node.as_ref()]).await?;
        tx.execute("DELETE FROM nodes WHERE id = ?1", params![self.node.as_ref()]).await.map(|_| ())
    }
}

/// Gives back single deliveries that this node holds and did not try.
pub struct GiveBack {
    /// The node.
    pub node: Arc<str>,
    /// The deliveries.
    pub deliveries: Vec<DeliveryId>,
}

impl Work for GiveBack {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        let ids = self.deliveries.iter().map(ToString::to_string).collect();
        const SQL: &str = "UPDATE deliveries SET node = NULL WHERE id IN ?1 AND COALESCE(node, '') = ?2";
        tx.execute(SQL, vec![Value::Texts(ids), self.node.as_ref().into()]).await.map(|_| ())
    }
}

/// The deliveries that are leased to a node.
pub struct LeasedTo {
    /// The node.
    pub node: Arc<str>,
}

impl Work for LeasedTo {
    type Output = Vec<DeliveryId>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<DeliveryId>, StoreError> {
        let rows = tx.query("SELECT id FROM deliveries WHERE node = ?1", params![self.node.as_ref()]).await?;
        rows.into_iter().map(|row| row.read().parse("a delivery id")).collect()
    }
}

/// The webhooks for which deliveries wait in the table, each with the moment when the first of them is due.
pub struct Waiting;

impl Work for Waiting {
    type Output = Vec<(WebhookId, Timestamp)>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<(WebhookId, Timestamp)>, StoreError> {
        // Two looks into the index for each webhook, however many deliveries wait.
        const SQL: &str = "WITH RECURSIVE waiting (webhook_id) AS ( \
               SELECT (SELECT MIN(webhook_id) FROM deliveries WHERE due_at IS NOT NULL AND node IS NULL) \
             UNION ALL \
               SELECT (SELECT MIN(d.webhook_id) FROM deliveries d \
                       WHERE d.due_at IS NOT NULL AND d.node IS NULL AND d.webhook_id > waiting.webhook_id) \
               FROM waiting WHERE waiting.webhook_id IS NOT NULL) \
             SELECT webhook_id, (SELECT MIN(d.due_at) FROM deliveries d \
                                 WHERE d.webhook_id = waiting.webhook_id AND d.due_at IS NOT NULL AND d.node IS NULL) \
             FROM waiting WHERE webhook_id IS NOT NULL";
        let rows = tx.query(SQL, vec![]).await?;
        let read = |row: Row| {
            let mut row = row.read();
            Ok((row.parse("a webhook id")?, row.time()?))
        };
        rows.into_iter().map(read).collect()
    }
}

/// Leases deliveries that are due, of each webhook the longest due first. Of those that follow each other only the oldest that
/// is not done, whoever has it, and while none of them is leased: an older one that was put back waits for what is under way.
pub struct Claim {
    /// The webhooks, each with the most to take of it.
    pub wants: Vec<(WebhookId, usize)>,
    /// Who takes them.
    pub node: Arc<str>,
    /// Now.
    pub now: Timestamp,
}

impl Work for Claim {
    type Output = Vec<DueDelivery>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<DueDelivery>, StoreError> {
        const LEASE: &str = "UPDATE deliveries SET node = ?2 WHERE id IN ONCE ( \
               SELECT d.id FROM deliveries d WHERE d.webhook_id = ?1 AND d.due_at IS NOT NULL AND d.node IS NULL AND d.due_at <= ?3 \
               AND (d.subject IS NULL OR NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.webhook_id = d.webhook_id \
                      AND o.subject = d.subject AND o.due_at IS NOT NULL AND (o.id < d.id OR o.node IS NOT NULL))) \
               ORDER BY d.due_at LIMIT ?4 /*pg: FOR UPDATE OF d SKIP LOCKED */) \
             RETURNING id";
        const LOAD: &str = "SELECT d.id, d.webhook_id, d.attempts, d.attempts_before, d.first_attempt_at, d.subject, e.id, e.event_type, \
               e.occurred_at, e.data, e.request_id, e.subscriber FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.id IN ?1 ORDER BY d.webhook_id, d.due_at, d.id";
        let lease = |(webhook_id, limit): &(WebhookId, usize)| {
            let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
            let params = params![webhook_id.as_str().to_owned(), self.node.as_ref(), self.now, limit];
            tx.query(LEASE, params)
        };
        let leased = try_join_all(self.wants.iter().map(lease)).await?;
        let leased: Vec<String> =
            leased.into_iter().flatten().map(|row| row.read().text()).collect::<Result<_, _>>()?;
        if leased.is_empty() {
            return Ok(Vec::new());
        }
        let mut events = HashMap::new();
        let rows = tx.query(LOAD, vec![Value::Texts(leased)]).await?;
        rows.into_iter().map(|row| read_due(row, &mut events)).collect()
    }
}

/// One event goes to many webhooks, and is in memory once for all that are claimed together.
fn read_due(row: Row, events: &mut HashMap<EventId, Arc<Event>>) -> Result<DueDelivery, StoreError> {
    let mut row = row.read();
    Ok(DueDelivery {
        id: row.parse("a delivery id")?,
        webhook_id: row.parse("a webhook id")?,
        attempts: u32::try_from(row.int()?).unwrap_or(u32::MAX),
        attempts_before: u32::try_from(row.int()?).unwrap_or(u32::MAX),
        first_attempt_at: row.opt_time()?,
        subject: row.opt_int()?.map(SubscriberId),
        event: read_event(row, events)?,
    })
}

fn read_event(mut row: Columns, events: &mut HashMap<EventId, Arc<Event>>) -> Result<Arc<Event>, StoreError> {
    let id = row.parse("an event id")?;
    if let Some(event) = events.get(&id) {
        return Ok(event.clone());
    }
    let event = Arc::new(Event {
        id,
        event_type: row.parse("an event type")?,
        occurred_at: row.time()?,
        data: row.text()?.into(),
        request_id: row.opt_text()?.and_then(|id| id.parse().ok()),
        subscriber: row.opt_text()?.map(Arc::from),
    });
    events.insert(id, event.clone());
    Ok(event)
}

/// Cancels deliveries that wait for a webhook that gets none any more, if it is still as it was seen. Returns how many; to be
/// called until that is 0.
pub struct CancelWaiting {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// When it was last changed as it was seen; `None` if it was deleted.
    pub seen: Option<Timestamp>,
    /// Why.
    pub reason: CancelReason,
    /// The most to cancel in one transaction.
    pub limit: usize,
}

impl Work for CancelWaiting {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const SQL: &str = "UPDATE deliveries SET status = ?2, cancel_reason = ?4, due_at = NULL WHERE id IN ( \
               SELECT id FROM deliveries WHERE webhook_id = ?1 AND due_at IS NOT NULL AND node IS NULL \
               LIMIT ?3 /*pg: FOR UPDATE SKIP LOCKED */)";
        // Locked: one that is activated meanwhile keeps what comes from then on.
        const SEEN: &str = "SELECT updated_at FROM outgoing_webhooks WHERE id = ?1 /*pg: FOR UPDATE */";
        let found = tx.query(SEEN, params![self.webhook_id.as_str()]).await?.pop();
        if found.map(|row| row.read().time()).transpose()? != self.seen {
            return Ok(0);
        }
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let (status, reason) = (DeliveryStatus::Cancelled.as_str(), self.reason.as_str());
        tx.execute(SQL, params![self.webhook_id.as_str(), status, limit, reason]).await
    }
}
