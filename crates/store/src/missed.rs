//! Events that an outgoing webhook never got: it was made later, was inactive, or did not want them then.
//!
//! That a webhook got an event is known by its delivery. Deliveries are cleared and not kept for ever, so it is noted up to which
//! one they are gone, in the transaction that deletes them.

use std::collections::HashSet;
use std::sync::Arc;

use domain::{DeliveryId, Event, EventId, WebhookId};

use crate::commit::{NewDelivery, insert_deliveries};
use crate::error::StoreError;
use crate::events::{COLUMNS, DELIVERIES_MADE_WITHIN_MS, EventLog, read_event};
use crate::look::{self, Piece};
use crate::params;
use crate::recovery::Progress;
use crate::tx::{Tx, Value, Work};

/// From an event to the delivery that is to be made of it, if there is to be one.
pub type Choose = Arc<dyn Fn(&Event) -> Option<NewDelivery> + Send + Sync>;

/// Looks through a piece of the events for what a webhook never got, and makes deliveries of it. A webhook gets an event once: one
/// of which it has a delivery is none of them.
pub struct Missed {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The events to look through.
    pub log: EventLog,
    /// The piece of them, the oldest first.
    pub piece: Piece<EventId>,
    /// Which of them.
    pub choose: Choose,
    /// The most deliveries to make.
    pub most: usize,
    /// Whether they are made, or only counted.
    pub sends: bool,
}

impl Work for Missed {
    type Output = Progress;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Progress, StoreError> {
        let (ids, next) = look::ids(tx, &self.log, &self.piece).await?;
        let mut next = next.map(|id| id.to_string());
        let mut deliveries = Vec::new();
        for event in self.never_got(tx, ids).await? {
            deliveries.extend((self.choose)(&event));
            if deliveries.len() >= self.most {
                next = Some(event.id.to_string());
                break;
            }
        }
        if self.sends {
            insert_deliveries(tx, &deliveries).await?;
        }
        Ok(Progress { done: deliveries.len() as u64, next })
    }
}

impl Missed {
    /// Those of these events of which the webhook has no delivery, and had none that is gone.
    async fn never_got<T: Tx>(&self, tx: &T, ids: Vec<String>) -> Result<Vec<Event>, StoreError> {
        const CLEARED: &str = "SELECT last_id FROM cleared_logs WHERE webhook_id = ?1";
        let cleared = tx.query(CLEARED, params![self.webhook_id.as_str()]).await?.pop();
        let cleared: Option<DeliveryId> = cleared.map(|row| row.read().parse("a delivery id")).transpose()?;
        let sql = format!("SELECT {COLUMNS} FROM events e WHERE e.id IN ?1 ORDER BY e.id");
        let rows = tx.query(&sql, vec![Value::Texts(ids)]).await?;
        let mut events =
            rows.into_iter().map(|row| read_event(&mut row.read())).collect::<Result<Vec<Event>, _>>()?;
        events.retain(|event| cleared.is_none_or(|last| event.id.made_at() > last.made_at()));
        let delivered = self.delivered(tx, &events).await?;
        events.retain(|event| !delivered.contains(&event.id.to_string()));
        Ok(events)
    }

    /// Of which of these events, the oldest first, the webhook has a delivery: by the moment, as there is no index by event.
    async fn delivered<T: Tx>(&self, tx: &T, events: &[Event]) -> Result<HashSet<String>, StoreError> {
        const SQL: &str = "SELECT event_id FROM deliveries WHERE webhook_id = ?1 AND id >= ?2 AND id < ?3";
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Ok(HashSet::new());
        };
        let from = DeliveryId::lowest_at(first.id.made_at()).to_string();
        let to = DeliveryId::lowest_at(last.id.made_at().plus_millis(DELIVERIES_MADE_WITHIN_MS)).to_string();
        let rows = tx.query(SQL, params![self.webhook_id.as_str(), from, to]).await?;
        rows.into_iter().map(|row| row.read().text()).collect()
    }
}

/// Notes that these deliveries of a webhook are gone from its log.
pub(crate) async fn cleared<T: Tx>(
    tx: &T,
    webhook_id: &WebhookId,
    gone: &[String],
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO cleared_logs (webhook_id, last_id) VALUES (?1, ?2) ON CONFLICT (webhook_id) DO UPDATE \
                       SET last_id = CASE WHEN excluded.last_id > cleared_logs.last_id THEN excluded.last_id \
                       ELSE cleared_logs.last_id END";
    let Some(last) = gone.iter().max() else { return Ok(()) };
    tx.execute(SQL, params![webhook_id.as_str(), last]).await.map(|_| ())
}

/// Forgets what was noted of a webhook that is deleted.
pub(crate) async fn forget<T: Tx>(tx: &T, webhook_id: &WebhookId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM cleared_logs WHERE webhook_id = ?1", params![webhook_id.as_str()])
        .await
        .map(|_| ())
}
