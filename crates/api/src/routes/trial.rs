//! Trying an outgoing webhook: what it would send, and sending it for real.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::log::FieldError;
use domain::outgoing::{BodyFormat, OutgoingSettings};
use domain::{DeliveryId, Event, EventId, EventType, OutgoingWebhook, WebhookId, catalog};
use engine::Outgoing;
use engine::outgoing::Draft;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use store::events::GetEvent;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Body, Input, Path, present};
use crate::log::json;
use crate::problem::{Code, Problem};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(preview)).routes(routes!(test))
}

/// The event to try it with: one that happened, or a sample.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestInput {
    /// The kind of a sample; that of the first of the webhook's events if not given.
    #[serde(default)]
    event_type: Option<EventType>,
    /// The data of a sample; an example of its kind if not given.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    data: Option<Map<String, Value>>,
    /// An event that happened, in place of a sample.
    #[serde(default)]
    event_id: Option<EventId>,
}

impl Input for TestInput {
    fn check(&self) -> Vec<FieldError> {
        if self.event_id.is_some() && (self.event_type.is_some() || self.data.is_some()) {
            let message = "can't be beside event_type and data".to_owned();
            return vec![FieldError { field: "event_id".to_owned(), message }];
        }
        Vec::new()
    }
}

/// The same, with settings that are not saved yet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OutgoingPreviewInput)]
struct PreviewInput {
    /// The kind of a sample; that of the first of the webhook's events if not given.
    #[serde(default)]
    event_type: Option<EventType>,
    /// The data of a sample; an example of its kind if not given.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    data: Option<Map<String, Value>>,
    /// An event that happened, in place of a sample.
    #[serde(default)]
    event_id: Option<EventId>,
    /// A URL in place of the webhook's.
    #[serde(default)]
    #[schema(max_length = 2048, pattern = "^[Hh][Tt][Tt][Pp][Ss]?://.")]
    url: Option<String>,
    /// Headers in place of the webhook's, all of them.
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    /// A payload in place of the webhook's; `null` for the event as it is.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Value>)]
    payload: Option<Option<Value>>,
    /// A format in place of the webhook's.
    #[serde(default)]
    format: Option<BodyFormat>,
    /// A filter in place of the webhook's; `null` for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4096)]
    filter: Option<Option<String>>,
    /// A script in place of the webhook's; `null` for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 262_144)]
    transform: Option<Option<String>>,
}

impl Input for PreviewInput {
    fn check(&self) -> Vec<FieldError> {
        self.event().check()
    }
}

impl PreviewInput {
    fn event(&self) -> TestInput {
        let (event_type, data) = (self.event_type.clone(), self.data.clone());
        TestInput { event_type, data, event_id: self.event_id }
    }

    /// The webhook's settings with what is to be tried in place of what is saved.
    fn draft(self, saved: &OutgoingSettings) -> OutgoingSettings {
        let saved = saved.clone();
        OutgoingSettings {
            url: self.url.unwrap_or(saved.url),
            headers: self.headers.unwrap_or(saved.headers),
            payload: self.payload.unwrap_or(saved.payload),
            format: self.format.unwrap_or(saved.format),
            filter: self.filter.unwrap_or(saved.filter),
            transform: self.transform.unwrap_or(saved.transform),
            ..saved
        }
    }
}

/// A request as it would be, or was, sent.
#[derive(Serialize, ToSchema)]
#[schema(as = OutgoingRequest)]
struct RequestView {
    /// Its method.
    method: String,
    /// Where to; without what authentication adds to it.
    url: String,
    /// Its headers, secrets masked.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    headers: Box<RawValue>,
    /// Its body: JSON if it is that, or else a text.
    body: Value,
}

/// What would be sent.
#[derive(Serialize, ToSchema)]
struct OutgoingPreview {
    /// Whether anything would.
    sent: bool,
    /// Why nothing would; `null` if it would.
    #[schema(required = true)]
    reason: Option<String>,
    /// What would be sent, but for what authentication and signatures add; `null` if nothing would.
    #[schema(required = true)]
    request: Option<RequestView>,
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
struct TestResult {
    /// The status of the answer; `null` if there was none.
    #[schema(required = true, example = 200)]
    status: Option<u16>,
    /// Whether a delivery like this counts as delivered.
    success: bool,
    /// How long it took, in milliseconds.
    #[schema(example = 234)]
    time_ms: i64,
    /// The body of the answer: JSON if it is that, or else a text.
    response: Value,
    /// Its headers.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    response_headers: Box<RawValue>,
    /// What was sent; `null` if nothing was.
    #[schema(required = true)]
    request: Option<RequestView>,
    /// Why it failed, as a stable code; `null` if it did not.
    #[schema(required = true, example = "connection_refused")]
    error_code: Option<&'static str>,
    /// The same in words; `null` if it did not fail.
    #[schema(required = true)]
    error: Option<String>,
    /// What to do about it; `null` if it did not fail.
    #[schema(required = true)]
    hint: Option<&'static str>,
    /// Why an event like this would not be sent to the webhook by itself, as a test is: its kind, its status, its filter, its
    /// lists or tags; `null` if it would.
    #[schema(required = true, example = "the webhook's filter does not hold")]
    skipped: Option<String>,
    /// Its entry in the log.
    delivery_id: DeliveryId,
}

/// See what an outgoing webhook would send
///
/// Renders the request for a sample or for an event that happened. Nothing is sent. An editor sends what is not saved yet along.
#[utoipa::path(
    post, path = "/outgoing-webhooks/{id}/preview", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = PreviewInput,
    responses((status = 200, description = "What would be sent.", body = OutgoingPreview)),
)]
async fn preview(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(id): Path<WebhookId>,
    Body(input): Body<PreviewInput>,
) -> Result<Json<OutgoingPreview>, Problem> {
    let outgoing = find(&api, &id).await?;
    let event = event(&api, &outgoing, input.event()).await?;
    let outgoing = with(outgoing, input)?;
    Ok(Json(match api.engine().draft(&outgoing, &event).await {
        Ok(draft) => {
            let headers = draft.headers.clone();
            OutgoingPreview { sent: true, reason: None, request: Some(RequestView::new(draft, &headers)) }
        }
        Err(unsendable) => OutgoingPreview { sent: false, reason: Some(unsendable.message), request: None },
    }))
}

/// Test an outgoing webhook
///
/// Sends a sample, or an event that happened, for real, once, whatever the webhook's status and filter are. It is logged as a
/// test and counts in no statistics.
#[utoipa::path(
    post, path = "/outgoing-webhooks/{id}/test", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = TestInput,
    responses((status = 200, description = "What came of it.", body = TestResult)),
)]
async fn test(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(id): Path<WebhookId>,
    Body(input): Body<TestInput>,
) -> Result<Json<TestResult>, Problem> {
    let outgoing = find(&api, &id).await?;
    let event = event(&api, &outgoing, input).await?;
    let engine::Tested { row, sent, skipped } = api.engine().test(&outgoing, event).await?;
    let headers = json(row.request_headers);
    Ok(Json(TestResult {
        status: row.http_status,
        success: row.status == domain::log::DeliveryStatus::Delivered,
        time_ms: row.duration_ms,
        response: json_or_text(row.response_body.as_bytes()),
        response_headers: json(row.response_headers),
        request: sent.map(|draft| RequestView { headers, ..RequestView::new(draft, &HeaderMap::new()) }),
        hint: row.error_code.map(|code| engine::hint::hint(code, row.http_status.map(i64::from))),
        error_code: row.error_code,
        error: row.error,
        skipped,
        delivery_id: row.delivery_id,
    }))
}

impl RequestView {
    fn new(draft: Draft, headers: &HeaderMap) -> Self {
        Self {
            method: draft.method.to_string(),
            url: draft.url.to_string(),
            headers: json(engine::headers::to_json(headers)),
            body: json_or_text(&draft.body),
        }
    }
}

fn json_or_text(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}

async fn find(api: &Api, id: &WebhookId) -> Result<Arc<Outgoing>, Problem> {
    let found = api.configuration().await?.outgoing.get(id).cloned();
    found.ok_or_else(|| Problem::no_such("an outgoing webhook"))
}

/// The webhook with settings that are not saved.
fn with(outgoing: Arc<Outgoing>, input: PreviewInput) -> Result<Arc<Outgoing>, Problem> {
    let saved = &outgoing.webhook.settings;
    let settings = input.draft(saved);
    if settings == *saved {
        return Ok(outgoing);
    }
    let mut errors = settings.check();
    errors.extend(engine::outgoing::check(&settings));
    if !errors.is_empty() {
        return Err(Problem::with_errors(Code::InvalidBody, errors));
    }
    let webhook = OutgoingWebhook { settings, ..outgoing.webhook.clone() };
    Ok(Arc::new(Outgoing::new(webhook, outgoing.secrets.clone())))
}

async fn event(api: &Api, outgoing: &Outgoing, input: TestInput) -> Result<Event, Problem> {
    if let Some(id) = input.event_id {
        let found = api.engine().read(GetEvent { id }).await?.ok_or_else(|| Problem::no_such("an event"))?;
        return Ok(found.event);
    }
    let event_type = input.event_type.or_else(|| first_kind(outgoing)).unwrap_or(catalog::SUBSCRIBER_ADDED);
    match input.data {
        Some(data) => Ok(api.engine().sample(event_type, Value::Object(data)).await?),
        None => Ok(api.engine().example(event_type)),
    }
}

/// The first kind of event that the webhook gets.
fn first_kind(outgoing: &Outgoing) -> Option<EventType> {
    let wanted = outgoing.webhook.settings.events.first()?;
    match wanted {
        domain::EventPattern::Exactly(event_type) => Some(event_type.clone()),
        pattern => catalog::BUILT_IN.iter().map(|(kind, _)| kind).find(|kind| pattern.matches(kind)).cloned(),
    }
}
