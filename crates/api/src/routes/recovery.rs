//! Many entries of a log at once, as tasks: requests run again, deliveries sent again or cancelled. Each says first, if asked,
//! how many that would be.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::WebhookId;
use engine::tasks::Job;
use serde::Serialize;
use store::deliveries::DeliveriesOf;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::replay;
use super::selection::{DeliverySelection, RequestSelection};
use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Create, Path};
use crate::log::until_now;
use crate::once::OnceRequest;
use crate::problem::{Problem, ProblemBody};
use crate::routes::deliveries::{check_gets_deliveries, check_webhook};
use crate::routes::tasks::{self, TaskView};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(retry_requests))
        .routes(routes!(retry_deliveries))
        .routes(routes!(cancel_deliveries))
        .merge(replay::routes())
}

/// How many a selection is.
#[derive(Serialize, ToSchema)]
pub(super) struct SelectionSize {
    /// How many.
    total: i64,
}

/// Run a selection of requests again
///
/// Each as a retry by hand does, the oldest first, as a task that goes on after a restart. `dry_run` says how many it would be.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/requests/retry", tag = "Requests", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    request_body = RequestSelection,
    responses(
        (status = 200, description = "How many it would be.", body = SelectionSize),
        (status = 202, description = "The task.", body = TaskView),
        (status = 409, description = "Another task is at it.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn retry_requests(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Create { input, once }: Create<RequestSelection>,
) -> Result<Response, Problem> {
    if !api.configuration().await?.incoming.contains_key(&webhook_id) {
        return Err(Problem::no_such("an incoming webhook"));
    }
    let (all, per_second, dry_run) = (input.all, input.per_second, input.dry_run);
    let log = input.log(webhook_id, until_now(&api));
    let total = api.engine().count(&log).await?;
    begin(&api, &caller, once, Job::RetryRequests { log, all, per_second }, (total, dry_run)).await
}

/// Send a selection of deliveries again
///
/// Each as a retry by hand does, the oldest first, as a task that goes on after a restart. What is about to be sent is left alone,
/// so nothing is sent twice; receivers see the same `webhook-id`. `dry_run` says how many it would be.
#[utoipa::path(
    post, path = "/outgoing-webhooks/{id}/deliveries/retry", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    request_body = DeliverySelection,
    responses(
        (status = 200, description = "How many it would be.", body = SelectionSize),
        (status = 202, description = "The task.", body = TaskView),
        (status = 409, description = "Another task is at it, or the webhook gets no deliveries.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn retry_deliveries(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Create { input, once }: Create<DeliverySelection>,
) -> Result<Response, Problem> {
    let (per_second, dry_run) = (input.per_second, input.dry_run);
    let log = input.log(webhook_id, until_now(&api), true)?;
    send_again(&api, &caller, once, log, (per_second, dry_run)).await
}

/// Cancel a selection of deliveries
///
/// Those that are not finished, as a task. One that is under way at this moment is not stopped. Other nodes may send what they
/// have in memory: pause the webhook before, and they have nothing.
#[utoipa::path(
    post, path = "/outgoing-webhooks/{id}/deliveries/cancel", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    request_body = DeliverySelection,
    responses(
        (status = 200, description = "How many it would be.", body = SelectionSize),
        (status = 202, description = "The task.", body = TaskView),
        (status = 409, description = "Another task is at it.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn cancel_deliveries(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Create { input, once }: Create<DeliverySelection>,
) -> Result<Response, Problem> {
    check_webhook(&api, &webhook_id).await?;
    if input.per_second.is_some() {
        return Err(Problem::field("per_second", "is not for cancelling, which is as fast as it can be"));
    }
    let dry_run = input.dry_run;
    let log = DeliveriesOf { test: None, ..input.log(webhook_id, until_now(&api), false)? };
    let total = api.engine().count(&log).await?;
    begin(&api, &caller, once, Job::CancelDeliveries { log }, (total, dry_run)).await
}

/// Begins to send these again, or says how many they are.
pub(super) async fn send_again(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    log: DeliveriesOf,
    (per_second, dry_run): (Option<u32>, bool),
) -> Result<Response, Problem> {
    check_webhook(api, &log.webhook_id).await?;
    check_gets_deliveries(api, &log.webhook_id).await?;
    let total = api.engine().count(&log).await?;
    begin(api, caller, once, Job::RetryDeliveries { log, per_second }, (total, dry_run)).await
}

/// Begins a task on so many entries, or says how many they are.
pub(super) async fn begin(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    job: Job,
    (total, dry_run): (i64, bool),
) -> Result<Response, Problem> {
    if dry_run {
        return Ok(Json(SelectionSize { total }).into_response());
    }
    tasks::begin_one(api, caller, once, api.engine().task(&job, (total, 0)), &job).await
}
