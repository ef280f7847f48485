//! Why a delivery stands as it does, in words.

use domain::Timestamp;
use domain::incoming::WebhookStatus;
use domain::log::DeliveryStatus;
use domain::outgoing::Ordering;
use engine::Outgoing;
use store::events::EventDelivery;

use super::outgoing_health::Healths;

/// Why a delivery stands as it does, if that needs a reason.
pub(super) fn reason(
    delivery: &EventDelivery,
    webhook: Option<&Outgoing>,
    healths: &Healths,
    now: Timestamp,
) -> Option<String> {
    match delivery.status {
        DeliveryStatus::Delivered => None,
        DeliveryStatus::Failed | DeliveryStatus::Cancelled => {
            let without = "it was cancelled, or its webhook deactivated or deleted";
            Some(delivery.error.clone().unwrap_or_else(|| without.to_owned()))
        }
        DeliveryStatus::Pending | DeliveryStatus::Retrying => {
            let waits = waits(delivery, webhook, healths, now);
            Some(match &delivery.error {
                Some(error) if delivery.status == DeliveryStatus::Retrying => format!("{error}; {waits}"),
                _ => waits,
            })
        }
    }
}

/// What a delivery waits for, the outermost first: nothing else counts while its webhook is paused.
fn waits(delivery: &EventDelivery, webhook: Option<&Outgoing>, healths: &Healths, now: Timestamp) -> String {
    let Some(settings) = webhook.map(|outgoing| &outgoing.webhook.settings) else {
        return "its webhook was deleted".to_owned();
    };
    if settings.status == WebhookStatus::Paused {
        return "the webhook is paused".to_owned();
    }
    if let Some(probe_at) = healths.probed_at(&delivery.webhook_id) {
        let next = match probe_at.filter(|at| *at > now) {
            Some(at) => format!("the next probe is sent at {at}"),
            None => "a probe is sent".to_owned(),
        };
        return format!("its destination is down, and gets a probe instead of all that waits: {next}");
    }
    let later = delivery.due_at.filter(|due_at| *due_at > now);
    match (delivery.status, later, settings.ordering, settings.rate_limit) {
        (DeliveryStatus::Retrying, Some(at), ..) => format!("it is tried again at {at}"),
        (DeliveryStatus::Pending, Some(at), Ordering::Subscriber, _) => {
            format!("an earlier delivery about the same subscriber is tried again first, at {at}")
        }
        (.., Some(limit)) => format!(
            "it waits for its turn within the webhook's rate limit, {} in {} s",
            limit.requests, limit.per_seconds
        ),
        _ => "it waits for its turn".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use delivery::Health;
    use domain::{DeliveryId, OutgoingWebhook};
    use serde_json::{Value, json};
    use signature::Secret;
    use store::health::HealthRow;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_792_000_000_000);

    fn webhook(change: Value) -> Outgoing {
        let mut settings = json!({"name": "Shop", "url": "https://shop.example.com", "events": ["*"]});
        settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let webhook = OutgoingWebhook {
            id: "a1b2c3d4e5f6".parse().unwrap(),
            settings: serde_json::from_value(settings).unwrap(),
            disabled_reason: None,
            created_at: NOW,
            updated_at: NOW,
        };
        Outgoing::new(webhook, engine::OutgoingSecrets::new(Secret::new("whsec_of_the_tests")))
    }

    fn down(probe_at: Option<i64>) -> Healths {
        let health = Health { opened_at: Some(NOW.millis()), probe_at, ..Health::default() };
        let row = HealthRow { health, ..HealthRow::well("a1b2c3d4e5f6".parse().unwrap()) };
        Healths::from_rows(vec![row])
    }

    fn told(
        status: DeliveryStatus,
        due_in: i64,
        webhook: Option<&Outgoing>,
        healths: &Healths,
    ) -> Option<String> {
        let delivery = EventDelivery {
            id: DeliveryId::lowest_at(NOW),
            webhook_id: "a1b2c3d4e5f6".parse().unwrap(),
            status,
            due_at: Some(NOW.plus_millis(due_in)),
            error: (status == DeliveryStatus::Retrying).then(|| "the answer was 503".to_owned()),
        };
        reason(&delivery, webhook, healths, NOW)
    }

    #[test]
    fn what_waits_says_for_what() {
        use DeliveryStatus::{Delivered, Pending, Retrying};
        let (plain, well) = (webhook(json!({})), Healths::none());
        let paused = webhook(json!({"status": "paused"}));
        let limited = webhook(json!({"rate_limit": {"requests": 10, "per_seconds": 1}}));
        let ordered = webhook(json!({"ordering": "subscriber"}));
        let text = |told: Option<String>| told.unwrap();
        assert_eq!(told(Delivered, 0, Some(&plain), &well), None);
        assert_eq!(text(told(Pending, 0, Some(&plain), &well)), "it waits for its turn");
        assert_eq!(text(told(Pending, 0, Some(&paused), &down(None))), "the webhook is paused");
        assert_eq!(text(told(Pending, 0, None, &well)), "its webhook was deleted");
        let soon = text(told(Pending, 0, Some(&plain), &down(None)));
        assert!(soon.starts_with("its destination is down") && soon.ends_with(": a probe is sent"), "{soon}");
        let at = NOW.plus_millis(60_000);
        let later = text(told(Retrying, 5, Some(&limited), &down(Some(at.millis()))));
        assert!(later.starts_with("the answer was 503; its destination is down"), "{later}");
        assert!(later.ends_with(&format!("the next probe is sent at {at}")), "{later}");
        let retried = text(told(Retrying, 60_000, Some(&limited), &well));
        assert_eq!(retried, format!("the answer was 503; it is tried again at {at}"));
        let turn = text(told(Pending, 0, Some(&limited), &well));
        assert_eq!(turn, "it waits for its turn within the webhook's rate limit, 10 in 1 s");
        let behind = text(told(Pending, 60_000, Some(&ordered), &well));
        assert!(behind.starts_with("an earlier delivery about the same subscriber"), "{behind}");
    }
}
