//! The feed: what happens, live, as server-sent events (HTML Living Standard, section 9.2).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::{EventPattern, EventType, WebhookId};
use engine::feed::{Entry, Listener, Told};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Sleep;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read};
use crate::extract::Query;
use crate::problem::{Code, Problem};

/// How often a quiet connection says that it is there: proxies close those that say nothing for 30 s or more.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a connection may last. The client comes again and shows its key again, so one that was revoked does not listen on.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long a client is asked to wait before it comes again.
const RECONNECT: Duration = Duration::from_secs(2);
/// What tells nginx, and proxies that took that over from it, not to hold back what is sent.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(feed))
}

/// Which entries are wanted: all, if nothing is given.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FeedParams {
    /// Requests to these incoming webhooks. Deliveries then show only if `outgoing` is given, too.
    #[serde(default)]
    #[param(style = Form, explode = false, max_items = 200)]
    incoming: Vec<WebhookId>,
    /// Deliveries to these outgoing webhooks. Requests then show only if `incoming` is given, too.
    #[serde(default)]
    #[param(style = Form, explode = false, max_items = 200)]
    outgoing: Vec<WebhookId>,
    /// Only these kinds of events: `subscriber_added,email_*`.
    #[serde(default)]
    #[param(style = Form, explode = false, max_items = 100)]
    events: Vec<EventPattern>,
    /// Only those of one of these statuses: `failed,rejected`.
    #[serde(default)]
    #[param(inline, style = Form, explode = false, max_items = 10)]
    status: Vec<FeedStatus>,
}

/// How a request or a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FeedStatus {
    Processed,
    Accepted,
    Ignored,
    Rejected,
    Pending,
    Delivered,
    Cancelled,
    Retrying,
    Failed,
}

impl FeedStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Accepted => "accepted",
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
        }
    }
}

impl FeedParams {
    fn takes(&self, entry: &Entry) -> bool {
        let takes_all = self.incoming.is_empty() && self.outgoing.is_empty();
        let (webhook_id, webhooks, event_type, status) = match entry {
            // Those are told to `listen`; here the requests and deliveries around them show.
            Entry::Event(_) => return false,
            Entry::Request(entry) => {
                (&entry.webhook_id, &self.incoming, entry.event_type.as_str(), entry.status.as_str())
            }
            Entry::Delivery(entry) => {
                (&entry.webhook_id, &self.outgoing, entry.event_type.as_str(), entry.status.as_str())
            }
            // It has no status: who asks for one does not want it.
            Entry::Health(entry) => (&entry.webhook_id, &self.outgoing, entry.event_type.as_str(), ""),
        };
        (takes_all || webhooks.contains(webhook_id))
            && (self.events.is_empty() || self.events.iter().any(|pattern| matches(pattern, event_type)))
            && (self.status.is_empty() || self.status.iter().any(|wanted| wanted.as_str() == status))
    }
}

/// A sender may name an event as no kind of event is named; then it is among all, and nothing else.
fn matches(pattern: &EventPattern, name: &str) -> bool {
    match name.parse::<EventType>() {
        Ok(event_type) => pattern.matches(&event_type),
        Err(_) => pattern.to_string() == "*",
    }
}

/// What happens, live
///
/// Server-sent events: `hello` at first, then a `request` for each request that came in or was run again, and a `delivery` for
/// each attempt to deliver, once they are in the log, and a `health` when it is told that the destination of an outgoing webhook fails, has
/// recovered, or that the webhook was deactivated. A listener that reads too slowly misses some, and is told how many by
/// `lagged`. Nothing is sent again: what happened while nobody was connected is in the logs, and `hello` says `resumed` to one
/// who came back. A comment every 15 seconds keeps the connection open. It ends after 10 minutes: come again.
#[utoipa::path(
    get, path = "/feed", tag = "Deliveries", security(("api_key" = ["read"])),
    params(FeedParams),
    responses((status = 200, description = "The events, as they happen.", body = String, content_type = "text/event-stream")),
)]
async fn feed(
    State(api): State<Api>,
    _: Caller<Read>,
    Query(wanted): Query<FeedParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let resumed = headers.contains_key("last-event-id");
    live(&api, resumed, move |entry| std::future::ready(wanted.takes(&entry).then(|| message(&entry))))
}

/// The answer to one who listens from now on: `hello`, then what `message` makes of the entries that it wants.
pub(super) fn live<F>(
    api: &Api,
    resumed: bool,
    message: impl Fn(Arc<Entry>) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    F: Future<Output = Option<Message>> + Send + 'static,
{
    let listener = api.engine().listen().map_err(|error| {
        let detail = format!("{error}: close another connection to the feed first.");
        Problem::new(Code::Unavailable, detail)
    })?;
    let hello = json!({"at": api.engine().now(), "resumed": resumed});
    let hello = Some(named("hello", hello.to_string()).retry(RECONNECT));
    let live = Live { hello, listener, message, end: Box::pin(tokio::time::sleep(LIFETIME)) };
    let messages = stream::unfold(live, |mut live| async move {
        let message = live.next().await?;
        Some((Ok::<_, Infallible>(message), live))
    });
    let messages = Sse::new(messages).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    // Proxies are to hand on what comes as it comes.
    Ok(([(NO_BUFFERING, HeaderValue::from_static("no"))], messages).into_response())
}

pub(super) fn named(name: &str, data: String) -> Message {
    Message::default().event(name).data(data)
}

/// A connection to the feed.
struct Live<M> {
    hello: Option<Message>,
    listener: Listener,
    message: M,
    end: Pin<Box<Sleep>>,
}

impl<F: Future<Output = Option<Message>>, M: Fn(Arc<Entry>) -> F> Live<M> {
    async fn next(&mut self) -> Option<Message> {
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        loop {
            let told = tokio::select! {
                told = self.listener.next() => told?,
                () = &mut self.end => return None,
            };
            match told {
                Told::Missed(missed) => return Some(named("lagged", json!({"missed": missed}).to_string())),
                Told::Entry(entry) => {
                    if let Some(message) = (self.message)(entry).await {
                        return Some(message);
                    }
                }
            }
        }
    }
}

fn message(entry: &Entry) -> Message {
    let (name, id) = match entry {
        Entry::Request(entry) => ("request", entry.id.to_string()),
        Entry::Delivery(entry) => ("delivery", entry.id.to_string()),
        Entry::Health(entry) => ("health", entry.id.to_string()),
        Entry::Event(entry) => ("event", entry.id.to_string()),
    };
    // Texts and numbers always have a JSON form.
    named(name, serde_json::to_string(entry).unwrap_or_default()).id(id)
}
