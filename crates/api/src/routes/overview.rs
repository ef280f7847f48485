//! The last 24 hours of many webhooks at once, for lists with a small curve beside each.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::{Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use store::request_stats::{HOUR_MS, LastRequests, RequestCounts, RequestStats};
use store::stats::{DeliveryCounts, HourlyDeliveries, LastAttempt, LastAttempts};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::stats::{LastView, average};
use crate::Api;
use crate::auth::{Caller, Read};
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// The hours that are counted, the current one among them.
const HOURS: i64 = 24;
/// The most webhooks of each direction in one answer: those of the largest page of a list.
const MAX_WEBHOOKS: usize = 200;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(overview)).routes(routes!(incoming))
}

/// Which webhooks to count.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OverviewParams {
    /// These incoming webhooks; without it the newest 200.
    #[param(style = Form, explode = false, max_items = 200)]
    incoming: Option<Vec<WebhookId>>,
    /// These outgoing webhooks; without it the newest 200.
    #[param(style = Form, explode = false, max_items = 200)]
    outgoing: Option<Vec<WebhookId>>,
}

/// The current hour and the 23 before it, of many webhooks.
#[derive(Serialize, ToSchema)]
struct Overview {
    /// When the first hour began; the others follow.
    since: Timestamp,
    /// Incoming webhooks, in the order in which they were asked for.
    incoming: Vec<IncomingStats>,
    /// Outgoing webhooks, likewise.
    outgoing: Vec<OutgoingStats>,
}

/// What came in to a webhook in the current hour and the 23 before it.
#[derive(Serialize, ToSchema)]
struct IncomingStats {
    /// The webhook.
    webhook_id: WebhookId,
    /// When the last request came in, if that was in the last 30 days; `null` if none did.
    #[schema(required = true)]
    last_received_at: Option<Timestamp>,
    /// The sums.
    #[serde(flatten)]
    sums: IncomingCounts,
    /// The 24 hours, in order.
    series: Vec<IncomingHour>,
}

/// Requests by what became of them.
#[derive(Serialize, ToSchema)]
struct IncomingCounts {
    /// Requests that came in and were logged.
    received: i64,
    /// Runs that went well. A request that is run again counts each time.
    processed: i64,
    /// Runs that had nothing to do.
    ignored: i64,
    /// Runs that failed.
    failed: i64,
    /// Requests that were not let in.
    rejected: i64,
}

/// Requests of an hour.
#[derive(Serialize, ToSchema)]
struct IncomingHour {
    /// When it began.
    at: Timestamp,
    #[serde(flatten)]
    counts: IncomingCounts,
}

/// What went out to a webhook in the current hour and the 23 before it.
#[derive(Serialize, ToSchema)]
struct OutgoingStats {
    /// The webhook.
    webhook_id: WebhookId,
    /// Whether nothing arrives now: attempts were made in this hour or the one before, and none succeeded.
    failing: bool,
    /// The last attempt, if that was in the last 30 days; `null` if there was none.
    #[schema(required = true)]
    last_delivery: Option<LastView>,
    /// The sums.
    #[serde(flatten)]
    sums: OutgoingCounts,
    /// The 24 hours, in order.
    series: Vec<OutgoingHour>,
}

/// Deliveries by what became of them.
#[derive(Serialize, ToSchema)]
struct OutgoingCounts {
    /// Deliveries that arrived.
    delivered: i64,
    /// Deliveries that were given up.
    failed: i64,
    /// Attempts.
    attempts: i64,
    /// How long they took on average, in milliseconds; `null` without attempts.
    #[schema(required = true)]
    average_response_ms: Option<i64>,
}

/// Deliveries of an hour.
#[derive(Serialize, ToSchema)]
struct OutgoingHour {
    /// When it began.
    at: Timestamp,
    #[serde(flatten)]
    counts: OutgoingCounts,
}

impl From<RequestCounts> for IncomingCounts {
    fn from(counts: RequestCounts) -> Self {
        let RequestCounts { received, processed, ignored, failed, rejected } = counts;
        Self { received, processed, ignored, failed, rejected }
    }
}

impl From<DeliveryCounts> for OutgoingCounts {
    fn from(counts: DeliveryCounts) -> Self {
        let DeliveryCounts { delivered, failed, attempts, duration_ms } = counts;
        Self { delivered, failed, attempts, average_response_ms: average(duration_ms, attempts) }
    }
}

/// The hours that are counted, each as its number since the Unix epoch.
fn hours(now: Timestamp) -> std::ops::RangeInclusive<i64> {
    let current = now.millis().div_euclid(HOUR_MS);
    current - HOURS + 1..=current
}

fn start(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour * HOUR_MS)
}

fn incoming_stats(
    webhook_id: WebhookId,
    now: Timestamp,
    counted: &BTreeMap<(WebhookId, i64), RequestCounts>,
    last: &BTreeMap<WebhookId, Timestamp>,
) -> IncomingStats {
    let of = |hour: i64| counted.get(&(webhook_id.clone(), hour)).copied().unwrap_or_default();
    let mut sums = RequestCounts::default();
    hours(now).for_each(|hour| sums += of(hour));
    let series = hours(now).map(|hour| IncomingHour { at: start(hour), counts: of(hour).into() }).collect();
    IncomingStats { last_received_at: last.get(&webhook_id).copied(), sums: sums.into(), series, webhook_id }
}

fn outgoing_stats(
    webhook_id: WebhookId,
    now: Timestamp,
    counted: &BTreeMap<(WebhookId, i64), DeliveryCounts>,
    last: Option<LastAttempt>,
) -> OutgoingStats {
    let of = |hour: i64| counted.get(&(webhook_id.clone(), hour)).copied().unwrap_or_default();
    let sum = |count: fn(&DeliveryCounts) -> i64| hours(now).map(|hour| count(&of(hour))).sum();
    let sums = DeliveryCounts {
        delivered: sum(|count| count.delivered),
        failed: sum(|count| count.failed),
        attempts: sum(|count| count.attempts),
        duration_ms: sum(|count| count.duration_ms),
    };
    let (before, current) = (of(*hours(now).end() - 1), of(*hours(now).end()));
    let failing = before.attempts + current.attempts > 0 && before.delivered + current.delivered == 0;
    let series = hours(now).map(|hour| OutgoingHour { at: start(hour), counts: of(hour).into() }).collect();
    OutgoingStats { failing, last_delivery: last.map(LastView::from), sums: sums.into(), series, webhook_id }
}

/// The webhooks that are asked for, or the newest.
fn chosen<'a>(
    asked: Option<Vec<WebhookId>>,
    all: impl Iterator<Item = (&'a WebhookId, Timestamp)>,
) -> Vec<WebhookId> {
    asked.unwrap_or_else(|| {
        let mut all: Vec<_> = all.collect();
        all.sort_by(|(a, made_a), (b, made_b)| made_b.cmp(made_a).then(b.cmp(a)));
        all.into_iter().take(MAX_WEBHOOKS).map(|(id, _)| id.clone()).collect()
    })
}

/// The last 24 hours of many webhooks
///
/// The current hour and the 23 before it, by hours, in UTC; for lists and for a page that shows how all is going. Webhooks that
/// are not known count nothing.
#[utoipa::path(
    get, path = "/stats", tag = "Deliveries", security(("api_key" = ["read"])), params(OverviewParams),
    responses((status = 200, description = "They.", body = Overview)),
)]
async fn overview(
    State(api): State<Api>,
    _: Caller<Read>,
    Query(OverviewParams { incoming, outgoing }): Query<OverviewParams>,
) -> Result<Json<Overview>, Problem> {
    let configuration = api.configuration().await?;
    let made = configuration.incoming.iter().map(|(id, one)| (id, one.webhook.created_at));
    let incoming = chosen(incoming, made);
    let made = configuration.outgoing.iter().map(|(id, one)| (id, one.webhook.created_at));
    let outgoing = chosen(outgoing, made);
    let now = api.engine().now();
    let since_hour = *hours(now).start();
    let requests = api.engine().read(RequestStats { webhooks: incoming.clone(), since_hour }).await?;
    let deliveries = api.engine().read(HourlyDeliveries { webhooks: outgoing.clone(), since_hour }).await?;
    let received = api.engine().read(LastRequests { webhooks: incoming.clone() }).await?;
    let mut tried = api.engine().read(LastAttempts { webhooks: outgoing.clone() }).await?;
    let of_outgoing = |id: WebhookId| {
        let last = tried.remove(&id);
        outgoing_stats(id, now, &deliveries, last)
    };
    Ok(Json(Overview {
        since: start(since_hour),
        incoming: incoming.into_iter().map(|id| incoming_stats(id, now, &requests, &received)).collect(),
        outgoing: outgoing.into_iter().map(of_outgoing).collect(),
    }))
}

/// Statistics of an incoming webhook
///
/// The current hour and the 23 before it, by hours, in UTC.
#[utoipa::path(
    get, path = "/incoming-webhooks/{id}/stats", tag = "Requests", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    responses((status = 200, description = "They.", body = IncomingStats)),
)]
async fn incoming(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
) -> Result<Json<IncomingStats>, Problem> {
    if !api.configuration().await?.incoming.contains_key(&webhook_id) {
        return Err(Problem::no_such("an incoming webhook"));
    }
    let now = api.engine().now();
    let work = RequestStats { webhooks: vec![webhook_id.clone()], since_hour: *hours(now).start() };
    let counted = api.engine().read(work).await?;
    let last = api.engine().read(LastRequests { webhooks: vec![webhook_id.clone()] }).await?;
    Ok(Json(incoming_stats(webhook_id, now, &counted, &last)))
}
