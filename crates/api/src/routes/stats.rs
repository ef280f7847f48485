//! Statistics of an outgoing webhook.

use axum::Json;
use axum::extract::State;
use domain::log::DeliveryStatus;
use domain::{Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use store::record::Answers;
use store::stats::{DeliveryStats, LastAttempt, Period, Stats, Window};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read};
use crate::extract::{Path, Query};
use crate::problem::Problem;

const HOUR_MINUTES: i64 = 60;
const DAY_MINUTES: i64 = 24 * HOUR_MINUTES;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(show))
}

/// The time that statistics are about.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
enum WindowName {
    /// This minute and the 59 before, by minutes.
    #[serde(rename = "1h")]
    Hour,
    /// Today and the 23 hours before this one, by hours.
    #[default]
    #[serde(rename = "24h")]
    Day,
    /// Today and the 6 days before, by days.
    #[serde(rename = "7d")]
    Week,
    /// Today and the 29 days before, by days.
    #[serde(rename = "30d")]
    Month,
}

impl From<WindowName> for Window {
    fn from(name: WindowName) -> Self {
        match name {
            WindowName::Hour => Window { period_minutes: 1, periods: 60 },
            WindowName::Day => Window { period_minutes: HOUR_MINUTES, periods: 24 },
            WindowName::Week => Window { period_minutes: DAY_MINUTES, periods: 7 },
            WindowName::Month => Window { period_minutes: DAY_MINUTES, periods: 30 },
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WindowParams {
    /// The time that is counted: the current minute and the 59 before it, the current hour and the 23 before it, or the current day and the 6 or 29 before it, in UTC.
    #[serde(default)]
    #[param(inline, default = "24h")]
    window: WindowName,
}

/// What became of the deliveries to an outgoing webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryStats)]
struct StatsView {
    /// Deliveries that were finished in this time or wait now: the sum of the next four.
    total_events: i64,
    /// Deliveries that wait for their first attempt, now.
    pending: i64,
    /// Deliveries that arrived.
    delivered: i64,
    /// Deliveries that were given up.
    failed: i64,
    /// Deliveries that wait for another attempt, now.
    retrying: i64,
    /// Attempts after the first.
    retry_attempts: i64,
    /// The share of finished deliveries that arrived, from 0 to 1; `null` if none was finished.
    #[schema(required = true, minimum = 0, maximum = 1, example = 0.985)]
    success_rate: Option<f64>,
    /// How long an attempt took, in milliseconds; `null` without attempts.
    #[schema(required = true)]
    average_response_ms: Option<i64>,
    /// How long the faster half of the attempts took at most, in milliseconds; `null` without attempts. At most 19 % off.
    #[schema(required = true)]
    p50_response_ms: Option<i64>,
    /// How long the fastest 95 of 100 attempts took at most, in milliseconds; `null` without attempts. At most 19 % off.
    #[schema(required = true)]
    p95_response_ms: Option<i64>,
    /// Attempts by what was answered.
    by_status: ByStatus,
    /// The last attempt, whenever that was; `null` if there was none.
    #[schema(required = true)]
    last_delivery: Option<LastView>,
    /// The minutes, hours or days, in order.
    series: Vec<PeriodView>,
}

/// Attempts by the class of the answer's status.
#[derive(Serialize, ToSchema)]
#[schema(as = AttemptsByStatus)]
struct ByStatus {
    /// Answered with success.
    #[serde(rename = "2xx")]
    success: i64,
    /// Answered with a redirect, which is not followed.
    #[serde(rename = "3xx")]
    redirect: i64,
    /// Refused by the receiver.
    #[serde(rename = "4xx")]
    refusal: i64,
    /// Failed at the receiver.
    #[serde(rename = "5xx")]
    failure: i64,
    /// Without an answer: nobody there, not in time, or not sent at all.
    none: i64,
}

/// The last attempt of a webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = LastDelivery)]
pub(super) struct LastView {
    /// How its delivery stood then.
    status: DeliveryStatus,
    /// When it began.
    at: Timestamp,
    /// The status of the answer; `null` if there was none.
    #[schema(required = true)]
    http_status: Option<i64>,
}

/// A minute, an hour or a day.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsPeriod)]
struct PeriodView {
    /// When it began.
    at: Timestamp,
    /// Deliveries that arrived.
    delivered: i64,
    /// Deliveries that were given up.
    failed: i64,
    /// How long an attempt took, in milliseconds; `null` without attempts.
    #[schema(required = true)]
    average_response_ms: Option<i64>,
    /// How long the faster half of the attempts took at most, likewise.
    #[schema(required = true)]
    p50_response_ms: Option<i64>,
    /// How long the fastest 95 of 100 attempts took at most, likewise.
    #[schema(required = true)]
    p95_response_ms: Option<i64>,
    /// Attempts by what was answered.
    by_status: ByStatus,
}

impl From<Stats> for StatsView {
    fn from(stats: Stats) -> Self {
        let Stats { delivered, failed, pending, retrying, .. } = stats;
        let finished = delivered + failed;
        // To four digits: more would be noise.
        let rate = (delivered as f64 / finished as f64 * 10_000.0).round() / 10_000.0;
        Self {
            total_events: finished + pending + retrying,
            pending,
            delivered,
            failed,
            retrying,
            retry_attempts: stats.retry_attempts,
            success_rate: (finished > 0).then_some(rate),
            average_response_ms: average(stats.duration_ms, stats.attempts),
            p50_response_ms: stats.p50_ms,
            p95_response_ms: stats.p95_ms,
            by_status: stats.answers.into(),
            last_delivery: stats.last.map(LastView::from),
            series: stats.series.iter().map(PeriodView::from).collect(),
        }
    }
}

impl From<LastAttempt> for LastView {
    fn from(LastAttempt { status, at, http_status }: LastAttempt) -> Self {
        Self { status, at, http_status }
    }
}

impl From<&Period> for PeriodView {
    fn from(period: &Period) -> Self {
        Self {
            at: period.at,
            delivered: period.delivered,
            failed: period.failed,
            average_response_ms: average(period.duration_ms, period.attempts),
            p50_response_ms: period.p50_ms,
            p95_response_ms: period.p95_ms,
            by_status: period.answers.into(),
        }
    }
}

impl From<Answers> for ByStatus {
    fn from(Answers { success, redirect, refusal, failure, none }: Answers) -> Self {
        Self { success, redirect, refusal, failure, none }
    }
}

/// The average of so many; `None` of none.
pub(super) fn average(duration_ms: i64, attempts: i64) -> Option<i64> {
    (attempts > 0).then(|| (duration_ms as f64 / attempts as f64).round() as i64)
}

/// Statistics of an outgoing webhook
#[utoipa::path(
    get, path = "/outgoing-webhooks/{id}/stats", tag = "Deliveries", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook."), WindowParams),
    responses((status = 200, description = "They.", body = StatsView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
    Query(WindowParams { window }): Query<WindowParams>,
) -> Result<Json<StatsView>, Problem> {
    if !api.configuration().await?.outgoing.contains_key(&webhook_id) {
        return Err(Problem::no_such("an outgoing webhook"));
    }
    let now = api.engine().now();
    let stats = api.engine().read(DeliveryStats { webhook_id, window: window.into(), now }).await?;
    Ok(Json(stats.into()))
}
