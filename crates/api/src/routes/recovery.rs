//! Many entries of a log at once, as tasks: requests run again, deliveries sent again or cancelled. Each says first, if asked,
//! how many that would be.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::log::{DeliveryStatus, FieldError, RequestStatus};
use domain::network::Network;
use domain::{DeliveryId, HttpStatuses, RequestId, Timestamp, WebhookId};
use engine::tasks::Job;
use serde::{Deserialize, Serialize};
use store::LogFilter;
use store::deliveries::DeliveriesOf;
use store::requests::RequestsOf;
use store::tasks::InsertTasks;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Create, Input, Path};
use crate::log::until_now;
use crate::once::OnceRequest;
use crate::problem::{Problem, ProblemBody};
use crate::routes::deliveries::{check_gets_deliveries, check_webhook};
use crate::routes::tasks::{self, TaskView};

/// The most ids of one selection.
const MAX_IDS: usize = 1_000;
/// The most that may be started in a second.
const MAX_RATE: u32 = 10_000;
/// What can be sent again.
const FINISHED: [DeliveryStatus; 3] =
    [DeliveryStatus::Delivered, DeliveryStatus::Failed, DeliveryStatus::Cancelled];
/// What did not arrive: of those that were cancelled, those whose webhook was deactivated.
const UNDELIVERED: [DeliveryStatus; 2] = [DeliveryStatus::Failed, DeliveryStatus::Cancelled];
/// What can be cancelled.
const OPEN: [DeliveryStatus; 2] = [DeliveryStatus::Pending, DeliveryStatus::Retrying];
/// What can be run again.
const LET_IN: [RequestStatus; 5] = [
    RequestStatus::Processed,
    RequestStatus::Accepted,
    RequestStatus::Ignored,
    RequestStatus::Failed,
    RequestStatus::Retrying,
];

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(retry_requests))
        .routes(routes!(retry_deliveries))
        .routes(routes!(cancel_deliveries))
        .routes(routes!(replay))
        .routes(routes!(recover))
}

/// One status, or several.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged)]
enum OneOrMore<T> {
    /// One.
    One(T),
    /// Several.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

/// Which requests to run again: those of a filter, or those of these ids.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestSelection {
    /// Only those of these statuses; without it, those that failed.
    #[serde(default)]
    status: Option<OneOrMore<RequestStatus>>,
    /// Only those from this address, or this network.
    #[serde(default)]
    sender_ip: Option<Network>,
    /// Only those of this kind of event.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    event_type: Option<String>,
    /// Only those received then or later.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Only those received before; now if not given.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Only those that contain this text.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    q: Option<String>,
    /// These, whatever their status.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<RequestId>>,
    /// Also the actions that were done.
    #[serde(default)]
    all: bool,
    /// The most to start in a second.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    per_second: Option<u32>,
    /// Only to say how many it would be.
    #[serde(default)]
    dry_run: bool,
}

impl Input for RequestSelection {
    fn check(&self) -> Vec<FieldError> {
        let has_filter = self.status.is_some()
            || self.sender_ip.is_some()
            || self.event_type.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.q.is_some();
        let mut errors = check(self.ids.as_ref().map(Vec::len), has_filter, self.per_second);
        let statuses = self.status.clone().map(OneOrMore::into_vec).unwrap_or_default();
        if statuses.contains(&RequestStatus::Rejected) {
            errors.push(fault("status", "what was rejected can't be run"));
        }
        errors
    }
}

impl RequestSelection {
    fn log(self, webhook_id: WebhookId, now: Timestamp) -> RequestsOf {
        let statuses = match &self.ids {
            Some(_) => LET_IN.to_vec(),
            None => self.status.map_or_else(|| vec![RequestStatus::Failed], OneOrMore::into_vec),
        };
        let filter = LogFilter {
            statuses,
            event_type: self.event_type,
            since: self.since,
            until: Some(self.until.unwrap_or(now)),
            contains: self.q,
            ids: self.ids,
        };
        RequestsOf { webhook_id, filter, sender: self.sender_ip, done: false }
    }
}

/// Which deliveries: those of a filter, or those of these ids.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeliverySelection {
    /// Only those of these statuses. Without it, to be sent again: those that failed, and those that were cancelled because
    /// the webhook was deactivated; to be cancelled: those that are not finished.
    #[serde(default)]
    status: Option<OneOrMore<DeliveryStatus>>,
    /// Only those of this kind of event.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    event_type: Option<String>,
    /// Only those made then or later.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Only those made before; now if not given.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Only those that contain this text.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    q: Option<String>,
    /// Only those with an attempt that was answered so: `503` or `5xx`.
    #[serde(default)]
    #[schema(max_items = 20)]
    http_status: Vec<HttpStatuses>,
    /// Only those with an attempt that failed for this reason.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64, example = "timeout")]
    error_code: Option<String>,
    /// These.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<DeliveryId>>,
    /// The most to send in a second; as fast as the destination takes them if not given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    per_second: Option<u32>,
    /// Only to say how many it would be.
    #[serde(default)]
    dry_run: bool,
}

impl Input for DeliverySelection {
    fn check(&self) -> Vec<FieldError> {
        let has_filter = self.status.is_some()
            || self.event_type.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.q.is_some()
            || !self.http_status.is_empty()
            || self.error_code.is_some();
        check(self.ids.as_ref().map(Vec::len), has_filter, self.per_second)
    }
}

impl DeliverySelection {
    /// Those that can be sent again, or those that can't.
    fn log(self, webhook_id: WebhookId, now: Timestamp, finished: bool) -> Result<DeliveriesOf, Problem> {
        let (possible, default, message) = match finished {
            true => (&FINISHED[..], UNDELIVERED.to_vec(), "only what is finished can be sent again"),
            false => (&OPEN[..], OPEN.to_vec(), "only what is not finished can be cancelled"),
        };
        let undelivered = finished && self.ids.is_none() && self.status.is_none();
        let statuses = match (&self.ids, self.status) {
            (Some(_), _) => possible.to_vec(),
            (None, Some(statuses)) => statuses.into_vec(),
            (None, None) => default,
        };
        if statuses.iter().any(|status| !possible.contains(status)) {
            return Err(Problem::field("status", message));
        }
        let filter = LogFilter {
            statuses,
            event_type: self.event_type,
            since: self.since,
            until: Some(self.until.unwrap_or(now)),
            contains: self.q,
            ids: self.ids,
        };
        Ok(DeliveriesOf {
            http_statuses: self.http_status,
            error_code: self.error_code,
            undelivered,
            ..deliveries(webhook_id, filter, finished)
        })
    }
}

fn deliveries(
    webhook_id: WebhookId,
    filter: LogFilter<DeliveryId, DeliveryStatus>,
    finished: bool,
) -> DeliveriesOf {
    let (http_statuses, error_code) = (Vec::new(), None);
    // What was sent to try a webhook is not sent again.
    DeliveriesOf {
        webhook_id,
        filter,
        test: Some(false),
        http_statuses,
        error_code,
        finished: Some(finished),
        undelivered: false,
    }
}

fn check(ids: Option<usize>, has_filter: bool, per_second: Option<u32>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if ids.is_some() && has_filter {
        errors.push(fault("ids", "can't be beside a filter"));
    }
    if ids.is_some_and(|ids| !(1..=MAX_IDS).contains(&ids)) {
        errors.push(fault("ids", "must be 1 to 1,000 ids"));
    }
    if per_second.is_some_and(|rate| !(1..=MAX_RATE).contains(&rate)) {
        errors.push(fault("per_second", "must be 1 to 10,000"));
    }
    errors
}

fn fault(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

/// How many a selection is.
#[derive(Serialize, ToSchema)]
struct SelectionSize {
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
/// Each as a retry by hand does, the oldest first, as a task that goes on after a restart. What is not finished is left alone, so
/// nothing is sent twice; receivers see the same `webhook-id`. `dry_run` says how many it would be.
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
    /// Those that did not arrive, or all that are finished.
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
}

impl Input for ReplayInput {}

/// Send the deliveries of a time again
///
/// Those that did not arrive, or all that are finished, as a task that goes on after a restart.
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
    let statuses = match input.status {
        ReplayStatus::Failed => UNDELIVERED.to_vec(),
        ReplayStatus::All => FINISHED.to_vec(),
    };
    let until = Some(input.until.unwrap_or(until_now(&api)));
    let filter = LogFilter { statuses, since: input.since, until, ..LogFilter::default() };
    let undelivered = input.status == ReplayStatus::Failed;
    let log = DeliveriesOf { undelivered, ..deliveries(webhook_id, filter, true) };
    send_again(&api, &caller, once, log, (input.per_second, input.dry_run)).await
}

async fn send_again(
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

async fn begin(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    job: Job,
    (total, dry_run): (i64, bool),
) -> Result<Response, Problem> {
    if dry_run {
        return Ok(Json(SelectionSize { total }).into_response());
    }
    let task = api.engine().task(&job, (total, 0));
    let view = TaskView::from(task.clone());
    let work = InsertTasks { tasks: vec![task], alone_among: job.alone_among() };
    tasks::begin(api, caller, once, work, view).await
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
        (status = 409, description = "Another task is at one of the logs.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn recover(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<RecoveryInput>,
) -> Result<Response, Problem> {
    let configuration = api.configuration().await?;
    let until = until_now(&api);
    let mut recovery = Recovery { total: 0, tasks: Vec::new() };
    let mut work = InsertTasks { tasks: Vec::new(), alone_among: &[] };
    for outgoing in configuration.outgoing.values().filter(|outgoing| outgoing.gets_deliveries()) {
        let filter = LogFilter {
            statuses: UNDELIVERED.to_vec(),
            since: Some(input.since),
            until: Some(until),
            ..LogFilter::default()
        };
        let log = DeliveriesOf { undelivered: true, ..deliveries(outgoing.webhook.id.clone(), filter, true) };
        let total = api.engine().count(&log).await?;
        if total == 0 {
            continue;
        }
        recovery.total += total;
        let job = Job::RetryDeliveries { log, per_second: input.per_second };
        work.alone_among = job.alone_among();
        work.tasks.push(api.engine().task(&job, (total, 0)));
    }
    if input.dry_run {
        return Ok(Json(recovery).into_response());
    }
    recovery.tasks = work.tasks.iter().cloned().map(TaskView::from).collect();
    tasks::begin(&api, &caller, once, work, recovery).await
}
