//! Events for the machine of a developer, which no server can reach: rendered and signed here, sent by the one who listens,
//! and written down with what came back.

use std::time::Duration;

use domain::{DeliveryId, Event, OutgoingWebhook, Timestamp};
use outbound::{Request, Response};
use serde_json::json;
use signature::Secret;
use store::StoreError;
use store::queue::DueDelivery;
use store::record::AttemptRow;

use super::Engine;
use crate::headers;
use crate::outgoing::Unsendable;
use crate::send::{self, Exchange, Then, Unsent};
use crate::snapshot::Outgoing;
use crate::vault::OutgoingSecrets;

/// The id of the webhook in whose name events go to those who listen: none of those that can be made, since these are drawn from 36¹².
pub const LISTENER: &str = "listener0000";

/// What became of a request that a listener has sent.
pub struct Forwarded {
    /// The headers that it was sent with.
    pub headers: http::HeaderMap,
    /// How long it took.
    pub duration: Duration,
    /// The answer, or why there was none.
    pub result: Result<GivenAnswer, NoAnswer>,
}

/// An answer that a listener got.
pub struct GivenAnswer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: http::HeaderMap,
    /// The beginning of its body.
    pub body: bytes::Bytes,
}

/// Why there was no answer.
pub struct NoAnswer {
    /// As a stable code: one of those of failed attempts.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// A webhook as which a listener gets events: with the envelope and both signatures.
///
/// # Errors
/// None: that it can be made is shown by a test.
pub fn to_listener(secret: Secret, now: Timestamp) -> Result<Outgoing, serde_json::Error> {
    let webhook = OutgoingWebhook {
        id: serde_json::from_value(json!(LISTENER))?,
        // The listener alone knows where it sends what it gets.
        settings: serde_json::from_value(
            json!({"name": "listen", "url": "http://localhost/", "events": ["*"]}),
        )?,
        disabled_reason: None,
        created_at: now,
        updated_at: now,
    };
    Ok(Outgoing::new(webhook, OutgoingSecrets::new(secret)))
}

impl Engine {
    /// The request that tells a listener of an event, signed now. Nothing is sent.
    ///
    /// # Errors
    /// Why nothing can be.
    pub fn rendered(&self, outgoing: &Outgoing, event: &Event) -> Result<Request, Unsendable> {
        send::sign(outgoing, event, send::draft(outgoing, event)?, None, self.core.now())
    }

    /// Writes down what became of a request of [`rendered`](Self::rendered): as a test, outside of all statistics.
    ///
    /// # Errors
    /// If it can't be written down.
    pub async fn forwarded(
        &self,
        outgoing: &Outgoing,
        event: Event,
        done: Forwarded,
    ) -> Result<DeliveryId, StoreError> {
        // Deliveries are sought around the moment of their event, and an answer may come long after.
        let id = self.core.shared.ids.lock().at(event.id.made_at());
        let delivery = DueDelivery { id, ..self.delivery(outgoing, event) };
        let row = attempted(outgoing, &delivery, done, self.core.now());
        self.log_test(outgoing, &delivery, row).await.map(|row| row.delivery_id)
    }
}

fn attempted(outgoing: &Outgoing, delivery: &DueDelivery, done: Forwarded, ended: Timestamp) -> AttemptRow {
    let millis = i64::try_from(done.duration.as_millis()).unwrap_or(i64::MAX);
    let started = ended.plus_millis(-millis);
    match done.result {
        Ok(GivenAnswer { status, headers, body }) => {
            let result = Ok(Response { status, headers, body, truncated: false });
            let exchange = Exchange {
                started,
                ended,
                target: None,
                request_headers: done.headers,
                request_body: None,
                result,
            };
            send::judge(outgoing, delivery, &exchange)
        }
        Err(NoAnswer { code, message }) => {
            let unsent = Unsent { code, message, what: Then::Fail };
            let request_headers = headers::to_json(&done.headers);
            AttemptRow {
                request_headers,
                is_sent: true,
                ..send::unsent(outgoing, delivery, (started, ended), unsent)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{NOW, SECRET};

    #[test]
    fn there_is_a_webhook_for_listeners_and_an_attempt_without_an_answer_keeps_what_was_sent() {
        let outgoing = to_listener(Secret::new(SECRET), NOW).unwrap();
        let event = Event {
            id: "evt_01hm6m6f40qv1s0a7yj1e2x3z4".parse().unwrap(),
            event_type: "order_paid".parse().unwrap(),
            occurred_at: NOW,
            data: "{}".into(),
            request_id: None,
            subscriber: None,
        };
        let draft = send::draft(&outgoing, &event).unwrap();
        let request = send::sign(&outgoing, &event, draft, None, NOW).unwrap();
        assert!(request.headers.contains_key("x-webhook-signature"));
        let delivery = DueDelivery {
            id: DeliveryId::lowest_at(NOW),
            webhook_id: outgoing.webhook.id.clone(),
            event: Arc::new(event),
            attempts: 0,
            attempts_before: 0,
            first_attempt_at: None,
            subject: None,
        };
        let refused = NoAnswer { code: "connection_refused", message: "connection refused".to_owned() };
        let (headers, duration) = (request.headers, Duration::from_millis(20));
        let row = attempted(&outgoing, &delivery, Forwarded { headers, duration, result: Err(refused) }, NOW);
        assert_eq!((row.error_code, row.duration_ms), (Some("connection_refused"), 20));
        assert!(row.request_headers.contains("x-webhook-event"), "{}", row.request_headers);
    }
}
