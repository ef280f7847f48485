//! Samples of a kind of event, for editors that let people map what they will get.

use axum::Json;
use axum::extract::State;
use domain::{Event, EventId, EventType, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use store::LogFilter;
use store::events::{EventLog, EventsById};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read};
use crate::extract::Path;
use crate::log::json;
use crate::problem::Problem;

/// How many of the last events are shown: what Zapier, which asks for such lists, shows its users at first.
const SAMPLES: usize = 3;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(samples))
}

/// An event as a delivery without a payload of its own holds it, and its id.
#[derive(Serialize, ToSchema)]
struct EventSample {
    /// Unique; that of an example is made of zeros.
    id: EventId,
    /// What kind.
    event: EventType,
    /// When it happened.
    timestamp: Timestamp,
    /// What there is to know about it.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

impl From<&Event> for EventSample {
    fn from(event: &Event) -> Self {
        let Event { id, event_type, occurred_at, data, .. } = event.clone();
        Self { id, event: event_type, timestamp: occurred_at, data: json(data.as_ref().to_owned()) }
    }
}

/// Samples of a kind of event
///
/// The last three events of this kind as they happened, newest first; if there was none, the kind's example; without one, an
/// empty array. The answer is an array, as the editors of Zapier and others expect it.
#[utoipa::path(
    get, path = "/event-types/{name}/samples", tag = "Events", security(("api_key" = ["read"])),
    params(("name" = EventType, Path, description = "Which kind.")),
    responses((status = 200, description = "They.", body = Vec<EventSample>)),
)]
async fn samples(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(name): Path<EventType>,
) -> Result<Json<Vec<EventSample>>, Problem> {
    let log = EventLog(LogFilter { event_type: Some(name.to_string()), ..LogFilter::default() });
    let searched = api.engine().search(&log, None, SAMPLES).await?;
    let events = api.engine().read(EventsById { ids: searched.ids }).await?;
    if events.is_empty() {
        return Ok(Json(example(&api, name).into_iter().collect()));
    }
    Ok(Json(events.iter().map(EventSample::from).collect()))
}

fn example(api: &Api, name: EventType) -> Option<EventSample> {
    let data = api.engine().example_data(&name)?.to_string();
    let id = EventId::lowest_at(Timestamp::from_millis(0));
    Some(EventSample { id, event: name, timestamp: api.engine().now(), data: json(data) })
}
