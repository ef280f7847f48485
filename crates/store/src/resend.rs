//! Deliveries that were made of what another one had sent, edited by hand.

use domain::{DeliveryId, Event, EventId};

use crate::error::StoreError;
use crate::params;
use crate::tx::{Row, Tx, Work};

/// The most of them that are named beside the first: who edits that often looks into the log.
pub const MAX_SHOWN: i64 = 20;

/// An event that was made by editing that of a delivery, for one more delivery to the same webhook. It is none of those that
/// happened: no list has it, and nobody else gets it.
#[derive(Clone, Debug)]
pub struct Resent {
    /// The event.
    pub event: Event,
    /// The delivery whose event was edited.
    pub from: DeliveryId,
    /// The delivery that is made of it.
    pub delivery: DeliveryId,
}

/// Writes the event; its delivery is written as all are.
pub(crate) async fn insert<T: Tx>(tx: &T, resent: Option<&Resent>) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO events (id, event_type, occurred_at, data, request_id, resent_from, resent_as, subscriber) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let Some(Resent { event, from, delivery }) = resent else { return Ok(()) };
    let row = params![
        event.id.to_string(),
        event.event_type.as_str(),
        event.occurred_at,
        event.data.as_ref(),
        event.request_id.map(|id| id.to_string()),
        from.to_string(),
        delivery.to_string(),
        event.subscriber.as_deref(),
    ];
    tx.execute(SQL, row).await.map(|_| ())
}

/// The deliveries that were made by editing what this one had sent and that the log still has, the newest first; of many the
/// last [`MAX_SHOWN`].
pub struct ResendsOf {
    /// The first one.
    pub delivery: DeliveryId,
}

impl Work for ResendsOf {
    type Output = Vec<DeliveryId>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<DeliveryId>, StoreError> {
        // They were made after it: earlier days are not looked at.
        const SQL: &str = "SELECT d.id FROM events e JOIN deliveries d ON d.id = e.resent_as \
                           WHERE e.resent_from = ?1 AND e.id >= ?2 ORDER BY e.id DESC LIMIT ?3";
        let earliest = EventId::lowest_at(self.delivery.made_at()).to_string();
        let rows = tx.query(SQL, params![self.delivery.to_string(), earliest, MAX_SHOWN]).await?;
        rows.into_iter().map(|row: Row| row.read().parse("a delivery id")).collect()
    }
}
