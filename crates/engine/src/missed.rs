//! Events that an outgoing webhook never got, sent after all: those that it would get today.

use std::sync::Arc;

use domain::outgoing::Ordering;
use domain::{DeliveryId, Event, Timestamp, WebhookId, catalog};
use serde::{Deserialize, Serialize};
use store::LogFilter;
use store::commit::NewDelivery;
use store::events::EventLog;
use store::missed::Choose;

use crate::core::Core;
use crate::snapshot::Outgoing;

/// Which events, and who missed them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MissedBy {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Only those that happened then or later.
    pub since: Option<Timestamp>,
    /// Only those that happened before.
    pub until: Option<Timestamp>,
}

impl MissedBy {
    /// The events to look through.
    pub(crate) fn log(&self) -> EventLog {
        EventLog(LogFilter { since: self.since, until: self.until, ..LogFilter::default() })
    }
}

/// Makes a delivery of each event that the webhook never got, and would get today.
pub(crate) fn choose(core: &Core, outgoing: &Arc<Outgoing>) -> Choose {
    let now = core.now();
    let kept_since = core.log_retention.age_ms.map(|age| now.plus_millis(-age));
    let (shared, outgoing) = (core.shared.clone(), outgoing.clone());
    let in_order = outgoing.webhook.settings.ordering == Ordering::Subscriber;
    Arc::new(move |event: &Event| {
        is_missed(&outgoing, event, kept_since).then(|| NewDelivery {
            // Deliveries are sought around the moment of their event.
            id: shared.ids.lock().at::<DeliveryId>(event.id.made_at()),
            webhook_id: outgoing.webhook.id.clone(),
            event_id: event.id,
            event_type: event.event_type.clone(),
            created_at: now,
            node: None,
            subject: in_order.then(|| event.subscriber_id()).flatten(),
        })
    })
}

/// Whether a webhook that has no delivery of an event wants it, and had none that was not kept.
fn is_missed(outgoing: &Outgoing, event: &Event, kept_since: Option<Timestamp>) -> bool {
    let webhook = &outgoing.webhook;
    kept_since.is_none_or(|since| event.id.made_at() > since)
        && webhook.settings.events.iter().any(|pattern| pattern.matches(&event.event_type))
        && !is_about(&webhook.id, event)
        && outgoing.refuses(event).is_none()
}

/// Whether an event tells how this very webhook does: nobody is told of himself.
fn is_about(webhook_id: &WebhookId, event: &Event) -> bool {
    #[derive(Deserialize)]
    struct About {
        webhook_id: WebhookId,
    }
    let of_webhooks = [catalog::WEBHOOK_FAILING, catalog::WEBHOOK_RECOVERED, catalog::WEBHOOK_DISABLED];
    of_webhooks.contains(&event.event_type)
        && serde_json::from_str::<About>(&event.data).is_ok_and(|about| about.webhook_id == *webhook_id)
}

#[cfg(test)]
mod tests {
    use domain::{EventId, OutgoingWebhook};
    use serde_json::json;
    use signature::Secret;

    use super::*;
    use crate::testing::{NOW, SECRET};
    use crate::vault::OutgoingSecrets;

    fn event(event_type: &str, data: &str) -> Event {
        Event {
            id: EventId::lowest_at(NOW),
            event_type: event_type.parse().unwrap(),
            occurred_at: NOW,
            data: data.into(),
            request_id: None,
            subscriber: None,
        }
    }

    #[test]
    fn only_what_is_wanted_today_is_sent() {
        let settings = json!({"name": "Shop", "url": "https://shop.example.com", "filter": "data.n != 0",
            "events": ["order_*", "webhook_failing"]});
        let webhook = OutgoingWebhook {
            id: "a1a1a1a1a1a1".parse().unwrap(),
            settings: serde_json::from_value(settings).unwrap(),
            disabled_reason: None,
            created_at: NOW.plus_millis(1_000),
            updated_at: NOW.plus_millis(1_000),
        };
        let webhook = Outgoing::new(webhook, OutgoingSecrets::new(Secret::new(SECRET)));
        let paid = event("order_paid", r#"{"n":1}"#);
        assert!(is_missed(&webhook, &paid, None) && is_missed(&webhook, &paid, Some(NOW.plus_millis(-1))));
        assert!(!is_missed(&webhook, &paid, Some(NOW)), "deliveries of then are not kept");
        assert!(!is_missed(&webhook, &event("order_paid", r#"{"n":0}"#), None));
        assert!(!is_missed(&webhook, &event("list_made", r#"{"n":1}"#), None));
        let about = |id: &str| event("webhook_failing", &format!(r#"{{"webhook_id":"{id}"}}"#));
        assert!(!is_missed(&webhook, &about("a1a1a1a1a1a1"), None));
        assert!(is_missed(&webhook, &about("b2b2b2b2b2b2"), None));
    }
}
