//! An entry of the log of an outgoing webhook, as it is shown: as JSON, and as a line of a table.

use domain::log::{CancelReason, DeliveryStatus};
use domain::{DeliveryId, EventId, EventType, RedactPath, Timestamp, WebhookId};
use engine::outgoing::redacted;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use store::deliveries::{AttemptEntry, DeliveryEntry};
use utoipa::ToSchema;

use crate::Api;
use crate::export::Line;
use crate::log::json;

/// The delivery of one event to one outgoing webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// Unique, and sorts by time.
    id: DeliveryId,
    /// Where to.
    webhook_id: WebhookId,
    /// What.
    event_id: EventId,
    /// What kind of event that is.
    event_type: EventType,
    /// When it was made.
    created_at: Timestamp,
    /// How it stands.
    status: DeliveryStatus,
    /// Why it was cancelled; `null` if it was not, or if its last attempt says why.
    #[schema(required = true)]
    cancel_reason: Option<CancelReason>,
    /// Whether it was made to try the webhook.
    test: bool,
    /// The delivery of which this one is another, with an edited event; `null` if it is none.
    #[schema(required = true)]
    resent_from: Option<DeliveryId>,
    /// What is sent.
    #[schema(value_type = Value)]
    payload: Box<RawValue>,
    /// When it is tried next; `null` if it is finished.
    #[schema(required = true)]
    next_attempt_at: Option<Timestamp>,
    /// The attempts, in order.
    attempts: Vec<AttemptView>,
}

/// A delivery, and what was made of it by hand.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryWithResends)]
pub(crate) struct DeliveryWithResends {
    #[serde(flatten)]
    pub(crate) delivery: DeliveryView,
    /// The deliveries that were made by editing its event, the newest first, as long as their log is kept. At most 20.
    pub(crate) resends: Vec<DeliveryId>,
}

/// An attempt of a delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
struct AttemptView {
    /// Counted from 1.
    number: i64,
    /// When it began.
    at: Timestamp,
    /// How long it took until the answer was complete, or the failure, in milliseconds.
    duration_ms: i64,
    /// The status of the answer; `null` if there was none.
    #[schema(required = true)]
    http_status: Option<i64>,
    /// Why it failed, as a stable code; `null` if it did not.
    #[schema(required = true, example = "timeout")]
    error_code: Option<String>,
    /// Why it failed, in words; `null` if it did not.
    #[schema(required = true)]
    error: Option<String>,
    /// What to do about it; `null` if it did not fail.
    #[schema(required = true)]
    hint: Option<&'static str>,
    /// The method, if a template or `transform` decided where it was sent; `null` if it was sent as the webhook says.
    #[schema(required = true, example = "PUT")]
    method: Option<String>,
    /// The same of the address, without the query. Also `null` if the webhook has values that its log must not show.
    #[schema(required = true, example = "https://crm.example.com/contacts/7")]
    url: Option<String>,
    /// What was sent, secrets masked.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    request_headers: Box<RawValue>,
    /// What came back.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    response_headers: Box<RawValue>,
    /// What came back, as much as is kept.
    response_body: String,
}

impl DeliveryView {
    /// What the log of its webhook shows of it.
    pub(crate) fn of(api: &Api, entry: DeliveryEntry) -> Self {
        let redact = redact_of(api, &entry.webhook_id);
        Self::new(entry, &redact)
    }

    /// The same, but for values at these paths.
    pub(crate) fn new(entry: DeliveryEntry, redact: &[RedactPath]) -> Self {
        Self {
            id: entry.id,
            payload: payload(&entry, redact),
            webhook_id: entry.webhook_id,
            event_id: entry.event.id,
            event_type: entry.event.event_type,
            created_at: entry.created_at,
            status: entry.status,
            cancel_reason: entry.cancel_reason,
            test: entry.test,
            resent_from: entry.resent_from,
            next_attempt_at: entry.due_at,
            attempts: entry.attempts.into_iter().map(AttemptView::from).collect(),
        }
    }
}

/// What the log of a webhook does not show, by its settings of today; what was recorded before stays masked.
pub(crate) fn redact_of(api: &Api, webhook_id: &WebhookId) -> Vec<RedactPath> {
    let configuration = api.engine().snapshot();
    let outgoing = configuration.outgoing.get(webhook_id);
    outgoing.map(|outgoing| outgoing.webhook.settings.redact.clone()).unwrap_or_default()
}

/// What was sent last, or else the envelope of the event: what is sent is made when it is.
fn payload(entry: &DeliveryEntry, redact: &[RedactPath]) -> Box<RawValue> {
    let sent = entry.attempts.iter().rev().find_map(|attempt| attempt.request_body.as_ref());
    match sent {
        Some(body) => RawValue::from_string(body.clone())
            .unwrap_or_else(|_| json(Value::from(body.as_str()).to_string())),
        None => json(redacted::shown(redact, &entry.event)),
    }
}

impl From<AttemptEntry> for AttemptView {
    fn from(attempt: AttemptEntry) -> Self {
        let target = attempt.target.as_deref().and_then(|target| target.split_once(' '));
        let (method, url) = target.map(|(method, url)| (method.to_owned(), url.to_owned())).unzip();
        Self {
            number: attempt.number,
            at: attempt.attempted_at,
            duration_ms: attempt.duration_ms,
            http_status: attempt.http_status,
            hint: attempt.error_code.as_deref().map(|code| engine::hint::hint(code, attempt.http_status)),
            error_code: attempt.error_code,
            error: attempt.error,
            method,
            url,
            request_headers: json(attempt.request_headers),
            response_headers: json(attempt.response_headers),
            response_body: attempt.response_body,
        }
    }
}

impl Line for DeliveryView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "event_id",
        "event_type",
        "status",
        "attempts",
        "next_attempt_at",
        "last_attempt_at",
        "last_duration_ms",
        "last_http_status",
        "last_error",
        "payload",
    ];

    fn cells(&self) -> Vec<String> {
        let last = self.attempts.last();
        let text = |value: Option<String>| value.unwrap_or_default();
        vec![
            self.id.to_string(),
            self.created_at.to_string(),
            self.event_id.to_string(),
            self.event_type.to_string(),
            self.status.as_str().to_owned(),
            self.attempts.len().to_string(),
            text(self.next_attempt_at.map(|at| at.to_string())),
            text(last.map(|last| last.at.to_string())),
            text(last.map(|last| last.duration_ms.to_string())),
            text(last.and_then(|last| last.http_status).map(|status| status.to_string())),
            text(last.and_then(|last| last.error.clone())),
            self.payload.get().to_owned(),
        ]
    }
}
