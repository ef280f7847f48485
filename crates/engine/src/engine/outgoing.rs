//! Trying outgoing webhooks.

use std::sync::Arc;

use domain::log::{DeliveryStatus, FieldError};
use domain::{Event, EventId, EventType, Named, catalog, change};
use sandbox::SandboxError;
use serde_json::{Value, json};
use store::StoreError;
use store::deliveries::InsertTest;
use store::people::GetNamed;
use store::queue::DueDelivery;
use store::record::AttemptRow;

use super::Engine;
use crate::actions::script;
use crate::attempt::Attempt;
use crate::feed::Entry;
use crate::outgoing::variables::Asked;
use crate::outgoing::{Draft, Unsendable, redacted};
use crate::snapshot::Outgoing;

/// A delivery that was made to try a webhook.
pub struct Tested {
    /// What was written down.
    pub row: AttemptRow,
    /// What was sent, but for token and signatures; `None` if nothing was.
    pub sent: Option<Draft>,
    /// Why an event like this would have got no delivery by itself; `None` if it would.
    pub skipped: Option<String>,
}

impl Engine {
    /// Sends an event to a webhook now, whatever its status, and writes that down as a test: it is none of the events that
    /// happened, counts in no statistics, and is not tried again.
    ///
    /// # Errors
    /// If it can't be written down.
    pub async fn test(&self, outgoing: &Outgoing, event: Event) -> Result<Tested, StoreError> {
        // Under an id of its own: a receiver may have seen the event itself already.
        let delivery = self.delivery(outgoing, Event { id: self.next_event_id(), request_id: None, ..event });
        let Attempt { row, sent, .. } = self.core.dispatcher.sender().attempt(outgoing, &delivery).await;
        if row.status == DeliveryStatus::Delivered {
            self.probe_soon(&outgoing.webhook.id).await?;
        }
        let skipped = outgoing.skips_any(&delivery.event);
        Ok(Tested { row: self.log_test(outgoing, &delivery, row).await?, sent, skipped })
    }

    /// Writes down an attempt as a test.
    pub(super) async fn log_test(
        &self,
        outgoing: &Outgoing,
        delivery: &DueDelivery,
        mut row: AttemptRow,
    ) -> Result<AttemptRow, StoreError> {
        row.due_at = None;
        if row.status == DeliveryStatus::Retrying {
            row.status = DeliveryStatus::Failed;
        }
        let event = redacted::test_event(outgoing, &delivery.event);
        self.core.store.write(InsertTest { event, attempt: row.clone() }).await?;
        let feed = &self.core.shared.feed;
        feed.tell(feed.heard(|| Entry::attempt(&row, &delivery.event, true)));
        Ok(row)
    }

    /// What would be sent of an event, but for tokens and signatures.
    ///
    /// # Errors
    /// Why nothing would.
    pub async fn draft(&self, outgoing: &Outgoing, event: &Event) -> Result<Draft, Unsendable> {
        if let Some(reason) = outgoing.refuses(event) {
            return Err(Unsendable { code: "filtered", message: reason });
        }
        let prepared = self.core.dispatcher.sender().prepared(outgoing, event).await;
        prepared.map_err(|unsent| Unsendable { code: unsent.code, message: unsent.message })
    }

    /// An event to try webhooks with: none that happened. Of the subscriber whom it names it has what is known, as one that
    /// happens would.
    ///
    /// # Errors
    /// If the subscriber can't be looked up.
    pub async fn sample(&self, event_type: EventType, data: Value) -> Result<Event, StoreError> {
        let named = Named::in_data(&data).filter(|_| Asked::all().exceeds(&data));
        let known = match named {
            Some(named) => self.core.store.read(GetNamed { named }).await?,
            None => None,
        };
        Ok(self.untold(event_type, &data, known.map(|subscriber| change::data(&subscriber))))
    }

    /// The example of the data of a kind of event: the program's, or that with which it was declared.
    pub fn example_data(&self, event_type: &EventType) -> Option<Value> {
        if catalog::is_built_in(event_type) {
            return Some(catalog::example(event_type));
        }
        let declared = self.snapshot().kinds.find(event_type)?.example.clone()?;
        // It was made of a value.
        serde_json::from_str(&declared).ok()
    }

    /// An event with the example of its kind, or without data; with an example of a subscriber where it names one.
    pub fn example(&self, event_type: EventType) -> Event {
        let data = self.example_data(&event_type).unwrap_or_else(|| json!({}));
        let names_more = Named::in_data(&data).is_some() && Asked::all().exceeds(&data);
        let subscriber = names_more.then(|| catalog::example(&catalog::SUBSCRIBER_ADDED).to_string());
        self.untold(event_type, &data, subscriber)
    }

    fn untold(&self, event_type: EventType, data: &Value, subscriber: Option<String>) -> Event {
        Event {
            id: self.next_event_id(),
            event_type,
            occurred_at: self.core.now(),
            data: data.to_string().into(),
            request_id: None,
            subscriber: subscriber.map(Into::into),
        }
    }

    fn next_event_id(&self) -> EventId {
        self.core.shared.ids.lock().next(self.core.now())
    }

    pub(super) fn delivery(&self, outgoing: &Outgoing, event: Event) -> DueDelivery {
        DueDelivery {
            id: self.core.shared.ids.lock().next(self.core.now()),
            webhook_id: outgoing.webhook.id.clone(),
            event: Arc::new(event),
            attempts: 0,
            attempts_before: 0,
            first_attempt_at: None,
            subject: None,
        }
    }

    /// Everything that is wrong with the `transform` of an outgoing webhook.
    ///
    /// # Errors
    /// If scripts can't be checked now.
    pub async fn check_transform(&self, code: Option<&str>) -> Result<Vec<FieldError>, SandboxError> {
        script::check_one(&self.core.sandbox, "transform", code, "transform").await
    }
}
