//! Long work: how far it has come. It is begun where the logs are.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::audit::{Act, TargetKind, Verb};
use domain::{Timestamp, WebhookId};
use engine::tasks::Job;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::look::Log;
use store::tasks::{Begun, CancelTask, GetTask, InsertTasks, ListTasks, TaskRow};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read, Write};
use crate::extract::{Path, Query};
use crate::log::Cleared;
use crate::once::{Answer, OnceRequest};
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(show, cancel))
}

/// Long work.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Task)]
pub struct TaskView {
    /// Unique.
    id: String,
    /// What kind of work: `retry_requests`, `clear_requests`, `retry_deliveries`, `cancel_deliveries`,
    /// `clear_deliveries` or `import_subscribers`.
    #[schema(example = "retry_requests")]
    kind: String,
    /// The webhook whose log it works on.
    #[schema(required = true)]
    webhook_id: Option<WebhookId>,
    /// `running`, `done` or `cancelled`.
    #[schema(example = "running")]
    state: String,
    /// How much there is to do.
    total: i64,
    /// How much of it is done, also without success.
    done: i64,
    /// How much of that without success.
    failed: i64,
    /// Why it ended before it was done, if it did by itself.
    #[schema(required = true)]
    detail: Option<String>,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it last came further.
    updated_at: Timestamp,
}

impl From<TaskRow> for TaskView {
    fn from(task: TaskRow) -> Self {
        let TaskRow {
            id, kind, webhook_id, state, total, done, failed, detail, created_at, updated_at, ..
        } = task;
        Self { id, kind, webhook_id, state, total, done, failed, detail, created_at, updated_at }
    }
}

/// Begins tasks, but those on whose log another is at work. `body` makes the answer of what has begun and what is at work.
///
/// # Errors
/// If none could begin, and those of the database.
pub async fn begin<B: Serialize>(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    work: InsertTasks,
    body: impl Fn(&Begun) -> B + Send + Sync + 'static,
) -> Result<Response, Problem> {
    let answer = move |begun: &Begun| match (&*begun.tasks, &*begun.running) {
        ([], [running, ..]) => Err(is_running(running)),
        _ => Answer::new(StatusCode::ACCEPTED, None, &body(begun)),
    };
    let act = |begun: &Begun| (!begun.tasks.is_empty()).then(|| started(&begun.tasks));
    let response = api.write_once(caller, once, api.noted(caller, work, act), answer).await;
    api.engine().wake_tasks();
    response
}

/// Begins a task, as [`begin`] does.
///
/// # Errors
/// The same.
pub async fn begin_one(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    task: TaskRow,
    job: &Job,
) -> Result<Response, Problem> {
    let view = TaskView::from(task.clone());
    let work = InsertTasks { tasks: vec![task], alone_among: job.alone_among() };
    begin(api, caller, once, work, move |_| view.clone()).await
}

/// What is told of tasks that begin together: what they are to do, of the first, and on which logs.
pub fn started(tasks: &[TaskRow]) -> Act {
    let act = Act::new(TargetKind::Task, Verb::Started);
    let Some(first) = tasks.first() else { return act };
    let webhooks: Vec<&WebhookId> = tasks.iter().filter_map(|task| task.webhook_id.as_ref()).collect();
    let params: Value = serde_json::from_str(&first.params).unwrap_or_default();
    let total: i64 = tasks.iter().map(|task| task.total).sum();
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    act.on(ids.join(" "))
        .named(&first.kind)
        .making(&json!({"webhooks": webhooks, "total": total, "what": params}))
}

fn is_running(task: &TaskRow) -> Problem {
    let id = &task.id;
    let detail =
        format!("The task {id} works on this log at the moment. Wait until it is done, or cancel it.");
    Problem::new(Code::Conflict, detail)
}

/// What is said of a log of which so much was cleared: the rest goes on as a task.
///
/// # Errors
/// Those of the database.
pub async fn cleared<L: Log>(
    api: &Api,
    deleted: u64,
    is_all: bool,
    log: &L,
    job: Job,
) -> Result<Response, Problem> {
    let deleted = i64::try_from(deleted).unwrap_or(i64::MAX);
    if is_all {
        return Ok(Json(Cleared { deleted }).into_response());
    }
    let rest = api.engine().count(log).await?;
    let task = api.engine().task(&job, (deleted.saturating_add(rest), deleted));
    let view = TaskView::from(task.clone());
    api.engine().write(InsertTasks { tasks: vec![task], alone_among: job.alone_among() }).await?;
    api.engine().wake_tasks();
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

/// Which tasks to show.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TaskParams {
    /// Only those that work on the log of this webhook.
    #[param(inline)]
    webhook_id: Option<WebhookId>,
    /// Only those of this kind.
    #[param(min_length = 1, max_length = 64, example = "retry_deliveries")]
    kind: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<TaskState>,
}

/// How a task stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TaskState {
    /// Not at its end.
    Running,
    /// At its end.
    Done,
    /// Ended before.
    Cancelled,
}

impl TaskState {
    fn name(self) -> &'static str {
        match self {
            Self::Running => store::tasks::RUNNING,
            Self::Done => store::tasks::DONE,
            Self::Cancelled => store::tasks::CANCELLED,
        }
    }
}

/// All tasks
#[utoipa::path(
    get, path = "/tasks", tag = "Tasks", security(("api_key" = ["read"])), params(PageParams, TaskParams),
    responses((status = 200, description = "A page of them, the newest first.", body = Page<TaskView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(params): Query<TaskParams>,
) -> Result<Json<Page<TaskView>>, Problem> {
    let before = match paging.after::<String>()? {
        Some(id) => api.engine().read(GetTask { id }).await?.map(|task| (task.created_at, task.id)),
        None => None,
    };
    let limit = paging.limit();
    let TaskParams { webhook_id, kind, state } = params;
    let state = state.map(|state| state.name().to_owned());
    let wanted = ListTasks { webhook_id, kind, state, before, limit: limit + 1 };
    let mut tasks = api.engine().read(wanted).await?;
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
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode, Problem> {
    let id = id.to_string();
    let Some(task) = api.engine().read(GetTask { id: id.clone() }).await? else {
        return Err(Problem::no_such("a task"));
    };
    let act = Act::new(TargetKind::Task, Verb::Cancelled).on(&id).named(task.kind);
    let now = api.engine().now();
    if api.engine().write(api.noted(&caller, CancelTask { id, now }, act.if_done())).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(Code::Conflict, "The task is not running any more."))
    }
}
