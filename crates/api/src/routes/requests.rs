//! The log of an incoming webhook: what came in, and what became of it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::audit::{Act, TargetKind, Verb};
use domain::incoming::WebhookStatus;
use domain::log::{FieldError, RequestStatus};
use domain::network::Network;
use domain::{RequestId, WebhookId};
use engine::tasks::Job;
use engine::{Executed, Searched};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use store::commit::RequestRow;
use store::look::{Order, Piece};
use store::once::OnceOutcome;
use store::recovery::ClearRequests;
use store::requests::{GetRequest, RequestsById, RequestsOf};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read, Write};
use crate::export::{EXPORT_PAGE, ExportParams, export};
use crate::extract::{Create, Input, Path, Query};
use crate::log::{CLEAR_CHUNK, ClearParams, Cleared, LogPage, LogParams, until_now};
use crate::once::{replayed, reused};
use crate::page::{PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::routes::request_view::RequestView;
use crate::routes::tasks::{self, TaskView};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, clear))
        .routes(routes!(download))
        .routes(routes!(show))
        .routes(routes!(retry))
        .routes(routes!(resend))
}

/// Which requests are meant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RequestParams {
    /// Only those of one of these statuses: `failed,rejected`.
    #[serde(default)]
    #[param(style = Form, explode = false)]
    status: Vec<RequestStatus>,
    /// Only those from this address, or this network: `203.0.113.0/24`.
    #[param(inline)]
    sender_ip: Option<Network>,
}

impl RequestParams {
    fn log(self, webhook_id: WebhookId, params: LogParams) -> RequestsOf {
        RequestsOf { webhook_id, filter: params.filter(self.status), sender: self.sender_ip, done: false }
    }
}

/// The log of an incoming webhook
///
/// A page may end early, even without an entry, where little of a long log is wanted: see `searched_until`.
#[utoipa::path(
    get, path = "/incoming-webhooks/{id}/requests", tag = "Requests", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook."), PageParams, RequestParams, LogParams),
    responses((status = 200, description = "A page of its requests. Large ones make it shorter.", body = LogPage<RequestView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
    paging: Paging,
    Query(own): Query<RequestParams>,
    Query(params): Query<LogParams>,
) -> Result<Json<LogPage<RequestView>>, Problem> {
    check_webhook(&api, &webhook_id).await?;
    let log = own.log(webhook_id, params);
    let (searched, requests) = page(&api, &log, paging.after()?, paging.limit()).await?;
    Ok(Json(LogPage::new(&searched, requests, RequestId::made_at)))
}

async fn page(
    api: &Api,
    log: &RequestsOf,
    behind: Option<RequestId>,
    limit: usize,
) -> Result<(Searched<RequestId>, Vec<RequestView>), Problem> {
    let searched = api.engine().search(log, behind, limit).await?;
    let by_id = RequestsById { webhook_id: log.webhook_id.clone(), ids: searched.ids.clone() };
    let mut rows = api.engine().read(by_id).await?;
    // They come the oldest first.
    rows.reverse();
    Ok((searched, RequestView::of(api, rows).await?))
}

/// Clear the log of an incoming webhook
///
/// All of it, or what the filter takes: what is older than a moment by `until`. What is not done yet stays, and what comes in
/// meanwhile. Much of it goes on as a task.
#[utoipa::path(
    delete, path = "/incoming-webhooks/{id}/requests", tag = "Requests", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook."), ClearParams, RequestParams, LogParams),
    responses(
        (status = 200, description = "It is gone.", body = Cleared),
        (status = 202, description = "The task that goes on with it.", body = TaskView),
    ),
)]
async fn clear(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(webhook_id): Path<WebhookId>,
    Query(ClearParams { dry_run }): Query<ClearParams>,
    Query(own): Query<RequestParams>,
    Query(params): Query<LogParams>,
) -> Result<Response, Problem> {
    check_webhook(&api, &webhook_id).await?;
    let act = log_act(&webhook_id, Verb::LogCleared);
    let mut log = RequestsOf { done: true, ..own.log(webhook_id, params) };
    log.filter.until.get_or_insert(until_now(&api));
    if dry_run {
        return Ok(Json(Cleared { deleted: api.engine().count(&log).await? }).into_response());
    }
    let piece = |from| Piece { from, order: Order::OldestFirst, limit: CLEAR_CHUNK, rows: CLEAR_CHUNK };
    let clear = |from: Option<_>| {
        let (act, is_first) = (act.clone(), from.is_none());
        let work = ClearRequests { log: log.clone(), piece: piece(from) };
        api.noted(&caller, work, move |_| is_first.then(|| act.clone()))
    };
    let (deleted, is_all) = api.engine().at_once(clear).await?;
    tasks::cleared(&api, deleted, is_all, &log.clone(), Job::ClearRequests { log }).await
}

/// The log of an incoming webhook as a file
#[utoipa::path(
    get, path = "/incoming-webhooks/{id}/requests/export", tag = "Requests", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook."), ExportParams, RequestParams, LogParams),
    responses((status = 200, description = "All of it, newest first.",
        content((String = "application/x-ndjson"), (String = "text/csv")))),
)]
async fn download(
    State(api): State<Api>,
    caller: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
    Query(ExportParams { format }): Query<ExportParams>,
    Query(own): Query<RequestParams>,
    Query(params): Query<LogParams>,
) -> Result<Response, Problem> {
    check_webhook(&api, &webhook_id).await?;
    api.note(&caller, log_act(&webhook_id, Verb::LogExported)).await?;
    let name = format!("requests-{webhook_id}");
    let log = own.log(webhook_id, params);
    export(&name, format, move |behind: Option<RequestId>| {
        let (api, log) = (api.clone(), log.clone());
        async move {
            let (searched, requests) = page(&api, &log, behind, EXPORT_PAGE).await?;
            Ok((requests, searched.next))
        }
    })
    .await
}

fn log_act(webhook_id: &WebhookId, verb: Verb) -> Act {
    Act::new(TargetKind::IncomingWebhook, verb).on(webhook_id)
}

/// One request
#[utoipa::path(
    get, path = "/requests/{id}", tag = "Requests", security(("api_key" = ["read"])),
    params(("id" = RequestId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = RequestView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<RequestId>,
) -> Result<Json<RequestView>, Problem> {
    let row = find(&api, id).await?;
    Ok(Json(RequestView::of_one(&api, row).await?))
}

/// What of a request to run again.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HowToRetry {
    /// Also the actions that were done. Those of a request that did not fail are run again in any case.
    #[serde(default)]
    #[param(default = false)]
    all: bool,
}

/// Run a request again
///
/// Runs the stored payload through today's configuration: of a request that failed, the actions that were not done. One that
/// was rejected can't be run: it did not prove where it came from.
#[utoipa::path(
    post, path = "/requests/{id}/retry", tag = "Requests", security(("api_key" = ["write"])),
    params(("id" = RequestId, Path, description = "Which."), HowToRetry),
    responses(
        (status = 200, description = "It, as it is now.", body = RequestView),
        (status = 409, description = "It was rejected, or a handshake, or its webhook was deleted.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn retry(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<RequestId>,
    Query(how): Query<HowToRetry>,
) -> Result<Json<RequestView>, Problem> {
    let row = find(&api, id).await?;
    if row.status == RequestStatus::Rejected {
        return Err(Problem::new(Code::Conflict, "The request was rejected, and can't be run."));
    }
    if engine::is_handshake(&row) {
        return Err(Problem::new(
            Code::Conflict,
            "The request was a handshake: there is nothing in it to act upon.",
        ));
    }
    match api.engine().retry(row, how.all, caller.actor()).await? {
        Executed::Rerun(row) => Ok(Json(RequestView::of_one(&api, row).await?)),
        _ => Err(Problem::new(Code::Conflict, "The webhook of this request was deleted.")),
    }
}

/// An edited payload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResendInput {
    /// What to take in instead of the stored payload, which is taken if this is not given.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    payload: Option<Value>,
}

impl Input for ResendInput {}

/// Send a request again with an edited payload
///
/// Takes it in as a new request of the same webhook, by today's configuration, without token and signature: the API key
/// answers for it. The new entry of the log names the first one.
#[utoipa::path(
    post, path = "/requests/{id}/resend", tag = "Requests", security(("api_key" = ["write"])),
    params(("id" = RequestId, Path, description = "Which.")),
    request_body = ResendInput,
    responses(
        (status = 201, description = "The new request.", body = RequestView),
        (status = 409, description = "It was rejected, or its webhook was deleted or is inactive.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn resend(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<RequestId>,
    Create { input, once }: Create<ResendInput>,
) -> Result<Response, Problem> {
    let key = once.map(|once| once.of(&caller, &api));
    let row = match resendable(&api, id).await {
        Ok(row) => row,
        Err(refusal) => {
            let Some(key) = key else { return Err(refusal) };
            let body = api.engine().kept(key).await?.ok_or(refusal)?;
            return resent(&api, &body).await.map(replayed);
        }
    };
    let payload = input.payload.map(|payload| payload.to_string());
    match api.engine().resend(row, payload, caller.actor(), key).await {
        Ok(OnceOutcome::First(reply)) => {
            resent(&api, reply.body.as_bytes()).await.map(IntoResponse::into_response)
        }
        Ok(OnceOutcome::Again(body)) => resent(&api, &body).await.map(replayed),
        Ok(OnceOutcome::Mismatch) => Err(reused()),
        Err(reply) if reply.status == 400 => {
            let message = reply_message(&reply.body).unwrap_or_default();
            let error = FieldError { field: "payload".to_owned(), message };
            Err(Problem::with_errors(Code::InvalidBody, vec![error]))
        }
        Err(_) => Err(Problem::new(Code::Unavailable, "The request could not be stored.")),
    }
}

/// The request, if it can be sent again.
async fn resendable(api: &Api, id: RequestId) -> Result<RequestRow, Problem> {
    let row = find(api, id).await?;
    if row.status == RequestStatus::Rejected {
        return Err(Problem::new(Code::Conflict, "The request was rejected, and can't be sent again."));
    }
    if engine::is_handshake(&row) {
        return Err(Problem::new(Code::Conflict, "The request was a handshake, which is answered."));
    }
    let configuration = api.configuration().await?;
    let incoming = configuration.incoming.get(&row.webhook_id);
    if incoming.is_none_or(|incoming| incoming.webhook.settings.status == WebhookStatus::Inactive) {
        let message = "The webhook of this request was deleted or is inactive.";
        return Err(Problem::new(Code::Conflict, message));
    }
    Ok(row)
}

/// The request that a sender would have been told of so.
async fn resent(api: &Api, reply: &[u8]) -> Result<(StatusCode, Json<RequestView>), Problem> {
    let made = serde_json::from_slice::<Value>(reply).ok();
    let made = made.and_then(|body| body.get("request_id")?.as_str()?.parse().ok());
    let row = find(api, made.ok_or_else(|| Problem::no_such("a request"))?).await?;
    Ok((StatusCode::CREATED, Json(RequestView::of_one(api, row).await?)))
}

fn reply_message(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    body.get("message")?.as_str().map(str::to_owned)
}

async fn find(api: &Api, id: RequestId) -> Result<RequestRow, Problem> {
    api.engine().read(GetRequest { id }).await?.ok_or_else(|| Problem::no_such("a request"))
}

async fn check_webhook(api: &Api, id: &WebhookId) -> Result<(), Problem> {
    let is_known = api.configuration().await?.incoming.contains_key(id);
    if is_known { Ok(()) } else { Err(Problem::no_such("an incoming webhook")) }
}
