//! Much stored: written through the store in large transactions, since a million requests over HTTP would measure only patience.

use std::sync::Arc;

use domain::roster::Changed;
use domain::{
    DeliveryId, Event, EventId, Ids, OutgoingWebhook, Status, Subscriber, SubscriberId, Timestamp, WebhookId,
};
use engine::{OutgoingSecrets, Vault};
use rand::SeedableRng;
use rand::rngs::StdRng;
use signature::MasterKey;
use store::commit::{Commit, Decide, Found, Needs, NewDelivery, Writes};
use store::config::LoadConfig;
use store::webhooks::InsertOutgoing;
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

/// Stores outgoing webhooks, each with one of these URLs.
pub async fn webhooks(
    store: &Store,
    key: MasterKey,
    urls: impl Iterator<Item = String>,
) -> anyhow::Result<Vec<WebhookId>> {
    let vault = Vault::new(key, StdRng::seed_from_u64(clock::micros()));
    let now = Timestamp::from_millis((clock::micros() / 1_000).cast_signed());
    let mut version = store.read(LoadConfig { known: 0 }).await?.map_or(0, |config| config.version);
    let mut stored = Vec::new();
    for url in urls {
        let settings = serde_json::json!({"name": "receiver", "url": url, "events": ["campaign_sent"]});
        let id = vault.new_webhook_id();
        let webhook = OutgoingWebhook {
            id: id.clone(),
            settings: serde_json::from_value(settings)?,
            disabled_reason: None,
            created_at: now,
            updated_at: now,
        };
        let secrets = vault.seal_outgoing(&id, &OutgoingSecrets::new(vault.new_signing_secret()));
        store.write(InsertOutgoing { version, webhook, secrets }).await?;
        version += 1;
        stored.push(id);
    }
    Ok(stored)
}

/// Stores deliveries that wait for these webhooks, so many for each.
pub async fn deliveries(store: &Store, webhooks: &[WebhookId], each: usize) -> anyhow::Result<()> {
    let mut ids = Ids::new(StdRng::seed_from_u64(clock::micros()));
    in_chunks(store, webhooks.len() * each, |range, now| {
        let mut writes = Writes::default();
        for number in range {
            let webhook_id = &webhooks[number % webhooks.len()];
            let event = Event {
                id: ids.next::<EventId>(now),
                event_type: domain::catalog::SUBSCRIBER_ADDED,
                occurred_at: now,
                data: format!(r#"{{"subscriber_id":{number},"email":"waiting.{number}@example.org"}}"#)
                    .into(),
                request_id: None,
                subscriber: None,
            };
            writes.deliveries.push(NewDelivery {
                id: ids.next::<DeliveryId>(now),
                webhook_id: webhook_id.clone(),
                event_id: event.id,
                event_type: event.event_type.clone(),
                created_at: now,
                node: None,
                subject: None,
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
