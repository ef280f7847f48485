//! Events as they are looked up and listed.

use std::sync::Arc;

use domain::log::DeliveryStatus;
use domain::{DeliveryId, Event, EventId, SubscriberId, Timestamp, WebhookId};
use serde::Deserialize;

use crate::commit::{Skipped, Skips};
use crate::error::StoreError;
use crate::filter::{Conditions, LogFilter};
use crate::look::Log;
use crate::params;
use crate::tx::{Columns, Row, Tx, Value, Work};

/// How far apart the ids of an event and of its deliveries may be, in milliseconds: they are made together, by one clock.
pub(crate) const DELIVERIES_MADE_WITHIN_MS: i64 = 1_000;

/// The columns of an event, in the order of [`read_event`].
pub(crate) const COLUMNS: &str = "e.id, e.event_type, e.occurred_at, e.data, e.request_id, e.subscriber";

/// Not one that was made by editing what a delivery had sent. There are few of those, so that it does not make a search longer.
const HAPPENED: &str = "e.resent_from IS NULL";

/// Reads [`COLUMNS`].
pub(crate) fn read_event(row: &mut Columns) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.parse("an event id")?,
        event_type: row.parse("an event type")?,
        occurred_at: row.time()?,
        data: Arc::from(row.text()?),
        request_id: row.opt_text()?.and_then(|id| id.parse().ok()),
        subscriber: row.opt_text()?.map(Arc::from),
    })
}

/// An event has no status: there is no value of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStatus {}

/// The events that happened and that a filter takes; what they contain is sought in their data.
#[derive(Clone, Debug, Default)]
pub struct EventLog(pub LogFilter<EventId, NoStatus>);

impl EventLog {
    fn is_narrowed(&self) -> bool {
        self.0.event_type.is_some() || self.0.contains.is_some()
    }
}

impl Log for EventLog {
    type Id = EventId;
    const ID: &'static str = "e.id";
    const TABLE: &'static str = "events e";
    const ALL: &'static str = "events e";
    const SIZE: &'static str = "LENGTH(e.data) + LENGTH(COALESCE(e.subscriber, ''))";

    async fn ways<T: Tx>(&self, _: &T) -> Result<Vec<Conditions>, StoreError> {
        let mut way = self.0.way("e.id", EventId::lowest_at);
        // With more to ask, a piece ends where the ids alone say, and is asked for this with the rest.
        if !self.is_narrowed() {
            way.fixed(HAPPENED);
        }
        Ok(vec![way])
    }

    fn rest(&self, conditions: &mut Conditions) {
        if self.is_narrowed() {
            conditions.fixed(HAPPENED);
        }
        conditions.on_some("e.event_type = ?", self.0.event_type.clone());
        conditions.on_part(&["e.data"], self.0.contains.as_deref());
    }
}

/// How much older than a subscriber the first of its events may be. They are of one moment, but for subscribers of earlier builds,
/// which were dated a little later in their transaction.
const BEFORE_MS: i64 = 60_000;

/// The events that are about a subscriber. They are sought and not indexed: an index in the order of subscribers would cost every
/// event a page of its own ([why](../../../docs/decisions/0024-the-events-of-a-subscriber-are-sought.md)).
#[derive(Clone, Copy, Debug)]
pub struct EventsAbout {
    /// Whom.
    pub subscriber: SubscriberId,
    /// Since when there is this subscriber, if that is known: before that nobody looks.
    pub since: Option<Timestamp>,
}

impl Log for EventsAbout {
    type Id = EventId;
    const ID: &'static str = "e.id";
    const TABLE: &'static str = "events e";
    const ALL: &'static str = "events e";
    const SIZE: &'static str = "LENGTH(e.data) + LENGTH(COALESCE(e.subscriber, ''))";

    async fn ways<T: Tx>(&self, _: &T) -> Result<Vec<Conditions>, StoreError> {
        let mut way = Conditions::default();
        let since = self.since.map(|moment| moment.plus_millis(-BEFORE_MS));
        way.on_some("e.id >= ?", since.map(|moment| EventId::lowest_at(moment).to_string()));
        Ok(vec![way])
    }

    fn rest(&self, conditions: &mut Conditions) {
        conditions.fixed(HAPPENED);
        // Those of before there was the column have the number first in their data.
        let first = format!("{{\"subscriber_id\":{},%", self.subscriber.0);
        let about = "(e.subscriber_id = ? OR (e.subscriber_id IS NULL AND e.data LIKE ??))";
        conditions.on_two(about, self.subscriber.0, first);
    }
}

/// Those of these events that there are, the newest first.
pub struct EventsById {
    /// The events.
    pub ids: Vec<EventId>,
}

impl Work for EventsById {
    type Output = Vec<Event>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<Event>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM events e WHERE e.id IN ?1 ORDER BY e.id DESC");
        let ids = self.ids.iter().map(ToString::to_string).collect();
        let rows = tx.query(&sql, vec![Value::Texts(ids)]).await?;
        rows.into_iter().map(|row| read_event(&mut row.read())).collect()
    }
}

/// An event, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventWithDeliveries {
    /// The event.
    pub event: Event,
    /// Its deliveries, in the order in which they were made.
    pub deliveries: Vec<EventDelivery>,
    /// Who wanted events of its kind and did not get it.
    pub skipped: Skips,
    /// The delivery whose event was edited to make this one, which nobody else was meant to get.
    pub resent_from: Option<DeliveryId>,
}

/// The delivery of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDelivery {
    /// Which.
    pub id: DeliveryId,
    /// Where to.
    pub webhook_id: WebhookId,
    /// How it stands.
    pub status: DeliveryStatus,
    /// When it is tried next; `None` if it is finished.
    pub due_at: Option<Timestamp>,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
}

/// [`Skips`] as they are stored: formerly without a count.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredSkips {
    All(Vec<Skipped>),
    Counted { first: Vec<Skipped>, more: u64 },
}

impl From<StoredSkips> for Skips {
    fn from(stored: StoredSkips) -> Self {
        match stored {
            StoredSkips::All(first) => Self { first, more: 0 },
            StoredSkips::Counted { first, more } => Self { first, more },
        }
    }
}

/// Looks up an event.
pub struct GetEvent {
    /// Which.
    pub id: EventId,
}

impl Work for GetEvent {
    type Output = Option<EventWithDeliveries>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<EventWithDeliveries>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, COALESCE(e.skipped, '[]'), e.resent_from FROM events e WHERE e.id = ?1"
        );
        let Some(row) = tx.query(&sql, params![self.id.to_string()]).await?.pop() else { return Ok(None) };
        let mut row = row.read();
        let event = read_event(&mut row)?;
        let skipped = row.json::<StoredSkips>()?.into();
        let resent_from = row.opt_text()?.and_then(|id| id.parse().ok());
        // By the moment, because an index by event would be paid for by every delivery.
        const DELIVERIES: &str = "SELECT d.id, d.webhook_id, d.status, d.due_at, \
               (SELECT a.error FROM attempts a WHERE a.delivery_id = d.id ORDER BY a.number DESC LIMIT 1) \
               FROM deliveries d WHERE d.id >= ?1 AND d.id < ?2 AND d.event_id = ?3 ORDER BY d.id";
        let made_at = self.id.made_at();
        let from = DeliveryId::lowest_at(made_at).to_string();
        let to = DeliveryId::lowest_at(made_at.plus_millis(DELIVERIES_MADE_WITHIN_MS)).to_string();
        let rows = tx.query(DELIVERIES, params![from, to, self.id.to_string()]).await?;
        let deliveries = rows.into_iter().map(read_delivery).collect::<Result<_, _>>()?;
        Ok(Some(EventWithDeliveries { event, deliveries, skipped, resent_from }))
    }
}

fn read_delivery(row: Row) -> Result<EventDelivery, StoreError> {
    let mut row = row.read();
    Ok(EventDelivery {
        id: row.parse("a delivery id")?,
        webhook_id: row.parse("a webhook id")?,
        status: row.named(DeliveryStatus::from_name, "a delivery status")?,
        due_at: row.opt_time()?,
        error: row.opt_text()?,
    })
}
