//! Listening from the machine of a developer: each event as the request that an outgoing webhook would get, and back into the
//! log what became of it there. This is what `ccsp-mailer listen` is made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event as Message;
use domain::log::FieldError;
use domain::{DeliveryId, EventId, EventPattern};
use engine::feed::{Entry, EventEntry};
use engine::{Forwarded, GivenAnswer, NoAnswer, Outgoing, to_listener};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signature::Secret;
use store::events::GetEvent;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::feed::{live, named};
use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Body, Input};
use crate::problem::{Problem, ProblemBody};
use crate::secret;

/// The most headers of a request or of an answer: about as many as servers of HTTP take.
const MAX_HEADERS: usize = 100;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(listen)).routes(routes!(answer))
}

/// Who listens, and for what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListenInput {
    /// What the requests are signed with.
    #[schema(min_length = 8, max_length = 500)]
    secret: String,
    /// The kinds of events, `order_*` for instance: all, if none is given.
    #[serde(default)]
    #[schema(max_items = 100)]
    events: Vec<EventPattern>,
}

impl Input for ListenInput {
    fn check(&self) -> Vec<FieldError> {
        let fault = secret::fault(&self.secret).or_else(|| secret::standard_fault(&self.secret));
        fault.map(|message| FieldError { field: "secret".to_owned(), message }).into_iter().collect()
    }
}

/// What became of a request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ForwardedInput {
    /// The event that it told.
    event_id: EventId,
    /// The headers that it was sent with: at most 100.
    #[serde(default)]
    request_headers: BTreeMap<String, String>,
    /// How long it took, in milliseconds.
    #[schema(minimum = 0, maximum = 600_000)]
    duration_ms: u32,
    /// The status of the answer; without one there was none.
    #[serde(default)]
    #[schema(minimum = 100, maximum = 999)]
    status: Option<u16>,
    /// The headers of the answer: at most 100.
    #[serde(default)]
    response_headers: BTreeMap<String, String>,
    /// The beginning of the body of the answer; the log keeps 16 KiB of it.
    #[serde(default)]
    #[schema(max_length = 65_536)]
    response_body: String,
    /// Why there was no answer.
    #[serde(default)]
    error_code: NoAnswerCode,
    /// The same in words.
    #[serde(default)]
    #[schema(max_length = 500, example = "connection refused")]
    error: Option<String>,
}

/// Why a listener got no answer: a code of failed attempts.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NoAnswerCode {
    ConnectionRefused,
    ConnectionClosed,
    ConnectTimeout,
    Timeout,
    Dns,
    Tls,
    InvalidResponse,
    #[default]
    ConnectFailed,
}

impl NoAnswerCode {
    fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionClosed => "connection_closed",
            Self::ConnectTimeout => "connect_timeout",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::InvalidResponse => "invalid_response",
            Self::ConnectFailed => "connect_failed",
        }
    }
}

impl Input for ForwardedInput {
    fn check(&self) -> Vec<FieldError> {
        let named =
            [("request_headers", &self.request_headers), ("response_headers", &self.response_headers)];
        let too_many = named.into_iter().filter(|(_, headers)| headers.len() > MAX_HEADERS);
        let fault = |name: &str| FieldError {
            field: name.to_owned(),
            message: format!("must have at most {MAX_HEADERS} members"),
        };
        too_many.map(|(name, _)| fault(name)).collect()
    }
}

/// Where it is in the log.
#[derive(Serialize, ToSchema)]
struct ForwardedView {
    /// Its entry.
    delivery_id: DeliveryId,
}

fn as_listener(api: &Api, secret: &str) -> Result<Outgoing, Problem> {
    to_listener(Secret::new(secret), api.engine().now()).map_err(|error| Problem::internal(&error))
}

/// Listen on your machine
///
/// Server-sent events: `hello` at first, then a `request` for each event as it happens, to be sent with POST wherever the
/// listener likes: `{"event_id","event_type","headers":{…},"body":"…"}`, signed with `secret` as an outgoing webhook would.
/// What can't be made of an event comes as `skipped` with a `reason`. `lagged` tells how many events were missed by one who
/// reads too slowly. Nothing is sent again. It ends after 10 minutes: come again.
#[utoipa::path(
    post, path = "/listen", tag = "Deliveries", security(("api_key" = ["write"])),
    request_body = ListenInput,
    responses((status = 200, description = "The requests, as events happen.", body = String, content_type = "text/event-stream")),
)]
async fn listen(
    State(api): State<Api>,
    _: Caller<Write>,
    Body(input): Body<ListenInput>,
) -> Result<Response, Problem> {
    let outgoing = as_listener(&api, &input.secret)?;
    let listening = Arc::new(Listening { api: api.clone(), events: input.events, outgoing });
    live(&api, false, move |entry| {
        let listening = listening.clone();
        async move {
            match entry.as_ref() {
                Entry::Event(event) if listening.wants(event) => Some(listening.request(event).await),
                _ => None,
            }
        }
    })
}

/// Tell what became of a request on your machine
///
/// Writes it into the log among the deliveries of its event, as a test: outside of all statistics.
#[utoipa::path(
    post, path = "/listen/answers", tag = "Deliveries", security(("api_key" = ["write"])),
    request_body = ForwardedInput,
    responses(
        (status = 200, description = "Where it is in the log.", body = ForwardedView),
        (status = 404, description = "There is no such event.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn answer(
    State(api): State<Api>,
    _: Caller<Write>,
    Body(input): Body<ForwardedInput>,
) -> Result<Json<ForwardedView>, Problem> {
    let outgoing = as_listener(&api, "")?;
    let found = api.engine().read(GetEvent { id: input.event_id }).await?;
    let event = found.ok_or_else(|| Problem::no_such("an event"))?.event;
    let delivery_id = api.engine().forwarded(&outgoing, event, input.done()).await?;
    Ok(Json(ForwardedView { delivery_id }))
}

impl ForwardedInput {
    fn done(self) -> Forwarded {
        let message = self.error.unwrap_or_else(|| "the listener got no answer".to_owned());
        let none = NoAnswer { code: self.error_code.as_str(), message };
        let response = |status| GivenAnswer {
            status,
            headers: headers(self.response_headers),
            body: self.response_body.into(),
        };
        Forwarded {
            headers: headers(self.request_headers),
            duration: Duration::from_millis(self.duration_ms.into()),
            result: self.status.map(response).ok_or(none),
        }
    }
}

/// Those that can be headers.
fn headers(given: BTreeMap<String, String>) -> HeaderMap {
    let parsed = given
        .into_iter()
        .filter_map(|(name, value)| HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok()));
    parsed.collect()
}

/// What a connection is about.
struct Listening {
    api: Api,
    events: Vec<EventPattern>,
    outgoing: Outgoing,
}

impl Listening {
    fn wants(&self, event: &EventEntry) -> bool {
        self.events.is_empty() || self.events.iter().any(|pattern| pattern.matches(&event.event_type))
    }

    /// The request that tells an event, or why there is none.
    async fn request(&self, told: &EventEntry) -> Message {
        let EventEntry { id, event_type } = told;
        let skipped = |reason: &str| {
            let skipped = json!({"event_id": id, "event_type": event_type, "reason": reason});
            named("skipped", skipped.to_string())
        };
        let event = match self.api.engine().read(GetEvent { id: *id }).await {
            Ok(Some(found)) => found.event,
            Ok(None) => return skipped("it is gone from the log"),
            Err(_) => return skipped("the database does not answer"),
        };
        let made = match self.api.engine().rendered(&self.outgoing, &event) {
            Ok(made) => made,
            Err(unsendable) => return skipped(&unsendable.message),
        };
        let headers: BTreeMap<&str, &str> = made
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let body = String::from_utf8_lossy(&made.body);
        let request = json!({"event_id": id, "event_type": event_type, "headers": headers, "body": body});
        named("request", request.to_string()).id(id.to_string())
    }
}
