//! Much stored: written through the store in large transactions, since a million requests over HTTP would measure only patience.

use std::sync::Arc;

use domain::roster::Changed;
use domain::{DeliveryId, Event, EventId, Ids, Status, Subscriber, SubscriberId, Timestamp, WebhookId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use store::commit::{Commit, Decide, Found, Needs, NewDelivery, Writes};
use store::config::LoadConfig;
use store::{Store, StoreError};

use crate::clock;

/// Rows of one transaction.
const CHUNK: usize = 5_000;

/// Stores so many subscribers.
pub async fn subscribers(store: &Store, count: usize) -> anyhow::Result<()> {
    in_chunks(store, count, |range, now| Writes {
        subscribers: range
            .filter_map(|number| {
                let email = format!("stored.{number}@example.org").parse().ok()?;
                // Past all ids that the program will give out in a run.
                let id = SubscriberId(i64::try_from(number).ok()? + (1 << 40));
                let mut subscriber = Subscriber::new(id, email, Status::Subscribed, now);
                subscriber.tags.insert("stored".to_owned());
                Some(Changed { before: None, after: Some(subscriber) })
            })
            .collect(),
        ..Writes::default()
    })
    .await
}

/// Stores so many deliveries that wait for a webhook.
pub async fn deliveries(store: &Store, webhook_id: &WebhookId, count: usize) -> anyhow::Result<()> {
    let mut ids = Ids::new(StdRng::seed_from_u64(clock::micros()));
    in_chunks(store, count, |range, now| {
        let mut writes = Writes::default();
        for number in range {
            let event = Event {
                id: ids.next::<EventId>(now),
                event_type: domain::catalog::SUBSCRIBER_ADDED,
                occurred_at: now,
                data: format!(r#"{{"subscriber_id":{number},"email":"waiting.{number}@example.org"}}"#)
                    .into(),
                request_id: None,
            };
            writes.deliveries.push(NewDelivery {
                id: ids.next::<DeliveryId>(now),
                webhook_id: webhook_id.clone(),
                event_id: event.id,
                event_type: event.event_type.clone(),
                created_at: now,
                node: None,
            });
            writes.events.push(event);
        }
        writes
    })
    .await
}

async fn in_chunks(
    store: &Store,
    count: usize,
    mut make: impl FnMut(std::ops::Range<usize>, Timestamp) -> Writes,
) -> anyhow::Result<()> {
    let version = store.read(LoadConfig { known: 0 }).await?.map_or(0, |config| config.version);
    for start in (0..count).step_by(CHUNK) {
        let now = Timestamp::from_millis((clock::micros() / 1_000).cast_signed());
        let writes = make(start..(start + CHUNK).min(count), now);
        store
            .write(Commit::new(Prepared { version, writes: Arc::new(parking_lot::Mutex::new(Some(writes))) }))
            .await?;
    }
    Ok(())
}

/// A batch that was decided before.
struct Prepared {
    version: i64,
    writes: Arc<parking_lot::Mutex<Option<Writes>>>,
}

impl Decide for Prepared {
    type Answer = ();

    fn needs(&self) -> Needs {
        Needs { config_version: self.version, ..Needs::default() }
    }

    fn decide(&self, _: Found) -> Result<(Writes, ()), StoreError> {
        let writes = self.writes.lock().take().ok_or(StoreError::Conflict)?;
        Ok((writes, ()))
    }
}
