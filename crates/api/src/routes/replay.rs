//! What did not arrive in a time, sent again: to one outgoing webhook, or to all of them.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::{Timestamp, WebhookId};
use engine::missed::MissedBy;
use engine::tasks::Job;
use engine::undelivered;
use serde::{Deserialize, Serialize};
use store::LogFilter;
use store::tasks::Begun;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::recovery::{SelectionSize, begin, send_again};
use super::selection::{FINISHED, deliveries};
use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Create, Input, Path};
use crate::log::until_now;
use crate::once::OnceRequest;
use crate::problem::Problem;
use crate::problem::ProblemBody;
use crate::routes::deliveries::{check_gets_deliveries, check_webhook};
use crate::routes::tasks::{self, TaskView};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(replay)).routes(routes!(recover))
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
    /// Those that did not arrive, all that are finished, or the events that the webhook never got.
    #[serde(default)]
    status: ReplayStatus,
    /// The most to send in a second; as fast as the destination takes them if not given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    per_second: Option<u32>,
    /// Only to say how many it would be.
    #[serde(default)]
    dry_run: bool,
}

/// Which finished deliveries are sent again.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReplayStatus {
    /// Those that failed, and those that were cancelled because the webhook was deactivated.
    #[default]
    Failed,
    /// All of them.
    All,
    /// Events that the webhook never got, because it was made later, was inactive, did not subscribe to them or filtered them out,
    /// and would get today. A webhook gets each event once.
    Missed,
}

impl Input for ReplayInput {}

/// Send the deliveries of a time again
///
/// Those that did not arrive, all that are finished, or the events that the webhook never got, as a task that goes on after a
/// restart. Of events from before its log was cleared or ended, only those count as never got that are known to be.
#[utoipa::path(
    post, path = "/outgoing-webhooks/{id}/replay", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    request_body = ReplayInput,
    responses(
        (status = 200, description = "How many it would be.", body = SelectionSize),
        (status = 202, description = "The task.", body = TaskView),
        (status = 409, description = "Another task is at it, or the webhook gets no deliveries.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn replay(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Create { input, once }: Create<ReplayInput>,
) -> Result<Response, Problem> {
    let (since, until) = (input.since, input.until.unwrap_or(until_now(&api)));
    let how = (input.per_second, input.dry_run);
    let log = match input.status {
        ReplayStatus::Failed => undelivered(webhook_id, since, until),
        ReplayStatus::All => {
            let filter =
                LogFilter { statuses: FINISHED.to_vec(), since, until: Some(until), ..LogFilter::default() };
            deliveries(webhook_id, filter, Some(true))
        }
        ReplayStatus::Missed => {
            let missed = MissedBy { webhook_id, since, until: Some(until) };
            return send_missed(&api, &caller, once, missed, how).await;
        }
    };
    send_again(&api, &caller, once, log, how).await
}

async fn send_missed(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    missed: MissedBy,
    (per_second, dry_run): (Option<u32>, bool),
) -> Result<Response, Problem> {
    check_webhook(api, &missed.webhook_id).await?;
    check_gets_deliveries(api, &missed.webhook_id).await?;
    let Some(total) = api.engine().count_missed(&missed).await? else {
        return Err(Problem::field(
            "since",
            "there are too many events to look through: send a shorter time",
        ));
    };
    begin(api, caller, once, Job::SendMissed { missed, per_second }, (total, dry_run)).await
}

/// Since when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecoveryInput {
    /// Only what was made then or later.
    since: Timestamp,
    /// The most to send in a second to each destination; as fast as it takes them if not given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    per_second: Option<u32>,
    /// Only to say how many it would be.
    #[serde(default)]
    dry_run: bool,
}

impl Input for RecoveryInput {}

/// What a recovery comes to.
#[derive(Serialize, ToSchema)]
struct Recovery {
    /// How many deliveries.
    total: i64,
    /// The tasks, one for each webhook; none with `dry_run`.
    tasks: Vec<TaskView>,
    /// The webhooks that were left out, for another task is at work on their log: recover again when it is done.
    left_out: Vec<LeftOut>,
}

/// A webhook to which nothing is sent again.
#[derive(Serialize, ToSchema)]
struct LeftOut {
    /// The webhook.
    webhook_id: WebhookId,
    /// The task that is at work on its log.
    task_id: String,
}

impl Recovery {
    fn of(begun: &Begun) -> Self {
        let left_out = begun.running.iter().filter_map(|task| {
            Some(LeftOut { webhook_id: task.webhook_id.clone()?, task_id: task.id.clone() })
        });
        Self {
            total: begun.tasks.iter().map(|task| task.total).sum(),
            tasks: begun.tasks.iter().cloned().map(TaskView::from).collect(),
            left_out: left_out.collect(),
        }
    }
}

/// Send everything again that failed since a time
///
/// And what was cancelled because its webhook was deactivated. To all outgoing webhooks that get deliveries, as a task for each: after an outage of the network, or of this server's own.
#[utoipa::path(
    post, path = "/deliveries/recover", tag = "Deliveries", security(("api_key" = ["write"])),
    request_body = RecoveryInput,
    responses(
        (status = 200, description = "How many it would be.", body = Recovery),
        (status = 202, description = "The tasks.", body = Recovery),
        (status = 409, description = "Other tasks are at all of the logs.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn recover(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<RecoveryInput>,
) -> Result<Response, Problem> {
    let work = api.engine().recovery(input.since, until_now(&api), input.per_second).await?;
    if input.dry_run {
        let total = work.tasks.iter().map(|task| task.total).sum();
        return Ok(Json(Recovery { total, tasks: Vec::new(), left_out: Vec::new() }).into_response());
    }
    tasks::begin(&api, &caller, once, work, Recovery::of).await
}
