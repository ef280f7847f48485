//! The log of an outgoing webhook: what went out, and what came back.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::audit::{Act, TargetKind, Verb};
use domain::log::DeliveryStatus;
use domain::{DeliveryId, HttpStatuses, WebhookId};
use engine::tasks::Job;
use engine::{Command, Executed, Resend, Searched};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use store::StoreError;
use store::deliveries::{DeliveriesById, DeliveriesOf, DeliveryEntry, GetDelivery, Retried, RetryDelivery};
use store::look::{Order, Piece};
use store::recovery::ClearDeliveries;
use store::resend::ResendsOf;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::export::{EXPORT_PAGE, ExportParams, export};
use crate::extract::{Create, Input, Path, Query};
use crate::log::{CLEAR_CHUNK, ClearParams, Cleared, LogPage, LogParams, until_now};
use crate::once::Answer;
use crate::page::{PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::routes::delivery_view::{DeliveryView, DeliveryWithResends, redact_of};
use crate::routes::tasks::{self, TaskView};
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, clear))
        .routes(routes!(download))
        .routes(routes!(show))
        .routes(routes!(retry))
        .routes(routes!(resend))
}

/// Which deliveries are meant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryParams {
    /// Only those of one of these statuses: `failed,cancelled`.
    #[serde(default)]
    #[param(style = Form, explode = false)]
    status: Vec<DeliveryStatus>,
    /// Only tests, or only those that are none.
    test: Option<bool>,
    /// Only those with an attempt that was answered so: `503`, `5xx` or `429,5xx`.
    #[serde(default)]
    #[param(style = Form, explode = false)]
    http_status: Vec<HttpStatuses>,
    /// Only those with an attempt that failed for this reason: `timeout`.
    #[param(min_length = 1, max_length = 64, pattern = "^[a-z0-9_]+$")]
    error_code: Option<String>,
}

impl DeliveryParams {
    fn log(self, webhook_id: WebhookId, params: LogParams) -> DeliveriesOf {
        DeliveriesOf {
            webhook_id,
            filter: params.filter(self.status),
            test: self.test,
            http_statuses: self.http_status,
            error_code: self.error_code,
            finished: None,
            undelivered: false,
        }
    }
}

/// The log of an outgoing webhook
///
/// A page may end early, even without an entry, where little of a long log is wanted: see `searched_until`.
#[utoipa::path(
    get, path = "/outgoing-webhooks/{id}/deliveries", tag = "Deliveries", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook."), PageParams, DeliveryParams, LogParams),
    responses((status = 200, description = "A page of its deliveries. Large ones make it shorter.", body = LogPage<DeliveryView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
    paging: Paging,
    Query(own): Query<DeliveryParams>,
    Query(params): Query<LogParams>,
) -> Result<Json<LogPage<DeliveryView>>, Problem> {
    check_webhook(&api, &webhook_id).await?;
    let log = own.log(webhook_id, params);
    let (searched, deliveries) = page(&api, &log, paging.after()?, paging.limit()).await?;
    Ok(Json(LogPage::new(&searched, deliveries, DeliveryId::made_at)))
}

async fn page(
    api: &Api,
    log: &DeliveriesOf,
    behind: Option<DeliveryId>,
    limit: usize,
) -> Result<(Searched<DeliveryId>, Vec<DeliveryView>), Problem> {
    let searched = api.engine().search(log, behind, limit).await?;
    let by_id = DeliveriesById { webhook_id: log.webhook_id.clone(), ids: searched.ids.clone() };
    let deliveries = api.engine().read(by_id).await?;
    let redact = redact_of(api, &log.webhook_id);
    let view = |delivery| DeliveryView::new(delivery, &redact);
    Ok((searched, deliveries.into_iter().map(view).collect()))
}

/// Clear the log of an outgoing webhook
///
/// All of it, or what the filter takes: what is older than a moment by `until`. Deliveries that are still to be made stay.
/// Much of it goes on as a task.
#[utoipa::path(
    delete, path = "/outgoing-webhooks/{id}/deliveries", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "The webhook."), ClearParams, DeliveryParams, LogParams),
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
    Query(own): Query<DeliveryParams>,
    Query(params): Query<LogParams>,
) -> Result<Response, Problem> {
    check_webhook(&api, &webhook_id).await?;
    let act = log_act(&webhook_id, Verb::LogCleared);
    let mut log = DeliveriesOf { finished: Some(true), ..own.log(webhook_id, params) };
    log.filter.until.get_or_insert(until_now(&api));
    if dry_run {
        return Ok(Json(Cleared { deleted: api.engine().count(&log).await? }).into_response());
    }
    let piece = |from| Piece { from, order: Order::OldestFirst, limit: CLEAR_CHUNK, rows: CLEAR_CHUNK };
    let clear = |from: Option<_>| {
        let (act, is_first) = (act.clone(), from.is_none());
        let work = ClearDeliveries { log: log.clone(), piece: piece(from) };
        api.noted(&caller, work, move |_| is_first.then(|| act.clone()))
    };
    let (deleted, is_all) = api.engine().at_once(clear).await?;
    tasks::cleared(&api, deleted, is_all, &log.clone(), Job::ClearDeliveries { log }).await
}

/// The log of an outgoing webhook as a file
#[utoipa::path(
    get, path = "/outgoing-webhooks/{id}/deliveries/export", tag = "Deliveries", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "The webhook."), ExportParams, DeliveryParams, LogParams),
    responses((status = 200, description = "All of it, newest first.",
        content((String = "application/x-ndjson"), (String = "text/csv")))),
)]
async fn download(
    State(api): State<Api>,
    caller: Caller<Read>,
    Path(webhook_id): Path<WebhookId>,
    Query(ExportParams { format }): Query<ExportParams>,
    Query(own): Query<DeliveryParams>,
    Query(params): Query<LogParams>,
) -> Result<Response, Problem> {
    check_webhook(&api, &webhook_id).await?;
    api.note(&caller, log_act(&webhook_id, Verb::LogExported)).await?;
    let name = format!("deliveries-{webhook_id}");
    let log = own.log(webhook_id, params);
    export(&name, format, move |behind: Option<DeliveryId>| {
        let (api, log) = (api.clone(), log.clone());
        async move {
            let (searched, deliveries) = page(&api, &log, behind, EXPORT_PAGE).await?;
            Ok((deliveries, searched.next))
        }
    })
    .await
}

fn log_act(webhook_id: &WebhookId, verb: Verb) -> Act {
    Act::new(TargetKind::OutgoingWebhook, verb).on(webhook_id)
}

/// One delivery
///
/// With all its attempts, and what was sent again of it by hand.
#[utoipa::path(
    get, path = "/deliveries/{id}", tag = "Deliveries", security(("api_key" = ["read"])),
    params(("id" = DeliveryId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = DeliveryWithResends)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<DeliveryId>,
) -> Result<Json<DeliveryWithResends>, Problem> {
    let delivery = DeliveryView::of(&api, find(&api, id).await?);
    let resends = api.engine().read(ResendsOf { delivery: id }).await?;
    Ok(Json(DeliveryWithResends { delivery, resends }))
}

/// Make a delivery again
///
/// Puts a delivery back that is finished, or that waits for its next try: it is due now, and if it fails again, its schedule
/// begins anew. Its attempts are counted on, and the receiver sees the same `webhook-id`.
#[utoipa::path(
    post, path = "/deliveries/{id}/retry", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = DeliveryId, Path, description = "Which.")),
    responses(
        (status = 202, description = "It, as it is now.", body = DeliveryView),
        (status = 409, description = "It is about to be sent, or its webhook gets no deliveries.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn retry(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<DeliveryId>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let delivery = find(&api, id).await?;
    check_gets_deliveries(&api, &delivery.webhook_id).await?;
    let work = RetryDelivery { id, now: api.engine().now() };
    let retried = move |retried: &Retried| {
        let is_queued = matches!(retried, Retried::Queued(_));
        is_queued.then(|| Act::new(TargetKind::Delivery, Verb::Retried).on(id))
    };
    match api.engine().write(api.noted(&caller, work, retried)).await? {
        Retried::Queued(webhook_id) => api.engine().wake(&webhook_id).await?,
        Retried::NotFound => return Err(not_found()),
        Retried::StillOpen => {
            let detail = "The delivery is about to be sent by itself, or was only a test.";
            return Err(Problem::new(Code::Conflict, detail));
        }
    }
    Ok((StatusCode::ACCEPTED, Json(DeliveryView::of(&api, find(&api, id).await?))))
}

/// An edited event.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveryResendInput)]
struct ResendInput {
    /// What to send as the event's data instead of what it had, which is taken if this is not given.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"order_id": 1042}))]
    data: Option<Map<String, Value>>,
}

impl Input for ResendInput {}

/// Send a delivery again with edited data
///
/// Makes a new delivery to the same webhook, as it is now, whatever events it wants and its filter takes. The receiver sees a
/// `webhook-id` of its own; the kind of the event and when it happened stay. It is sent, retried and logged like any other and
/// names the first, which stays as it is. Nobody else gets it, and no list of events shows it.
#[utoipa::path(
    post, path = "/deliveries/{id}/resend", tag = "Deliveries", security(("api_key" = ["write"])),
    params(("id" = DeliveryId, Path, description = "Which.")),
    request_body = ResendInput,
    responses(
        (status = 201, description = "The new delivery.", body = DeliveryView),
        (status = 409, description = "It was a test, or its webhook gets no deliveries.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn resend(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<DeliveryId>,
    Create { input, once }: Create<ResendInput>,
) -> Result<Response, Problem> {
    let DeliveryEntry { webhook_id, event, test, .. } = find(&api, id).await?;
    if test {
        let detail = "The delivery was a test: test its webhook again, with the data that you want to send.";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let data = input.data.map(|data| Value::Object(data).to_string());
    let resend = Resend { delivery: id, webhook_id, event, data, actor: caller.actor().clone() };
    let shown = api.clone();
    let answer = move |executed: &Executed| match executed {
        Executed::Resent(made) => {
            let location = format!("{BASE}/deliveries/{}", made.id);
            Answer::created(Some(location), &DeliveryView::of(&shown, made.as_ref().clone()))
        }
        Executed::UnfitEvents(unfit) => {
            let errors = unfit.iter().map(|(_, fault)| fault.clone()).collect();
            Err(Problem::with_errors(Code::InvalidBody, errors))
        }
        Executed::WebhookGone => Err(gets_none()),
        _ => Err(StoreError::Defect.into()),
    };
    api.execute_once(&caller, once, Command::Resend(Box::new(resend)), answer).await
}

pub(super) async fn check_gets_deliveries(api: &Api, webhook_id: &WebhookId) -> Result<(), Problem> {
    let configuration = api.configuration().await?;
    if configuration.outgoing.get(webhook_id).is_some_and(|outgoing| outgoing.gets_deliveries()) {
        return Ok(());
    }
    Err(gets_none())
}

fn gets_none() -> Problem {
    let detail = "The webhook of this delivery is inactive, or was deleted: activate it first.";
    Problem::new(Code::Conflict, detail)
}

async fn find(api: &Api, id: DeliveryId) -> Result<DeliveryEntry, Problem> {
    api.engine().read(GetDelivery { id }).await?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("a delivery")
}

pub(super) async fn check_webhook(api: &Api, id: &WebhookId) -> Result<(), Problem> {
    let is_known = api.configuration().await?.outgoing.contains_key(id);
    if is_known { Ok(()) } else { Err(Problem::no_such("an outgoing webhook")) }
}
