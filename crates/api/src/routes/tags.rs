//! Tags that subscribers have: made here, or by being applied.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::action::check_tag;
use domain::audit::{Act, TargetKind, Verb};
use domain::log::FieldError;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::tags::{DeleteTag, DescribeTag, GetTag, InsertTag, TagDeleted, TagRow, Tags};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Patch, Path, Query};
use crate::location::path_segment;
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// A tag to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TagInput {
    /// Unique; case matters. It can't be changed.
    #[schema(min_length = 1, max_length = 100, example = "web")]
    name: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    description: String,
}

impl Input for TagInput {
    fn check(&self) -> Vec<FieldError> {
        let fault = check_tag(&self.name).err();
        fault
            .map(|message| FieldError { field: "name".into(), message: message.into() })
            .into_iter()
            .collect()
    }
}

/// What can be changed of a tag.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TagSettings {
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    description: String,
}

impl Input for TagSettings {}

/// A tag.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Tag)]
struct TagView {
    /// Unique.
    #[schema(example = "web")]
    name: String,
    /// Notes.
    description: String,
    /// How many have it.
    #[schema(minimum = 0)]
    subscribers: i64,
    /// When it was made, or first applied.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
}

impl From<TagRow> for TagView {
    fn from(row: TagRow) -> Self {
        let TagRow { name, description, created_at, updated_at, subscriber_count: subscribers } = row;
        Self { name, description, subscribers, created_at, updated_at }
    }
}

/// Which tags to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TagFilter {
    /// Only those whose name contains this, in any case.
    #[param(min_length = 1, max_length = 100)]
    q: Option<String>,
}

/// All tags
#[utoipa::path(
    get, path = "/tags", tag = "Tags", security(("api_key" = ["read"])), params(PageParams, TagFilter),
    responses((status = 200, description = "A page of them.", body = Page<TagView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(TagFilter { q: contains }): Query<TagFilter>,
) -> Result<Json<Page<TagView>>, Problem> {
    let work = Tags { contains, before: paging.after()?, limit: paging.load() };
    let rows = api.engine().read(work).await?;
    Ok(Json(Page::new(rows, &paging, |row| row.place().to_string()).map(TagView::from)))
}

/// One tag
#[utoipa::path(
    get, path = "/tags/{name}", tag = "Tags", security(("api_key" = ["read"])),
    params(("name" = String, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = TagView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(name): Path<String>,
) -> Result<Json<TagView>, Problem> {
    Ok(Json(find(&api, name).await?.into()))
}

/// Make a tag
///
/// There is no need to: a tag that is applied to a subscriber for the first time is made by that.
#[utoipa::path(
    post, path = "/tags", tag = "Tags", security(("api_key" = ["write"])), request_body = TagInput,
    responses(
        (status = 201, description = "The tag.", body = TagView),
        (status = 409, description = "There is one of this name.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<TagInput>,
) -> Result<Response, Problem> {
    let TagInput { name, description } = input;
    let now = api.engine().now();
    let work = InsertTag { name: name.clone(), description: description.clone(), now };
    let view = TagView { name, description, subscribers: 0, created_at: now, updated_at: now };
    let answer = move |is_made: &bool| {
        if !is_made {
            let message = "is that of another tag".to_owned();
            return Err(Problem::with_errors(
                Code::Conflict,
                vec![FieldError { field: "name".into(), message }],
            ));
        }
        Answer::created(Some(format!("{BASE}/tags/{}", path_segment(&view.name))), &view)
    };
    let settings = TagSettings { description: work.description.clone() };
    let act = Act::new(TargetKind::Tag, Verb::Created).named(&work.name).making(&settings);
    api.write_once(&caller, once, api.noted(&caller, work, act.if_done()), answer).await
}

/// Change a tag
#[utoipa::path(
    patch, path = "/tags/{name}", tag = "Tags", security(("api_key" = ["write"])),
    params(("name" = String, Path, description = "Which.")), request_body = TagSettings,
    responses((status = 200, description = "The tag as it is now.", body = TagView)),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(name): Path<String>,
    patch: Patch<TagSettings>,
) -> Result<Json<TagView>, Problem> {
    let before = find(&api, name.clone()).await?;
    let current = TagSettings { description: before.description.clone() };
    let settings = patch.merged_onto(&api, &current)?;
    let act = Act::new(TargetKind::Tag, Verb::Updated).named(&name).changing(&current, &settings);
    let TagSettings { description } = settings;
    let now = api.engine().now();
    let work = DescribeTag { name, description: description.clone(), now };
    let is_there = api.engine().write(api.noted(&caller, work, act.if_done())).await?;
    let view = TagView { description, updated_at: now, ..before.into() };
    if is_there { Ok(Json(view)) } else { Err(not_found()) }
}

/// Delete a tag
///
/// Only one that no subscriber has: that one is taken off a subscriber is a change of that subscriber, and told as an event.
#[utoipa::path(
    delete, path = "/tags/{name}", tag = "Tags", security(("api_key" = ["write"])),
    params(("name" = String, Path, description = "Which.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 409, description = "Subscribers have it.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let act = Act::new(TargetKind::Tag, Verb::Deleted).named(&name);
    let deleted = move |outcome: &TagDeleted| (*outcome == TagDeleted::Deleted).then(|| act.clone());
    match api.engine().write(api.noted(&caller, DeleteTag { name }, deleted)).await? {
        TagDeleted::Deleted => Ok(StatusCode::NO_CONTENT),
        TagDeleted::NotFound => Err(not_found()),
        TagDeleted::InUse => {
            Err(Problem::new(Code::Conflict, "Subscribers have this tag: take it off them first."))
        }
    }
}

async fn find(api: &Api, name: String) -> Result<TagRow, Problem> {
    api.engine().read(GetTag { name }).await?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no tag of this name.")
}
