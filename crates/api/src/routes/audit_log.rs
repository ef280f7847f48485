//! The audit log: who did what, and when.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, ActionPattern, ActorKind, Change, Entry, TargetKind, Verb};
use domain::log::FieldError;
use domain::{AuditId, Timestamp};
use engine::Searched;
use serde::{Deserialize, Serialize};
use store::audit::{AuditById, AuditLog};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Admin, Caller};
use crate::export::{EXPORT_PAGE, ExportParams, Line, export};
use crate::extract::{Path, Query};
use crate::log::LogPage;
use crate::page::{PageParams, Paging};
use crate::problem::{Code, Problem};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(download)).routes(routes!(show))
}

/// Something that someone did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView {
    /// Unique, and sorts by time.
    id: AuditId,
    /// When.
    at: Timestamp,
    /// Who.
    actor: ActorView,
    /// Where they came from; `null` for what was done on the server itself.
    #[schema(required = true, example = "203.0.113.7")]
    address: Option<String>,
    /// What: the kind of the target and what was done to it.
    #[schema(pattern = "^[a-z_]+\\.[a-z_]+$", example = "outgoing_webhook.updated")]
    action: String,
    /// What was done.
    verb: Verb,
    /// To what.
    target: TargetView,
    /// What changed by it, field by field: of what was made, all that was set, and of what was deleted, all that was there. At most
    /// 100. Of what was asked for, the request.
    changes: Vec<Change>,
    /// The name of the HTTP request, as its answer says in `X-Request-Id`.
    #[schema(required = true)]
    request_id: Option<String>,
}

/// Who did something.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditActor)]
struct ActorView {
    /// What they are.
    kind: ActorKind,
    /// The id of the user or of the API key.
    #[schema(required = true)]
    id: Option<String>,
    /// The address of the user, or the name of the key, as it was then.
    #[schema(required = true)]
    name: Option<String>,
}

/// What something was done to.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditTarget)]
struct TargetView {
    /// What it is.
    kind: TargetKind,
    /// Its id; `null` if it is not one thing.
    #[schema(required = true)]
    id: Option<String>,
    /// What people call it, as it was then.
    #[schema(required = true)]
    name: Option<String>,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let action = entry.action();
        let Entry { id, actor, act: Act { target, verb, changes } } = entry;
        Self {
            id,
            at: id.made_at(),
            actor: ActorView { kind: actor.kind, id: actor.id, name: actor.name },
            address: actor.address,
            action,
            verb,
            target: TargetView { kind: target.kind, id: target.id, name: target.name },
            changes,
            request_id: actor.request_id,
        }
    }
}

/// Which entries are meant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditParams {
    /// Only what this one did: an id, or a name such as the address of a user.
    #[param(min_length = 1, max_length = 500, example = "ada@example.com")]
    actor: Option<String>,
    /// Only this: `outgoing_webhook.updated`, or `outgoing_webhook` for all that was done to one.
    #[param(min_length = 1, max_length = 100, example = "outgoing_webhook.updated")]
    action: Option<String>,
    /// Only what was done to this: an id, or a name.
    #[param(min_length = 1, max_length = 500, example = "f6e5d4c3b2a1")]
    target: Option<String>,
    /// Only what was done then or later.
    #[param(inline)]
    since: Option<Timestamp>,
    /// Only what was done before.
    #[param(inline)]
    until: Option<Timestamp>,
    /// Only what contains this text, in any case: in names, ids, addresses and changes.
    #[param(min_length = 1, max_length = 500)]
    q: Option<String>,
}

impl AuditParams {
    fn log(self) -> Result<AuditLog, Problem> {
        let Self { actor, action, target, since, until, q: contains } = self;
        let action = action.map(|action| action.parse::<ActionPattern>()).transpose().map_err(|error| {
            let error = FieldError { field: "action".to_owned(), message: error.to_string() };
            Problem::with_errors(Code::InvalidQuery, vec![error])
        })?;
        Ok(AuditLog { actor, action, target, since, until, contains })
    }
}

/// The audit log
///
/// Who logged in and who could not, and every change of users, API keys, webhooks and what belongs to them, with what was there
/// before. Nobody can change or delete an entry; they go with time (`--audit-retention-days`).
#[utoipa::path(
    get, path = "/audit-log", tag = "Audit log", security(("api_key" = ["admin"])), params(PageParams, AuditParams),
    responses((status = 200, description = "A page of it.", body = LogPage<EntryView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Admin>,
    paging: Paging,
    Query(params): Query<AuditParams>,
) -> Result<Json<LogPage<EntryView>>, Problem> {
    let log = params.log()?;
    let (searched, entries) = page(&api, &log, paging.after()?, paging.limit()).await?;
    Ok(Json(LogPage::new(&searched, entries, AuditId::made_at)))
}

/// One entry of the audit log
#[utoipa::path(
    get, path = "/audit-log/{id}", tag = "Audit log", security(("api_key" = ["admin"])),
    params(("id" = AuditId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = EntryView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Admin>,
    Path(id): Path<AuditId>,
) -> Result<Json<EntryView>, Problem> {
    let found = api.engine().read(AuditById { ids: vec![id] }).await?.pop();
    let entry = found.ok_or_else(|| Problem::no_such("an entry of the audit log"))?;
    Ok(Json(entry.into()))
}

async fn page(
    api: &Api,
    log: &AuditLog,
    behind: Option<AuditId>,
    limit: usize,
) -> Result<(Searched<AuditId>, Vec<EntryView>), Problem> {
    let searched = api.engine().search(log, behind, limit).await?;
    let entries = api.engine().read(AuditById { ids: searched.ids.clone() }).await?;
    Ok((searched, entries.into_iter().map(EntryView::from).collect()))
}

/// The audit log as a file
#[utoipa::path(
    get, path = "/audit-log/export", tag = "Audit log", security(("api_key" = ["admin"])), params(ExportParams, AuditParams),
    responses((status = 200, description = "All of it, newest first.", content((String = "application/x-ndjson"), (String = "text/csv")))),
)]
async fn download(
    State(api): State<Api>,
    caller: Caller<Admin>,
    Query(ExportParams { format }): Query<ExportParams>,
    Query(params): Query<AuditParams>,
) -> Result<Response, Problem> {
    let log = params.log()?;
    api.note(&caller, Act::new(TargetKind::AuditLog, Verb::Exported)).await?;
    export("audit-log", format, move |behind: Option<AuditId>| {
        let (api, log) = (api.clone(), log.clone());
        async move {
            let (searched, entries) = page(&api, &log, behind, EXPORT_PAGE).await?;
            Ok((entries, searched.next))
        }
    })
    .await
}

impl Line for EntryView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "at",
        "actor_kind",
        "actor_id",
        "actor_name",
        "address",
        "action",
        "target_id",
        "target_name",
        "changes",
        "request_id",
    ];

    fn cells(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let changes =
            self.changes.iter().map(|change| format!("{}: {} -> {}", change.field, change.old, change.new));
        vec![
            self.id.to_string(),
            self.at.to_string(),
            self.actor.kind.as_str().to_owned(),
            text(&self.actor.id),
            text(&self.actor.name),
            text(&self.address),
            self.action.clone(),
            text(&self.target.id),
            text(&self.target.name),
            changes.collect::<Vec<_>>().join("; "),
            text(&self.request_id),
        ]
    }
}
