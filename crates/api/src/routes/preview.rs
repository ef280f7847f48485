//! What an incoming webhook would do with a payload, without doing it.

use axum::Json;
use axum::extract::State;
use domain::log::{ActionLog, FieldError, Outcome, RequestStatus};
use domain::{Event, EventType, RequestId, WebhookId};
use engine::Executed;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use store::commit::{RequestRow, Writes};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::subscribers::SubscriberView;
use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Body, Input, Path};
use crate::log::json;
use crate::problem::{Code, Problem};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(preview))
}

/// A payload to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewInput {
    /// What a sender would post: an object, or an array of objects.
    payload: Value,
}

impl Input for PreviewInput {}

/// What would become of a payload.
#[derive(Serialize, ToSchema)]
struct Preview {
    /// How the request would end.
    status: RequestStatus,
    /// What the sender would be answered.
    response: PreviewResponse,
    /// What each action would do.
    actions: Vec<ActionLog>,
    /// Why it would fail, if it would.
    errors: Vec<FieldError>,
    /// What does not fit, without being a failure.
    warnings: Vec<String>,
    /// The subscribers that would be changed.
    subscribers: Vec<PreviewChange>,
    /// The events that would be told.
    events: Vec<PreviewEvent>,
    /// The outgoing webhooks that would get them.
    deliveries: Vec<PreviewDelivery>,
}

/// The answer to a sender.
#[derive(Serialize, ToSchema)]
struct PreviewResponse {
    /// Its status.
    status: u16,
    /// Its body.
    #[schema(value_type = Value)]
    body: Box<RawValue>,
}

/// A change of a subscriber.
#[derive(Serialize, ToSchema)]
struct PreviewChange {
    /// As it is; `null` if the subscriber would be new.
    #[schema(required = true)]
    before: Option<SubscriberView>,
    /// As it would be; the id of a new one would be another. `null` if the subscriber would be gone.
    #[schema(required = true)]
    after: Option<SubscriberView>,
}

/// An event.
#[derive(Serialize, ToSchema)]
struct PreviewEvent {
    /// What kind.
    event_type: EventType,
    /// What there would be to know about it.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

/// A delivery.
#[derive(Serialize, ToSchema)]
struct PreviewDelivery {
    /// Where to.
    webhook_id: WebhookId,
    /// Of which kind of event.
    event_type: EventType,
}

/// Try a payload on an incoming webhook
///
/// Tells what mapping and actions would do with the payload, by today's configuration and subscribers. Nothing is changed,
/// stored or sent.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/preview", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = PreviewInput,
    responses((status = 200, description = "What would become of it.", body = Preview)),
)]
async fn preview(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(id): Path<WebhookId>,
    Body(PreviewInput { payload }): Body<PreviewInput>,
) -> Result<Json<Preview>, Problem> {
    let configuration = api.configuration().await?;
    let incoming = configuration.incoming.get(&id).ok_or_else(not_found)?;
    let request = RequestRow {
        id: RequestId::lowest_at(api.engine().now()),
        webhook_id: id,
        received_at: api.engine().now(),
        event_type: incoming.webhook.settings.event_type.to_string(),
        sender_ip: String::new(),
        method: "POST".to_owned(),
        content_type: "application/json".to_owned(),
        headers: "{}".to_owned(),
        payload: payload.to_string(),
        status: RequestStatus::Accepted,
        attempts: 0,
        outcome: String::new(),
        response_status: 0,
        response_body: String::new(),
        resent_from: None,
    };
    match api.engine().preview(request).await? {
        (Executed::Rerun(run), writes) if run.attempts > 0 => Ok(Json(Preview::of(run, writes))),
        (Executed::Rerun(_), _) => {
            let message = "must be a JSON object or an array of at most 1,000 objects".to_owned();
            let error = FieldError { field: "payload".to_owned(), message };
            Err(Problem::with_errors(Code::InvalidBody, vec![error]))
        }
        _ => Err(not_found()),
    }
}

fn not_found() -> Problem {
    Problem::no_such("an incoming webhook")
}

impl Preview {
    fn of(run: RequestRow, writes: Writes) -> Self {
        // It was written by this very process.
        let Outcome { actions, errors, warnings, .. } =
            serde_json::from_str(&run.outcome).unwrap_or_default();
        let event =
            |event: Event| PreviewEvent { event_type: event.event_type, data: json(event.data.to_string()) };
        Self {
            status: run.status,
            response: PreviewResponse { status: run.response_status, body: json(run.response_body) },
            actions,
            errors,
            warnings,
            subscribers: writes
                .subscribers
                .into_iter()
                .map(|change| PreviewChange {
                    before: change.before.map(Into::into),
                    after: change.after.map(Into::into),
                })
                .collect(),
            events: writes.events.into_iter().map(event).collect(),
            deliveries: writes
                .deliveries
                .into_iter()
                .map(|delivery| PreviewDelivery {
                    webhook_id: delivery.webhook_id,
                    event_type: delivery.event_type,
                })
                .collect(),
        }
    }
}
