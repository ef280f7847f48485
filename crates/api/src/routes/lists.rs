//! Lists that subscribers are on.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::log::FieldError;
use domain::{ListId, Timestamp, text};
use engine::{Incoming, Snapshot};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::lists::{DeleteList, EmptyList, GetList, InsertList, ListRow, Lists, UpdateList};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Patch, Path, Query};
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::{Api, BASE};

/// Members taken off a list in one transaction, so that nobody waits long for it.
const EMPTY_CHUNK: usize = 1_000;
/// How often a change is decided again because another one came first: more is a quarrel of two programs.
const UPDATE_TRIES: usize = 10;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// What a user sets of a list.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListInput {
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "Newsletter")]
    name: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    description: String,
}

impl From<&ListRow> for ListInput {
    fn from(row: &ListRow) -> Self {
        Self { name: row.name.clone(), description: row.description.clone() }
    }
}

fn act(row: &ListRow, verb: Verb) -> Act {
    Act::new(TargetKind::List, verb).on(row.id).named(&row.name)
}

impl Input for ListInput {
    fn check(&self) -> Vec<FieldError> {
        let fault = text::required_line(&self.name).err();
        let error = |error: text::TextError| FieldError { field: "name".into(), message: error.to_string() };
        fault.map(error).into_iter().collect()
    }
}

/// A list.
#[derive(Serialize, ToSchema)]
#[schema(as = List)]
struct ListView {
    /// Unique.
    id: ListId,
    /// What people call it.
    name: String,
    /// Notes.
    description: String,
    /// How many are subscribed to it.
    #[schema(minimum = 0)]
    subscribers: i64,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
}

impl From<ListRow> for ListView {
    fn from(row: ListRow) -> Self {
        let ListRow { id, name, description, created_at, updated_at, subscriber_count: subscribers } = row;
        Self { id, name, description, subscribers, created_at, updated_at }
    }
}

/// Which lists to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListFilter {
    /// Only those whose name contains this, in any case.
    #[param(min_length = 1, max_length = 500)]
    q: Option<String>,
}

/// All lists
#[utoipa::path(
    get, path = "/lists", tag = "Lists", security(("api_key" = ["read"])), params(PageParams, ListFilter),
    responses((status = 200, description = "A page of them.", body = Page<ListView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(ListFilter { q: contains }): Query<ListFilter>,
) -> Result<Json<Page<ListView>>, Problem> {
    let before = paging.after()?.map(ListId);
    let rows = api.engine().read(Lists { contains, before, limit: paging.load() }).await?;
    Ok(Json(Page::new(rows, &paging, |row| row.id.to_string()).map(ListView::from)))
}

/// One list
#[utoipa::path(
    get, path = "/lists/{id}", tag = "Lists", security(("api_key" = ["read"])),
    params(("id" = ListId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = ListView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<ListId>,
) -> Result<Json<ListView>, Problem> {
    Ok(Json(find(&api, id).await?.into()))
}

/// Make a list
#[utoipa::path(
    post, path = "/lists", tag = "Lists", security(("api_key" = ["write"])), request_body = ListInput,
    responses((status = 201, description = "The list.", body = ListView)),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<ListInput>,
) -> Result<Response, Problem> {
    let now = api.engine().now();
    let work = InsertList { name: input.name.trim().to_owned(), description: input.description, now };
    let answer = |row: &ListRow| {
        Answer::created(Some(format!("{BASE}/lists/{}", row.id)), &ListView::from(row.clone()))
    };
    let act = |row: &ListRow| Some(act(row, Verb::Created).making(&ListInput::from(row)));
    api.write_once(&caller, once, api.noted(&caller, work, act), answer).await
}

/// Change a list
#[utoipa::path(
    patch, path = "/lists/{id}", tag = "Lists", security(("api_key" = ["write"])),
    params(("id" = ListId, Path, description = "Which.")), request_body = ListInput,
    responses((status = 200, description = "The list as it is now.", body = ListView)),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<ListId>,
    patch: Patch<ListInput>,
) -> Result<Json<ListView>, Problem> {
    for _ in 0..UPDATE_TRIES {
        let before = find(&api, id).await?;
        let current = ListInput::from(&before);
        let input = patch.merged_onto(&api, &current)?;
        let (name, description, now) = (input.name.trim().to_owned(), input.description, api.engine().now());
        let after = ListRow { name, description, updated_at: now, ..before.clone() };
        let (name, description) = (after.name.clone(), after.description.clone());
        let act = act(&after, Verb::Updated).changing(&current, &ListInput::from(&after));
        let work = UpdateList { before, name, description, now };
        if api.engine().write(api.noted(&caller, work, act.if_done())).await? {
            return Ok(Json(after.into()));
        }
    }
    Err(StoreError::Conflict.into())
}

/// Delete a list
///
/// Its members stay subscribers. That they are on it no more is not told as events. A list that an incoming webhook names in
/// its actions can't be deleted.
#[utoipa::path(
    delete, path = "/lists/{id}", tag = "Lists", security(("api_key" = ["write"])),
    params(("id" = ListId, Path, description = "Which.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 409, description = "An incoming webhook names it.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<ListId>,
) -> Result<StatusCode, Problem> {
    let row = find(&api, id).await?;
    check_deletable(&*api.configuration().await?, id)?;
    while api.engine().write(EmptyList { id, limit: EMPTY_CHUNK }).await? > 0 {}
    let decide = |configuration: &Snapshot| {
        check_deletable(configuration, id)?;
        let act = act(&row, Verb::Deleted).ending(&ListInput::from(&row));
        Ok(api.noted(&caller, DeleteList { version: configuration.version, id }, act.if_done()))
    };
    if api.decide(decide).await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

fn check_deletable(configuration: &Snapshot, id: ListId) -> Result<(), Problem> {
    if !configuration.lists.contains(&id) {
        return Err(not_found());
    }
    let names_it = |incoming: &&std::sync::Arc<Incoming>| {
        incoming.webhook.settings.actions.iter().any(|step| step.action.lists().contains(&id))
    };
    // Always the same one, whatever the order in memory.
    let user = configuration.incoming.values().filter(names_it).min_by_key(|incoming| &incoming.webhook.id);
    match user.map(|incoming| &incoming.webhook) {
        None => Ok(()),
        Some(webhook) => {
            let (name, id) = (&webhook.settings.name, &webhook.id);
            let detail = format!("An action of the incoming webhook {id} ({name}) names this list.");
            Err(Problem::new(Code::Conflict, detail))
        }
    }
}

async fn find(api: &Api, id: ListId) -> Result<ListRow, Problem> {
    api.engine().read(GetList { id }).await?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("a list")
}
