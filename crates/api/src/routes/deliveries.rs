//! The log of an outgoing webhook: what went out, and what came back.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::log::DeliveryStatus;
use domain::{DeliveryId, EventId, EventType, Timestamp, WebhookId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use store::deliveries::{
    AttemptEntry, ClearDeliveries, DeliveryEntry, GetDelivery, ListDeliveries, ReplayDeliveries, Replayed,
    Retried, RetryDelivery,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read, Write};
use crate::export::{EXPORT_PAGE, ExportParams, Line, export};
use crate::extract::{Body, Input, Path, Query};
use crate::log::{CLEAR_CHUNK, ClearParams, LogParams, json};
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, clear))
        .routes(routes!(download))
        .routes(routes!(show))
        .routes(routes!(retry))
        .routes(routes!(replay))
}

/// The delivery of one event to one outgoing webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryView {
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
    /// Whether it was made to try the webhook.
    test: bool,
    /// What is sent.
    #[schema(value_type = Value)]
    payload: Box<RawValue>,
    /// When it is tried next; `null` if it is finished.
    #[schema(required = true)]
    next_attempt_at: Option<Timestamp>,
    /// The attempts, in order.
    attempts: Vec<AttemptView>,
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
    /// What was sent, secrets masked.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    request_headers: Box<RawValue>,
    /// What came back.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    response_headers: Box<RawValue>,
    /// What came back, as much as is kept.
    response_body: String,
}

impl From<DeliveryEntry> for DeliveryView {
    fn from(entry: DeliveryEntry) -> Self {
        Self {
            id: entry.id,
            payload: payload(&entry),
            webhook_id: entry.webhook_id,
            event_id: entry.event.id,
            event_type: entry.event.event_type,
            created_at: entry.created_at,
            status: entry.status,
            test: entry.test,
            next_attempt_at: entry.due_at,
            attempts: entry.attempts.into_iter().map(AttemptView::from).collect(),
        }
    }
}

/// What was sent last, or else the envelope of the event: what is sent is made when it is.
fn payload(entry: &DeliveryEntry) -> Box<RawValue> {
    let sent = entry.attempts.iter().rev().find_map(|attempt| attempt.request_body.as_ref());
    match sent {
        Some(body) => RawValue::from_string(body.clone())
            .unwrap_or_else(|_| json(Value::from(body.as_str()).to_string())),
        None => json(entry.event.envelope()),
    }
}

impl From<AttemptEntry> for AttemptView {
    fn from(attempt: AttemptEntry) -> Self {
        Self {
            number: attempt.number,
            at: attempt.attempted_at,
            duration_ms: attempt.duration_ms,
            http_status: attempt.http_status,
            error_code: attempt.error_code,
            error: attempt.error,
            request_headers: json(attempt.request_headers),
            response_headers: json(attempt.response_headers),
            response_body: attempt.response_body,
        }
    }
}

/// Which entries to show.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StatusParam {
    /// Only those of this status.
    #[param(inline)]
    status: Option<DeliveryStatus>,
}

/// The log of an outgoing webhook
#[utoipa::path(
    get, path = "/outgoing-webhooks/{id}/deliveries", tag = "Deliveries", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook."), PageParams, StatusParam, LogParams),
    responses((status = 200, description = "A page of its deliveries. Large ones make it shorter.", body = Page<DeliveryView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
    paging: Paging,
    Query(StatusParam { status }): Query<StatusParam>,
    Query(params): Query<LogParams>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    check_webhook(&api, &webhook_id).await?;
    let filter = params.filter(status, paging.after()?);
    let slice = api.engine().read(ListDeliveries { webhook_id, filter, limit: paging.limit() }).await?;
    Ok(Json(Page::of(slice, |delivery| delivery.id.to_string()).map(DeliveryView::from)))
}

/// Clear the log of an outgoing webhook
///
/// Deliveries that are still to be made stay.
#[utoipa::path(
    delete, path = "/outgoing-webhooks/{id}/deliveries", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook."), ClearParams),
    responses((status = 204, description = "It is gone.")),
)]
async fn clear(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Query(ClearParams { until }): Query<ClearParams>,
) -> Result<StatusCode, Problem> {
    check_webhook(&api, &webhook_id).await?;
    // Ids are of whole milliseconds: those of this one belong to it.
    let until = until.unwrap_or(api.engine().now().plus_millis(1));
    let mut after = None;
    loop {
        let webhook_id = webhook_id.clone();
        let work = ClearDeliveries { webhook_id, after, until, limit: CLEAR_CHUNK };
        let Some(last) = api.engine().write(work).await? else { return Ok(StatusCode::NO_CONTENT) };
        after = Some(last);
    }
}

/// The log of an outgoing webhook as a file
#[utoipa::path(
    get, path = "/outgoing-webhooks/{id}/deliveries/export", tag = "Deliveries", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook."), ExportParams, StatusParam, LogParams),
    responses((status = 200, description = "All of it, newest first.",
        content((String = "application/x-ndjson"), (String = "text/csv")))),
)]
async fn download(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
    Query(ExportParams { format }): Query<ExportParams>,
    Query(StatusParam { status }): Query<StatusParam>,
    Query(params): Query<LogParams>,
) -> Result<Response, Problem> {
    check_webhook(&api, &webhook_id).await?;
    let name = format!("deliveries-{webhook_id}");
    export(&name, format, move |before: Option<DeliveryId>| {
        let filter = params.clone().filter(status, before);
        let work = ListDeliveries { webhook_id: webhook_id.clone(), filter, limit: EXPORT_PAGE };
        let api = api.clone();
        async move {
            let slice = api.engine().read(work).await?;
            let last = slice.entries.last().map(|delivery| delivery.id).filter(|_| slice.more);
            Ok((slice.entries.into_iter().map(DeliveryView::from).collect(), last))
        }
    })
    .await
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

/// One delivery
///
/// With all its attempts.
#[utoipa::path(
    get, path = "/deliveries/{id}", tag = "Deliveries", security(("api_key" = ["read"])),
    params(("id" = DeliveryId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = DeliveryView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<DeliveryId>,
) -> Result<Json<DeliveryView>, Problem> {
    Ok(Json(find(&api, id).await?.into()))
}

/// Make a delivery again
///
/// Puts a finished delivery back: it is due now. Its attempts are counted on.
#[utoipa::path(
    post, path = "/deliveries/{id}/retry", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = DeliveryId, Path, description = "Which.")),
    responses(
        (status = 202, description = "It, as it is now.", body = DeliveryView),
        (status = 409, description = "It is not finished, or its webhook gets no deliveries.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn retry(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(id): Path<DeliveryId>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let delivery = find(&api, id).await?;
    check_gets_deliveries(&api, &delivery.webhook_id).await?;
    match api.engine().write(RetryDelivery { id, now: api.engine().now() }).await? {
        Retried::Queued(webhook_id) => api.engine().wake(&webhook_id),
        Retried::NotFound => return Err(not_found()),
        Retried::StillOpen => {
            let detail = "The delivery is not finished: it will be tried by itself.";
            return Err(Problem::new(Code::Conflict, detail));
        }
    }
    Ok((StatusCode::ACCEPTED, Json(find(&api, id).await?.into())))
}

/// Which deliveries are sent again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayInput {
    /// Only those made then or later.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Only those made before; all that there are now if it is not given.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Those that failed, or all that are finished.
    #[serde(default)]
    status: ReplayStatus,
}

/// Which finished deliveries are sent again.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReplayStatus {
    /// Those that failed.
    #[default]
    Failed,
    /// All of them.
    All,
}

impl Input for ReplayInput {}

/// How many deliveries are sent again.
#[derive(Serialize, ToSchema)]
struct Replay {
    /// How many.
    replayed: u64,
}

/// Send finished deliveries again
///
/// Each under the `webhook-id` that it had, so that receivers know it, and with one more attempt each. What is still to be
/// made is left alone.
#[utoipa::path(
    post, path = "/outgoing-webhooks/{id}/replay", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    request_body = ReplayInput,
    responses(
        (status = 202, description = "They are due now.", body = Replay),
        (status = 409, description = "The webhook is inactive.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn replay(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Body(ReplayInput { since, until, status }): Body<ReplayInput>,
) -> Result<(StatusCode, Json<Replay>), Problem> {
    check_webhook(&api, &webhook_id).await?;
    check_gets_deliveries(&api, &webhook_id).await?;
    let which = match status {
        ReplayStatus::Failed => Replayed::Failed,
        ReplayStatus::All => Replayed::All,
    };
    let now = api.engine().now();
    // Ids are of whole milliseconds: those of this one belong to it.
    let within = (since, until.unwrap_or(now.plus_millis(1)));
    let (mut after, mut replayed) = (None, 0);
    loop {
        let webhook_id = webhook_id.clone();
        let work = ReplayDeliveries { webhook_id, which, after, within, now, limit: CLEAR_CHUNK };
        let Some((last, count)) = api.engine().write(work).await? else { break };
        (after, replayed) = (Some(last), replayed + count);
    }
    api.engine().wake(&webhook_id);
    Ok((StatusCode::ACCEPTED, Json(Replay { replayed })))
}

async fn check_gets_deliveries(api: &Api, webhook_id: &WebhookId) -> Result<(), Problem> {
    let configuration = api.configuration().await?;
    if configuration.outgoing.get(webhook_id).is_some_and(|outgoing| outgoing.gets_deliveries()) {
        return Ok(());
    }
    Err(Problem::new(Code::Conflict, "The webhook of this delivery is inactive, or was deleted."))
}

async fn find(api: &Api, id: DeliveryId) -> Result<DeliveryEntry, Problem> {
    api.engine().read(GetDelivery { id }).await?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("a delivery")
}

async fn check_webhook(api: &Api, id: &WebhookId) -> Result<(), Problem> {
    let is_known = api.configuration().await?.outgoing.contains_key(id);
    if is_known { Ok(()) } else { Err(Problem::no_such("an outgoing webhook")) }
}
