//! An entry of the log of an incoming webhook, as it is shown: as JSON, and as a line of a table.

use std::collections::HashMap;

use domain::log::{ActionLog, Duplicate, FieldError, Outcome, RequestStatus};
use domain::{EventId, RequestId, Timestamp, WebhookId};
use serde::Serialize;
use serde_json::value::RawValue;
use store::commit::RequestRow;
use store::jobs::JobsDue;
use utoipa::ToSchema;

use crate::Api;
use crate::export::Line;
use crate::log::{json, payload};
use crate::problem::Problem;

/// An entry of the log of an incoming webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub(crate) struct RequestView {
    /// Unique, and sorts by time.
    id: RequestId,
    /// Where it came in.
    webhook_id: WebhookId,
    /// When.
    received_at: Timestamp,
    /// The event that it names, or else the webhook's.
    event_type: String,
    /// The address of the sender.
    sender_ip: String,
    /// The method.
    method: String,
    /// The content type as sent.
    content_type: String,
    /// Its headers, secrets masked.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    headers: Box<RawValue>,
    /// Its body; as a string if it is not JSON.
    #[schema(value_type = Value)]
    payload: Box<RawValue>,
    /// How it ended.
    status: RequestStatus,
    /// Whether someone may have tried what they must not: it has the webhook's token, and did not prove who sent it. `errors`
    /// says why it was not let in.
    suspicious: bool,
    /// How often it was tried.
    attempts: i64,
    /// When it is run again by itself; `null` if it is not.
    #[schema(required = true)]
    next_attempt_at: Option<Timestamp>,
    /// What each action did.
    actions: Vec<ActionLog>,
    /// Why it failed, if it did.
    errors: Vec<FieldError>,
    /// What did not fit, without being a failure.
    warnings: Vec<String>,
    /// What the sender was answered.
    response: ResponseView,
    /// The events that it caused.
    events: Vec<EventId>,
    /// Of several records, those that had been sent before, and nothing was done with.
    duplicates: Vec<Duplicate>,
    /// The request of which this one is another try with an edited payload; `null` if it is none.
    #[schema(required = true)]
    resent_from: Option<RequestId>,
}

/// An answer to a sender.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestResponse)]
pub(crate) struct ResponseView {
    /// Its status.
    status: u16,
    /// Its body.
    #[schema(value_type = Value)]
    body: Box<RawValue>,
}

impl From<RequestRow> for RequestView {
    fn from(row: RequestRow) -> Self {
        // It was written by this program: what can't be read was written by a newer one.
        let Outcome { actions, errors, warnings, events, duplicates, tries } =
            serde_json::from_str(&row.outcome).unwrap_or_default();
        Self {
            id: row.id,
            webhook_id: row.webhook_id,
            received_at: row.received_at,
            event_type: row.event_type,
            sender_ip: row.sender_ip,
            method: row.method,
            content_type: row.content_type,
            headers: json(row.headers),
            payload: payload(row.payload),
            status: row.status,
            suspicious: row.status == RequestStatus::Rejected,
            attempts: tries.unwrap_or(row.attempts),
            next_attempt_at: None,
            actions,
            errors,
            warnings,
            response: ResponseView { status: row.response_status, body: payload(row.response_body) },
            events,
            duplicates,
            resent_from: row.resent_from,
        }
    }
}

impl RequestView {
    /// As it is shown once it is known when those that wait are run again.
    ///
    /// # Errors
    /// If that can't be read.
    pub(crate) async fn of(api: &Api, rows: Vec<RequestRow>) -> Result<Vec<Self>, Problem> {
        let waiting = rows.iter().filter(|row| row.status == RequestStatus::Retrying);
        let ids: Vec<RequestId> = waiting.map(|row| row.id).collect();
        let due = if ids.is_empty() { HashMap::new() } else { api.engine().read(JobsDue { ids }).await? };
        let view = |row: RequestRow| {
            let next_attempt_at = due.get(&row.id).copied();
            Self { next_attempt_at, ..row.into() }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// The same of one.
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn of_one(api: &Api, row: RequestRow) -> Result<Self, Problem> {
        let mut views = Self::of(api, vec![row]).await?;
        views.pop().ok_or_else(|| Problem::no_such("a request"))
    }
}

impl Line for RequestView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "received_at",
        "event_type",
        "status",
        "attempts",
        "sender_ip",
        "method",
        "content_type",
        "response_status",
        "response_body",
        "actions",
        "errors",
        "warnings",
        "events",
        "payload",
    ];

    fn cells(&self) -> Vec<String> {
        let errors = self.errors.iter().map(|error| format!("{}: {}", error.field, error.message));
        let events = self.events.iter().map(ToString::to_string);
        let actions = self.actions.iter().map(|log| match log.detail.as_str() {
            "" => format!("{}: {}", log.action, log.status.as_str()),
            detail => format!("{}: {} ({detail})", log.action, log.status.as_str()),
        });
        vec![
            self.id.to_string(),
            self.received_at.to_string(),
            self.event_type.clone(),
            self.status.as_str().to_owned(),
            self.attempts.to_string(),
            self.sender_ip.clone(),
            self.method.clone(),
            self.content_type.clone(),
            self.response.status.to_string(),
            self.response.body.get().to_owned(),
            actions.collect::<Vec<_>>().join("; "),
            errors.collect::<Vec<_>>().join("; "),
            self.warnings.join("; "),
            events.collect::<Vec<_>>().join(" "),
            self.payload.get().to_owned(),
        ]
    }
}
