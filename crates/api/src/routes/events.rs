//! Events: what happened, and where it was told.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::log::{DeliveryStatus, FieldError};
use domain::{DeliveryId, Event, EventId, EventType, OutgoingWebhook, RequestId, Timestamp, WebhookId};
use engine::{Command, Executed, LISTENER, NewEvent, Outgoing, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use store::StoreError;
use store::commit::Skipped;
use store::events::{EventDelivery, EventLog, EventWithDeliveries, EventsById, GetEvent};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::delivery_reason::reason;
use super::outgoing_health::Healths;
use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Path, Query};
use crate::log::{LogPage, LogParams, json};
use crate::once::Answer;
use crate::page::{PageParams, Paging};
use crate::problem::{Code, Problem};
use crate::{Api, BASE};

/// The most webhooks that are named which did not want an event; all are counted. One page of a list.
const MAX_NOT_SUBSCRIBED: usize = 200;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, publish)).routes(routes!(show))
}

/// An event to be told.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventInput {
    /// What kind: a built-in one or a custom one, declared or not.
    event: EventType,
    /// What there is to know about it.
    #[schema(value_type = Object, example = json!({"order_id": 1042}))]
    data: Map<String, Value>,
    /// When it happened; now if it is not given.
    timestamp: Option<Timestamp>,
}

/// One event, or many.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum EventsInput {
    One(EventInput),
    Many(EventBatch),
}

/// Events to be told together: all of them, or none.
#[derive(Deserialize, ToSchema)]
#[schema(min_items = 1, max_items = 1000)]
struct EventBatch(Vec<EventInput>);

impl Input for EventsInput {}

/// An event.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventView {
    /// Unique, and sorts by time.
    id: EventId,
    /// What kind.
    event_type: EventType,
    /// When it happened.
    timestamp: Timestamp,
    /// What there is to know about it.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// The request that caused it; `null` if none did.
    #[schema(required = true)]
    request_id: Option<RequestId>,
}

/// An event, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = EventWithDeliveries)]
struct EventWithDeliveriesView {
    /// Its deliveries, as long as their log is kept, in the order in which they were made.
    deliveries: Vec<EventDeliveryView>,
    /// The outgoing webhooks that want events of this kind and did not get this one, each with the reason, as it was when the
    /// event happened. At most 200.
    skipped: Vec<SkippedView>,
    /// How many more there were.
    skipped_more: u64,
    /// The outgoing webhooks that did not want events of this kind when it happened.
    not_subscribed: NotSubscribed,
    /// The delivery whose event was edited to make this one, for its webhook alone; `null` if it is one that happened.
    #[schema(required = true)]
    resent_from: Option<DeliveryId>,
    #[serde(flatten)]
    event: EventView,
}

/// An outgoing webhook that did not get an event.
#[derive(Serialize, ToSchema)]
#[schema(as = SkippedWebhook)]
struct SkippedView {
    /// The webhook.
    webhook_id: WebhookId,
    /// Why, in words.
    #[schema(example = "the webhook's filter does not hold")]
    reason: String,
}

/// Outgoing webhooks that did not want an event.
#[derive(Serialize, ToSchema)]
struct NotSubscribed {
    /// How many; those that were deleted since don't count.
    count: usize,
    /// Which; at most 200 of them.
    webhook_ids: Vec<WebhookId>,
}

/// The delivery of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = EventDelivery)]
struct EventDeliveryView {
    /// Unique, and sorts by time.
    id: DeliveryId,
    /// Where to.
    webhook_id: WebhookId,
    /// Whether it went to the machine of a developer (`listen`): then there is no such webhook.
    to_listener: bool,
    /// How it stands.
    status: DeliveryStatus,
    /// Why it stands so: what it waits for, or why it failed or was cancelled; `null` if it arrived.
    #[schema(required = true, example = "the webhook is paused")]
    reason: Option<String>,
    /// When it is tried next; `null` if it is finished.
    #[schema(required = true)]
    next_attempt_at: Option<Timestamp>,
}

/// What was published: the event if one was sent, or all of them if an array was.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Published {
    One(EventView),
    Many(PublishedEvents),
}

/// The events that were published, in the order in which they were sent.
#[derive(Serialize, ToSchema)]
struct PublishedEvents {
    /// The events.
    data: Vec<EventView>,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        let Event { id, event_type, occurred_at, data, request_id, subscriber: _ } = event.clone();
        Self { id, event_type, timestamp: occurred_at, data: json(data.as_ref().to_owned()), request_id }
    }
}

impl EventDeliveryView {
    fn new(delivery: EventDelivery, configuration: &Snapshot, healths: &Healths, now: Timestamp) -> Self {
        let webhook = configuration.outgoing.get(&delivery.webhook_id).map(AsRef::as_ref);
        let reason = reason(&delivery, webhook, healths, now);
        let EventDelivery { id, webhook_id, status, due_at, .. } = delivery;
        let to_listener = webhook_id.as_str() == LISTENER;
        Self { id, webhook_id, to_listener, status, reason, next_attempt_at: due_at }
    }
}

/// The webhooks that neither got an event nor were skipped although they were there: they did not want it then. Of one that
/// wants it now and has not changed since, the entry in the log is gone. One that was edited was for its webhook alone.
fn not_subscribed(found: &EventWithDeliveries, configuration: &Snapshot) -> NotSubscribed {
    if found.resent_from.is_some() {
        return NotSubscribed { count: 0, webhook_ids: Vec::new() };
    }
    let made_at = found.event.id.made_at();
    let told: HashSet<&WebhookId> = found.deliveries.iter().map(|delivery| &delivery.webhook_id).collect();
    let skipped: HashSet<&WebhookId> =
        found.skipped.first.iter().map(|skipped| &skipped.webhook_id).collect();
    let did_not_want = |outgoing: &&Arc<Outgoing>| {
        let OutgoingWebhook { id, settings, created_at, updated_at, .. } = &outgoing.webhook;
        let wants_now = settings.events.iter().any(|pattern| pattern.matches(&found.event.event_type));
        let wanted_then = wants_now && *updated_at <= made_at;
        *created_at <= made_at && !told.contains(id) && !skipped.contains(id) && !wanted_then
    };
    let mut webhook_ids: Vec<WebhookId> =
        configuration.outgoing.values().filter(did_not_want).map(|of| of.webhook.id.clone()).collect();
    let count = webhook_ids.len();
    webhook_ids.sort_unstable();
    webhook_ids.truncate(MAX_NOT_SUBSCRIBED);
    NotSubscribed { count, webhook_ids }
}

impl From<EventInput> for NewEvent {
    fn from(input: EventInput) -> Self {
        let data = Value::Object(input.data).to_string();
        Self { event_type: input.event, occurred_at: input.timestamp, data }
    }
}

/// All events
#[utoipa::path(
    get, path = "/events", tag = "Events", security(("api_key" = ["read"])), params(PageParams, LogParams),
    responses((status = 200, description = "A page of them. Large ones make it shorter.", body = LogPage<EventView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(params): Query<LogParams>,
) -> Result<Json<LogPage<EventView>>, Problem> {
    let log = EventLog(params.filter(Vec::new()));
    let searched = api.engine().search(&log, paging.after()?, paging.limit()).await?;
    let events = api.engine().read(EventsById { ids: searched.ids.clone() }).await?;
    Ok(Json(LogPage::new(&searched, events.iter().map(EventView::from).collect(), EventId::made_at)))
}

/// One event
#[utoipa::path(
    get, path = "/events/{id}", tag = "Events", security(("api_key" = ["read"])),
    params(("id" = EventId, Path, description = "Which.")),
    responses((status = 200, description = "It, with its deliveries.", body = EventWithDeliveriesView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<EventId>,
) -> Result<Json<EventWithDeliveriesView>, Problem> {
    let found = api.engine().read(GetEvent { id }).await?.ok_or_else(|| Problem::no_such("an event"))?;
    let configuration = api.configuration().await?;
    let not_subscribed = not_subscribed(&found, &configuration);
    let webhooks = found.deliveries.iter().map(|delivery| delivery.webhook_id.clone()).collect();
    let (healths, now) = (Healths::of(&api, webhooks).await?, api.engine().now());
    let shown = |delivery| EventDeliveryView::new(delivery, &configuration, &healths, now);
    let skipped = found.skipped.first.into_iter();
    let skipped = skipped.map(|Skipped { webhook_id, reason }| SkippedView { webhook_id, reason }).collect();
    Ok(Json(EventWithDeliveriesView {
        deliveries: found.deliveries.into_iter().map(shown).collect(),
        skipped,
        skipped_more: found.skipped.more,
        not_subscribed,
        resent_from: found.resent_from,
        event: EventView::from(&found.event),
    }))
}

/// Publish events
///
/// Tells one event, or an array of up to 1,000, to every active outgoing webhook that subscribes to them. An array is published
/// as a whole or not at all. A custom kind of event need not be declared; if it is, with a schema, the data must be as that says.
#[utoipa::path(
    post, path = "/events", tag = "Events", security(("api_key" = ["write"])), request_body = EventsInput,
    responses((status = 201, description = "What was published: the event, or `data` with the events in their order if an array was sent.", body = Published)),
)]
async fn publish(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<EventsInput>,
) -> Result<Response, Problem> {
    let (inputs, is_one) = match input {
        EventsInput::One(event) => (vec![event], true),
        EventsInput::Many(EventBatch(events)) => (events, false),
    };
    let command = Command::Publish(inputs.into_iter().map(NewEvent::from).collect());
    let answer = move |executed: &Executed| match executed {
        Executed::Published(events) => published(events, is_one),
        Executed::UnfitEvents(unfit) => Err(unfit_events(unfit, is_one)),
        _ => Err(StoreError::Defect.into()),
    };
    api.execute_once(&caller, once, command, answer).await
}

fn unfit_events(unfit: &[(usize, FieldError)], is_one: bool) -> Problem {
    let named = |(position, fault): &(usize, FieldError)| match is_one {
        true => fault.clone(),
        false => FieldError { field: format!("{position}.{}", fault.field), message: fault.message.clone() },
    };
    Problem::with_errors(Code::InvalidBody, unfit.iter().map(named).collect())
}

fn published(events: &[Event], is_one: bool) -> Result<Answer, Problem> {
    match events {
        [event] if is_one => {
            let path = format!("{BASE}/events/{}", event.id);
            Answer::created(Some(path), &Published::One(event.into()))
        }
        events => {
            let data = events.iter().map(EventView::from).collect();
            Answer::created(None, &Published::Many(PublishedEvents { data }))
        }
    }
}
