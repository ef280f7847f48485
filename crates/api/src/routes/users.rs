//! People who log in: added, given roles, removed.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::log::FieldError;
use domain::user::Role;
use domain::{Email, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::users::{DeleteUser, FindUser, InsertUser, ListUsers, Purpose, UpdateUser, UserChange, UserRow};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Admin, Caller};
use crate::extract::{Create, Input, Patch, Path};
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::recent::{self, Recent};
use crate::{Api, BASE, links};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(link))
}

/// Someone who is to log in.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserInput)]
struct UserInput {
    /// The address, by which they log in.
    #[schema(max_length = 254, example = "grace@example.com")]
    email: String,
    /// What they may do.
    role: Role,
}

impl Input for UserInput {
    fn check(&self) -> Vec<FieldError> {
        let fault = self.email.parse::<Email>().err();
        fault
            .map(|error| FieldError { field: "email".to_owned(), message: error.to_string() })
            .into_iter()
            .collect()
    }
}

impl From<&UserRow> for UserInput {
    fn from(row: &UserRow) -> Self {
        Self { email: row.email.clone(), role: row.role }
    }
}

fn act(row: &UserRow, verb: Verb) -> Act {
    Act::new(TargetKind::User, verb).on(&row.id).named(&row.email)
}

/// What is done to a user, if it is.
pub(super) fn if_changed(act: Act) -> impl Fn(&UserChange) -> Option<Act> + Send + Sync + 'static {
    move |change| (*change == UserChange::Done).then(|| act.clone())
}

impl UserInput {
    /// In the form in which it is stored.
    fn normal_email(&self) -> String {
        self.email.parse::<Email>().map_or_else(|_| self.email.clone(), |email| email.as_str().to_owned())
    }
}

/// Someone who may log in.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    /// Unique.
    #[schema(example = "usr_a1b2c3d4e5f6")]
    id: String,
    /// By which they log in.
    email: String,
    /// What they may do.
    role: Role,
    /// Whether they have chosen a password.
    has_password: bool,
    /// When they were added.
    created_at: Timestamp,
    /// When they were last changed.
    updated_at: Timestamp,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        let UserRow { id, email, role, password_hash, created_at, updated_at } = row;
        Self { id, email, role, has_password: password_hash.is_some(), created_at, updated_at }
    }
}

impl Recent for UserRow {
    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn id(&self) -> &str {
        &self.id
    }
}

/// All users
#[utoipa::path(
    get, path = "/users", tag = "Users", security(("api_key" = ["admin"])), params(PageParams),
    responses((status = 200, description = "A page of them.", body = Page<UserView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Admin>,
    paging: Paging,
) -> Result<Json<Page<UserView>>, Problem> {
    let users = api.engine().read(ListUsers).await?;
    Ok(Json(recent::page(users.iter(), &paging)?.map(|user| user.clone().into())))
}

/// One user
#[utoipa::path(
    get, path = "/users/{id}", tag = "Users", security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "Who.")),
    responses((status = 200, description = "They.", body = UserView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Admin>,
    Path(id): Path<String>,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(find(&api, id).await?.into()))
}

/// Add a user
///
/// They have no password yet: give them a link to choose one (`POST /users/{id}/link`).
#[utoipa::path(
    post, path = "/users", tag = "Users", security(("api_key" = ["admin"])), request_body = UserInput,
    responses(
        (status = 201, description = "The user.", body = UserView),
        (status = 409, description = "Someone has this address already.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Admin>,
    Create { input, once }: Create<UserInput>,
) -> Result<Response, Problem> {
    let now = api.engine().now();
    let row = UserRow {
        id: format!("usr_{}", api.engine().vault().new_webhook_id()),
        email: input.normal_email(),
        role: input.role,
        password_hash: None,
        created_at: now,
        updated_at: now,
    };
    let act = act(&row, Verb::Created).making(&UserInput::from(&row));
    let view = UserView::from(row.clone());
    let answer = move |added: &bool| match added {
        true => Answer::created(Some(format!("{BASE}/users/{}", view.id)), &view),
        false => Err(email_taken()),
    };
    api.write_once(&caller, once, api.noted(&caller, InsertUser { row }, act.if_done()), answer).await
}

/// Change a user
///
/// With a lesser role their sessions end.
#[utoipa::path(
    patch, path = "/users/{id}", tag = "Users", security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "Who.")), request_body = UserInput,
    responses(
        (status = 200, description = "The user as they are now.", body = UserView),
        (status = 409, description = "Someone has this address already, or nobody else is owner.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Admin>,
    Path(id): Path<String>,
    patch: Patch<UserInput>,
) -> Result<Json<UserView>, Problem> {
    let before = find(&api, id).await?;
    let current = UserInput::from(&before);
    let input = patch.merged_onto(&api, &current)?;
    let after = UserRow {
        email: input.normal_email(),
        role: input.role,
        updated_at: api.engine().now(),
        ..before.clone()
    };
    let act = act(&after, Verb::Updated).changing(&current, &UserInput::from(&after));
    let work = UpdateUser { before, after: after.clone() };
    done(api.engine().write(api.noted(&caller, work, if_changed(act))).await?)?;
    Ok(Json(after.into()))
}

/// Remove a user
#[utoipa::path(
    delete, path = "/users/{id}", tag = "Users", security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "Who.")),
    responses(
        (status = 204, description = "They are gone, and their sessions have ended."),
        (status = 409, description = "Nobody else is owner.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let row = find(&api, id.clone()).await?;
    let act = act(&row, Verb::Deleted).ending(&UserInput::from(&row));
    done(api.engine().write(api.noted(&caller, DeleteUser { id }, if_changed(act))).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link to choose a password.
#[derive(Serialize, ToSchema)]
#[schema(as = PasswordLink)]
struct LinkView {
    /// The address to open. Whoever has it may choose the password, once.
    #[schema(example = "https://mail.example.com/set-up#…")]
    link: String,
    /// How many minutes it is good.
    minutes: i64,
}

/// Make a link to choose a password
///
/// For someone who was added, or who has forgotten theirs.
#[utoipa::path(
    post, path = "/users/{id}/link", tag = "Users", security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "For whom.")),
    responses((status = 200, description = "The link, shown this once.", body = LinkView)),
)]
async fn link(
    State(api): State<Api>,
    caller: Caller<Admin>,
    Path(id): Path<String>,
) -> Result<Json<LinkView>, Problem> {
    let user = find(&api, id).await?;
    let (engine, act) = (api.engine(), act(&user, Verb::LinkMade));
    let purpose = Purpose::ChoosePassword(user.id);
    let (link, path) = links::link(&engine.vault().new_token(), purpose, engine.now());
    engine.write(api.noted(&caller, link, act.always())).await?;
    Ok(Json(LinkView { link: api.page_url(&path), minutes: links::LONG_MINUTES }))
}

async fn find(api: &Api, id: String) -> Result<UserRow, Problem> {
    api.engine().read(FindUser::Id(id)).await?.ok_or_else(|| Problem::no_such("a user"))
}

fn done(change: UserChange) -> Result<(), Problem> {
    match change {
        UserChange::Done => Ok(()),
        UserChange::Gone => {
            Err(Problem::new(Code::Conflict, "This person was changed meanwhile: try again."))
        }
        UserChange::EmailTaken => Err(email_taken()),
        UserChange::LastOwner => {
            let detail = "Nobody would be left who may manage users: make someone else owner first.";
            Err(Problem::new(Code::Conflict, detail))
        }
    }
}

fn email_taken() -> Problem {
    Problem::new(Code::Conflict, "Someone has this address already.")
}
