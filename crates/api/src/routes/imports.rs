//! Files of subscribers: looked at, taken in as a task, and what of them was refused.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::action::check_tag;
use domain::audit::{Act, TargetKind, Verb};
use domain::log::FieldError;
use domain::{ListId, Status, Timestamp, WebhookId};
use engine::imports::{
    CHUNK, Column, Delimiter, ImportSettings, Imported, Lines, MAX_BYTES, MAX_ROWS, Piece, Table, TableError,
};
use engine::tasks::Job;
use engine::{Command, Executed, Snapshot};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoreError;
use store::imports::{GetImport, ImportBody, ImportRow, InsertImport, Refusal};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read, Write};
use crate::export::csv_line;
use crate::extract::{Path, Query, UPLOAD_TIMEOUT, read_body_within};
use crate::once::{Answer, OnceRequest};
use crate::problem::{Code, Problem};

/// Refused rows that an answer shows; the file of them has all.
const SHOWN_REFUSALS: usize = 100;
/// Values of a column that are shown, so that a person sees what it holds.
const SHOWN_VALUES: usize = 3;
/// The most characters of such a value.
const SHOWN_CHARS: usize = 80;

/// What stands for a column that nobody wants.
const UNWANTED: &str = "-";

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(import)).routes(routes!(show)).routes(routes!(refused))
}

/// How a file is to be taken in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportParams {
    /// Only look: nothing is changed, and the answer says what would be.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
    /// What each column holds, in their order: the name of a field as in a mapping, `tags`, or `-`. Without it, the names in the
    /// first line say it.
    #[serde(default)]
    #[param(style = Form, explode = false, max_items = 200, example = json!(["email", "name", "custom_field.plan", "-"]))]
    columns: Vec<String>,
    /// What stands between two cells. Without it, that is found out.
    #[param(inline)]
    delimiter: Option<Delimiter>,
    /// The status of those who are new, where the file does not say it.
    #[param(inline)]
    status: Option<Status>,
    /// Lists that all of them are put on.
    #[serde(default)]
    #[param(style = Form, explode = false, max_items = 100, example = json!(["1"]))]
    lists: Vec<String>,
    /// Tags that all of them get.
    #[serde(default)]
    #[param(style = Form, explode = false, max_items = 100, example = json!(["web"]))]
    tags: Vec<String>,
    /// Also change those who are subscribers already: what the file says is set, lists and tags are added, and their status stays.
    /// Without it, their rows are refused.
    #[serde(default)]
    #[param(default = false)]
    update_existing: bool,
}

/// What a file would do.
#[derive(Serialize, ToSchema)]
struct ImportPreview {
    /// What stands between two cells.
    delimiter: Delimiter,
    /// The columns of the file.
    columns: Vec<ImportColumn>,
    /// How many rows it has.
    #[schema(minimum = 0)]
    rows: i64,
    /// How many subscribers would be new.
    #[schema(minimum = 0)]
    added: i64,
    /// How many would be changed.
    #[schema(minimum = 0)]
    updated: i64,
    /// Of how many it says nothing new.
    #[schema(minimum = 0)]
    unchanged: i64,
    /// How many rows would be refused.
    #[schema(minimum = 0)]
    refused: i64,
    /// The first 100 of these.
    refusals: Vec<RefusedRow>,
}

/// A column of a file.
#[derive(Serialize, ToSchema)]
struct ImportColumn {
    /// What the first line calls it.
    #[schema(example = "E-Mail")]
    name: String,
    /// What it holds; `null` if nobody wants it.
    #[schema(required = true, example = "email")]
    to: Option<String>,
    /// Some of its values.
    examples: Vec<String>,
}

/// A row that is not taken in.
#[derive(Clone, Serialize, ToSchema)]
struct RefusedRow {
    /// The line of the file at which it begins, counted from 1.
    #[schema(minimum = 1)]
    line: i64,
    /// Why.
    #[schema(example = "the email at E-Mail must have the form name@domain")]
    reason: String,
}

impl From<Refusal> for RefusedRow {
    fn from(refusal: Refusal) -> Self {
        let Refusal { line, reason } = refusal;
        Self { line, reason }
    }
}

/// A file that is taken in, and how far that has come.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Import)]
struct ImportView {
    /// Unique: that of its task.
    id: String,
    /// `running`, `done` or `cancelled`.
    #[schema(example = "running")]
    state: String,
    /// How many rows there are.
    total: i64,
    /// How many of them are done.
    done: i64,
    /// How many subscribers are new.
    added: i64,
    /// How many were changed.
    updated: i64,
    /// How many rows were refused.
    refused: i64,
    /// The first 100 of these.
    refusals: Vec<RefusedRow>,
    /// Why it ended before it was done, if it did by itself.
    #[schema(required = true)]
    detail: Option<String>,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it last came further.
    updated_at: Timestamp,
}

impl From<ImportRow> for ImportView {
    fn from(import: ImportRow) -> Self {
        let ImportRow { task, added, updated, refusals } = import;
        Self {
            id: task.id,
            state: task.state,
            total: task.total,
            done: task.done,
            added,
            updated,
            refused: task.failed,
            refusals: refusals.into_iter().map(RefusedRow::from).collect(),
            detail: task.detail,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

/// Take in a file of subscribers
///
/// A table as CSV in UTF-8: its first line names the columns. At most 16 MiB, 200,000 rows and 200 columns. Each row is taken in as by
/// `POST /subscribers`, and causes the same events; one that can't be is refused, and the others are taken in. With `dry_run`, the
/// answer says what would come of it. Without, it goes on as a task, also after a restart of the server.
#[utoipa::path(
    post, path = "/subscribers/import", tag = "Subscribers", security(("api_key" = ["write"])), params(ImportParams),
    request_body(content = String, content_type = "text/csv", description = "The file."),
    responses(
        (status = 200, description = "What would come of it, if it was only to be looked at.", body = ImportPreview),
        (status = 202, description = "It has begun.", body = ImportView),
    ),
)]
async fn import(
    State(api): State<Api>,
    caller: Caller<Write>,
    Query(params): Query<ImportParams>,
    request: Request,
) -> Result<Response, Problem> {
    let (file, once) = upload(request).await?;
    let snapshot = api.configuration().await?;
    let table = Table::open(&file, params.delimiter).map_err(|fault| unreadable(&fault))?;
    let rows = table.count().map_err(|fault| unreadable(&fault))?;
    let settings = settings(&params, &table, &snapshot)?;
    if params.dry_run {
        return Ok(Json(preview(&api, &table, &settings, rows).await?).into_response());
    }
    if !settings.columns.iter().flatten().any(|column| column.to_string() == "email") {
        let missing = error("columns", "one of them must be email");
        return Err(Problem::with_errors(Code::InvalidQuery, vec![missing]));
    }
    let total = i64::try_from(rows).unwrap_or(i64::MAX);
    let task = api.engine().task(&Job::ImportSubscribers { settings }, (total, 0));
    let act =
        Act::new(TargetKind::Subscriber, Verb::Imported).making(&json!({"task": task.id, "rows": rows}));
    let begun = ImportRow { task: task.clone(), added: 0, updated: 0, refusals: Vec::new() };
    let view = ImportView::from(begun);
    let answer = move |(): &()| Answer::new(StatusCode::ACCEPTED, None, &view);
    let work = InsertImport { task, body: file.to_vec() };
    let response = api.write_once(&caller, once, api.noted(&caller, work, act.always()), answer).await;
    api.engine().wake_tasks();
    response
}

/// The file, and the `Idempotency-Key` that came with it.
async fn upload(request: Request) -> Result<(Bytes, Option<OnceRequest>), Problem> {
    let (parts, body) = request.into_parts();
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "text/csv" {
        return Err(Problem::new(Code::UnsupportedMediaType, "The header Content-Type must be text/csv."));
    }
    let file = read_body_within(&parts.headers, body, MAX_BYTES, UPLOAD_TIMEOUT).await;
    let file = file.map_err(|refusal| Problem::new(refusal.code(), refusal.message(MAX_BYTES)))?;
    let once = OnceRequest::new(&parts, &file)?;
    Ok((file, once))
}

fn unreadable(fault: &TableError) -> Problem {
    Problem::field("", fault.to_string())
}

fn settings(
    params: &ImportParams,
    table: &Table<'_>,
    snapshot: &Snapshot,
) -> Result<ImportSettings, Problem> {
    let mut errors = Vec::new();
    let lists: Vec<ListId> =
        params.lists.iter().filter_map(|list| list.parse::<i64>().ok().map(ListId)).collect();
    for (position, list) in params.lists.iter().enumerate() {
        if !list.parse::<i64>().is_ok_and(|list| snapshot.lists.contains(&ListId(list))) {
            errors.push(error(format!("lists.{position}"), format!("there is no list {list}")));
        }
    }
    let tags = params.tags.iter().enumerate();
    errors.extend(tags.filter_map(|(at, tag)| Some(error(format!("tags.{at}"), check_tag(tag).err()?))));
    let columns = match params.columns.as_slice() {
        [] => Column::recognise(table.head(), snapshot),
        named => named_columns(named, table.head().len(), &mut errors),
    };
    if !errors.is_empty() {
        return Err(Problem::with_errors(Code::InvalidQuery, errors));
    }
    Ok(ImportSettings {
        delimiter: table.delimiter(),
        columns,
        status: params.status.unwrap_or(Status::Subscribed),
        lists,
        tags: params.tags.clone(),
        update_existing: params.update_existing,
    })
}

/// The columns as they were named; what is wrong with that goes to the errors.
fn named_columns(named: &[String], count: usize, errors: &mut Vec<FieldError>) -> Vec<Option<Column>> {
    if named.len() != count {
        errors.push(error("columns", format!("must be {count}, one for each column of the file")));
    }
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(named.len());
    for (position, name) in named.iter().enumerate() {
        if matches!(name.as_str(), UNWANTED | "") {
            columns.push(None);
            continue;
        }
        match name.parse::<Column>() {
            Ok(column) if column != Column::Tags && columns.contains(&Some(column.clone())) => {
                errors.push(error(format!("columns.{position}"), "is there already"));
            }
            Ok(column) => columns.push(Some(column)),
            Err(fault) => errors.push(error(format!("columns.{position}"), fault.to_string())),
        }
    }
    columns
}

fn error(field: impl Into<String>, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), message: message.into() }
}

/// Goes through the file as its task would, and writes nothing.
async fn preview(
    api: &Api,
    table: &Table<'_>,
    settings: &ImportSettings,
    rows: usize,
) -> Result<ImportPreview, Problem> {
    let mut sum = Imported::default();
    let mut refused = 0;
    let mut lines = Lines::of(table, settings);
    loop {
        let lines: Vec<_> = lines.by_ref().take(CHUNK).collect();
        let is_last = lines.len() < CHUNK;
        let piece = Piece { lines, update_existing: settings.update_existing, progress: None };
        let (executed, _) = api.engine().rehearse(Command::Import(Box::new(piece))).await?;
        let Executed::Imported(imported, _) = executed else { return Err(StoreError::Defect.into()) };
        sum.added += imported.added;
        sum.updated += imported.updated;
        sum.unchanged += imported.unchanged;
        refused += imported.refusals.len();
        let room = SHOWN_REFUSALS.saturating_sub(sum.refusals.len());
        sum.refusals.extend(imported.refusals.into_iter().take(room));
        if is_last {
            break;
        }
    }
    Ok(ImportPreview {
        delimiter: table.delimiter(),
        columns: columns(table, settings),
        rows: i64::try_from(rows).unwrap_or(i64::MAX),
        added: sum.added,
        updated: sum.updated,
        unchanged: sum.unchanged,
        refused: i64::try_from(refused).unwrap_or(i64::MAX),
        refusals: sum.refusals.into_iter().map(RefusedRow::from).collect(),
    })
}

fn columns(table: &Table<'_>, settings: &ImportSettings) -> Vec<ImportColumn> {
    let first: Vec<_> = table.rows().take(SHOWN_VALUES).map(|(_, row)| row).collect();
    let shown = |cell: &str| cell.chars().take(SHOWN_CHARS).collect::<String>();
    let column = |(position, name): (usize, &String)| ImportColumn {
        name: name.clone(),
        to: settings.columns.get(position).and_then(|column| column.as_ref()).map(ToString::to_string),
        examples: first.iter().filter_map(|row| row.get(position)).map(shown).collect(),
    };
    table.head().iter().enumerate().map(column).collect()
}

/// A file that is taken in
///
/// The task of the same id goes on with it, and can be cancelled.
#[utoipa::path(
    get, path = "/subscribers/import/{id}", tag = "Subscribers", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 200, description = "How far it has come.", body = ImportView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<WebhookId>,
) -> Result<Json<ImportView>, Problem> {
    Ok(Json(find(&api, &id, SHOWN_REFUSALS).await?.into()))
}

async fn find(api: &Api, id: &WebhookId, refusals: usize) -> Result<ImportRow, Problem> {
    let found = api.engine().read(GetImport { task_id: id.to_string(), refusals }).await?;
    found.ok_or_else(|| Problem::no_such("an import"))
}

/// The rows of a file that were refused
///
/// As CSV: the line, why, and the row as it came, so that it can be mended and taken in again. Kept for a week.
#[utoipa::path(
    get, path = "/subscribers/import/{id}/refused", tag = "Subscribers", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 200, description = "All of them.", content((String = "text/csv")))),
)]
async fn refused(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<WebhookId>,
) -> Result<Response, Problem> {
    let import = find(&api, &id, MAX_ROWS).await?;
    let body = api.engine().read(ImportBody { task_id: id.to_string() }).await?.unwrap_or_default();
    let delimiter = match serde_json::from_str(&import.task.params) {
        Ok(Job::ImportSubscribers { settings }) => Some(settings.delimiter),
        _ => None,
    };
    let table = Table::open(&body, delimiter).map_err(|fault| unreadable(&fault))?;
    let named = ["line", "reason"].into_iter().chain(table.head().iter().map(String::as_str));
    let mut text = csv_line(named);
    // Both are in the order of the lines.
    let mut rows = table.rows();
    for Refusal { line, reason } in import.refusals {
        let row = rows
            .find(|(number, _)| i64::try_from(*number) == Ok(line))
            .map(|(_, row)| row)
            .unwrap_or_default();
        let number = line.to_string();
        let cells = [number.as_str(), reason.as_str()].into_iter().chain(row.iter());
        text.push_str(&csv_line(cells));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"refused-{id}.csv\"")),
    ];
    Ok((headers, text).into_response())
}
