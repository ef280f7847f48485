//! Long work: retrying a selection of the log, and how far it has come.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::log::{FieldError, RequestStatus};
use domain::{RequestId, Timestamp, WebhookId};
use engine::tasks::{RETRY_REQUESTS, RetryRequests};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::requests::{CountRequests, RequestsById};
use store::tasks::{CancelTask, GetTask, ListTasks, TaskRow};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read, Write};
use crate::extract::{Body, Input, Path};
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};

/// The most ids of one selection.
const MAX_IDS: usize = 1_000;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(retry_requests))
        .routes(routes!(list))
        .routes(routes!(show, cancel))
}

/// Which requests to run again: those of a filter, or those of these ids.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SelectionInput {
    /// Only those of this status; without it, those that failed.
    #[serde(default)]
    status: Option<RequestStatus>,
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

impl Input for SelectionInput {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            errors.push(FieldError { field: field.into(), message: message.into() })
        };
        let has_filter = self.status.is_some()
            || self.event_type.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.q.is_some();
        if self.ids.is_some() && has_filter {
            wrong("ids", "can't be beside a filter");
        }
        if self.ids.as_ref().is_some_and(|ids| ids.is_empty() || ids.len() > MAX_IDS) {
            wrong("ids", "must be 1 to 1,000 ids");
        }
        if self.status == Some(RequestStatus::Rejected) {
            wrong("status", "what was rejected can't be run");
        }
        if self.per_second.is_some_and(|rate| !(1..=10_000).contains(&rate)) {
            wrong("per_second", "must be 1 to 10000");
        }
        errors
    }
}

/// How many a selection is.
#[derive(Serialize, ToSchema)]
struct SelectionSize {
    /// How many.
    total: i64,
}

/// Long work.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
struct TaskView {
    /// Unique.
    id: String,
    /// What kind of work.
    #[schema(example = "retry_requests")]
    kind: String,
    /// `running`, `done` or `cancelled`.
    #[schema(example = "running")]
    state: String,
    /// How much there is to do.
    total: i64,
    /// How much of it is done, also without success.
    done: i64,
    /// How much of that without success.
    failed: i64,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it last came further.
    updated_at: Timestamp,
}

impl From<TaskRow> for TaskView {
    fn from(task: TaskRow) -> Self {
        let TaskRow { id, kind, state, total, done, failed, created_at, updated_at, .. } = task;
        Self { id, kind, state, total, done, failed, created_at, updated_at }
    }
}

/// Run a selection of requests again
///
/// Each as a retry by hand does, the oldest first, as a task that goes on after a restart. `dry_run` says how many it would be.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/requests/retry", tag = "Requests", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    request_body = SelectionInput,
    responses(
        (status = 200, description = "How many it would be.", body = SelectionSize),
        (status = 202, description = "The task.", body = TaskView),
    ),
)]
async fn retry_requests(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Body(input): Body<SelectionInput>,
) -> Result<Response, Problem> {
    if !api.configuration().await?.incoming.contains_key(&webhook_id) {
        return Err(Problem::no_such("an incoming webhook"));
    }
    let wanted = RetryRequests {
        webhook_id: webhook_id.clone(),
        status: input.status.or(Some(RequestStatus::Failed)),
        event_type: input.event_type,
        since: input.since,
        // Those that come in from now on are not meant.
        until: input.until.unwrap_or(api.engine().now().plus_millis(1)),
        q: input.q,
        ids: input.ids,
        all: input.all,
        per_second: input.per_second,
    };
    let total = match &wanted.ids {
        Some(ids) => {
            let known = api.engine().read(RequestsById { webhook_id, ids: ids.clone() }).await?;
            i64::try_from(known.len()).unwrap_or(i64::MAX)
        }
        None => api.engine().read(CountRequests { webhook_id, filter: wanted.filter() }).await?,
    };
    if input.dry_run {
        return Ok(Json(SelectionSize { total }).into_response());
    }
    let task = api.engine().begin(RETRY_REQUESTS, &wanted, total).await?;
    Ok((StatusCode::ACCEPTED, Json(TaskView::from(task))).into_response())
}

/// All tasks
#[utoipa::path(
    get, path = "/tasks", tag = "Tasks", security(("api_key" = ["read"])), params(PageParams),
    responses((status = 200, description = "A page of them, the newest first.", body = Page<TaskView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
) -> Result<Json<Page<TaskView>>, Problem> {
    let before = match paging.after::<String>()? {
        Some(id) => api.engine().read(GetTask { id }).await?.map(|task| (task.created_at, task.id)),
        None => None,
    };
    let limit = paging.limit();
    let mut tasks = api.engine().read(ListTasks { before, limit: limit + 1 }).await?;
    let more = tasks.len() > limit;
    tasks.truncate(limit);
    let slice = store::Slice { entries: tasks, more };
    Ok(Json(Page::of(slice, |task| task.id.clone()).map(TaskView::from)))
}

/// One task
#[utoipa::path(
    get, path = "/tasks/{id}", tag = "Tasks", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 200, description = "How far it has come.", body = TaskView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<WebhookId>,
) -> Result<Json<TaskView>, Problem> {
    let found = api.engine().read(GetTask { id: id.to_string() }).await?;
    found.map(|task| Json(task.into())).ok_or_else(|| Problem::no_such("a task"))
}

/// Cancel a task
///
/// What is done is done.
#[utoipa::path(
    delete, path = "/tasks/{id}", tag = "Tasks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses(
        (status = 204, description = "It is cancelled."),
        (status = 409, description = "It was not running any more.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn cancel(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode, Problem> {
    let id = id.to_string();
    if api.engine().read(GetTask { id: id.clone() }).await?.is_none() {
        return Err(Problem::no_such("a task"));
    }
    let now = api.engine().now();
    if api.engine().write(CancelTask { id, now }).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(Code::Conflict, "The task is not running any more."))
    }
}
