//! Logging in and out with a browser.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use domain::audit::{Act, ActorKind, TargetKind, Verb};
use domain::log::FieldError;
use domain::user::check_password;
use domain::{Email, Timestamp};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use signature::{Secret, token};
use store::audit::Nothing;
use store::users::{
    EndSessions, Entry, FindLink, FindUser, InsertSession, Purpose, UpdateUser, UseLink, UserChange, UserRow,
};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::users::UserView;
use super::users::if_changed;
use crate::audit::Origin;
use crate::auth::{Caller, Read};
use crate::extract::{Body, Input};
use crate::problem::{Code, Problem, ProblemBody};
use crate::{Api, session};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(log_in, show, log_out))
        .routes(routes!(log_out_everywhere))
        .routes(routes!(change_password))
        .routes(routes!(set_up))
}

/// Who wants in: with an address and a password, or with a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogIn)]
struct LogInInput {
    /// The address.
    #[schema(max_length = 254, example = "ada@example.com")]
    email: Option<String>,
    /// The password.
    #[schema(max_length = 200, format = "password")]
    password: Option<String>,
    /// What stands behind the `#` of a link.
    #[schema(max_length = 100)]
    link: Option<String>,
}

impl Input for LogInInput {
    fn check(&self) -> Vec<FieldError> {
        match (&self.email, &self.password, &self.link) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => Vec::new(),
            _ => {
                let message = "must come with a password, or a link in place of both".to_owned();
                vec![FieldError { field: "email".to_owned(), message }]
            }
        }
    }
}

/// Someone who is logged in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionView {
    /// Who.
    user: UserView,
    /// What each change must have in the header `X-CSRF-Token`.
    csrf_token: String,
    /// When it ends, however much it is used. It ends sooner after a week without use.
    expires_at: Timestamp,
}

/// Log in
///
/// The answer sets a cookie, with which every operation takes the place of an API key. A change needs the header
/// `X-CSRF-Token` as well.
#[utoipa::path(
    post, path = "/session", tag = "Users", request_body = LogInInput,
    responses(
        (status = 200, description = "Logged in.", body = SessionView),
        (status = 401, description = "The address or the password is wrong.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "The link is not good any more.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "There were too many log-ins.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn log_in(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    origin: Origin,
    Body(input): Body<LogInInput>,
) -> Result<Response, Problem> {
    let sender = api.sender(peer.ip(), &headers);
    let email = input.email.unwrap_or_default();
    api.passwords().count(sender, &email, api.engine().now())?;
    if let Some(link) = input.link {
        return match find_link(&api, &link).await? {
            Purpose::LogIn(user_id) => enter(&api, &origin, &link, Entry::LogIn { user_id }).await,
            _ => Err(link_expired()),
        };
    }
    let known = match email.parse::<Email>() {
        Ok(email) => api.engine().read(FindUser::Email(email.as_str().to_owned())).await?,
        Err(_) => None,
    };
    let hash = known.as_ref().and_then(|user| user.password_hash.clone());
    let fits = api.passwords().fits(input.password.unwrap_or_default(), hash).await?;
    let Some(user) = known.clone().filter(|_| fits) else {
        note_failure(&api, &origin, known.as_ref()).await?;
        return Err(Problem::new(Code::LogInFailed, "The email address or the password is wrong."));
    };
    let (session, token, csrf) = session::begin(&api);
    let work = InsertSession { user_id: user.id.clone(), session };
    let noted = api.engine().noted(&origin.person(&user), work, act(&user, Verb::LoggedIn).always());
    api.engine().write(noted).await?;
    Ok(entered(&api, user, &token, csrf))
}

/// Who is logged in
#[utoipa::path(
    get, path = "/session", tag = "Users", security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "Whose session this is.", body = SessionView),
        (status = 404, description = "The caller has an API key, and no session.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn show(caller: Caller<Read>) -> Result<Json<SessionView>, Problem> {
    let active = caller.session()?;
    Ok(Json(SessionView {
        user: active.session.user.clone().into(),
        csrf_token: active.csrf_token(),
        expires_at: active.session.expires_at,
    }))
}

/// Log out
#[utoipa::path(
    delete, path = "/session", tag = "Users", security(("api_key" = ["read"])),
    responses(
        (status = 204, description = "The session has ended."),
        (status = 404, description = "The caller has an API key, and no session.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn log_out(State(api): State<Api>, caller: Caller<Read>) -> Result<Response, Problem> {
    let active = caller.session()?;
    let act = act(&active.session.user, Verb::LoggedOut);
    api.engine().write(api.noted(&caller, EndSessions::One(active.hash()), act.always())).await?;
    Ok(left(&api))
}

/// Log out everywhere
#[utoipa::path(
    delete, path = "/sessions", tag = "Users", security(("api_key" = ["read"])),
    responses(
        (status = 204, description = "All sessions of this person have ended."),
        (status = 404, description = "The caller has an API key, and no session.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn log_out_everywhere(State(api): State<Api>, caller: Caller<Read>) -> Result<Response, Problem> {
    let user = &caller.session()?.session.user;
    let act = act(user, Verb::LoggedOut);
    api.engine().write(api.noted(&caller, EndSessions::OfUser(user.id.clone()), act.always())).await?;
    Ok(left(&api))
}

/// A new password for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange)]
struct PasswordChange {
    /// The password as it is.
    #[schema(max_length = 200, format = "password")]
    current_password: String,
    /// The password as it is to be.
    #[schema(max_length = 200, format = "password")]
    new_password: String,
}

impl Input for PasswordChange {}

/// Change one's password
///
/// All sessions of this person end, and a new one begins.
#[utoipa::path(
    post, path = "/session/password", tag = "Users", security(("api_key" = ["read"])), request_body = PasswordChange,
    responses(
        (status = 200, description = "It is changed.", body = SessionView),
        (status = 404, description = "The caller has an API key, and no session.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The present password is wrong.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "There were too many tries.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn change_password(
    State(api): State<Api>,
    caller: Caller<Read>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(input): Body<PasswordChange>,
) -> Result<Response, Problem> {
    let before = caller.session()?.session.user.clone();
    check_password(&input.new_password, &before.email)
        .map_err(|fault| Problem::field("new_password", fault))?;
    api.passwords().count(api.sender(peer.ip(), &headers), &before.email, api.engine().now())?;
    if !api.passwords().fits(input.current_password, before.password_hash.clone()).await? {
        return Err(Problem::new(Code::LogInFailed, "current_password is wrong."));
    }
    let hash = api.passwords().hash(input.new_password, api.engine().vault().new_salt()).await?;
    let after = UserRow { password_hash: Some(hash), updated_at: api.engine().now(), ..before.clone() };
    let act = act(&after, Verb::PasswordChanged);
    let work = api.noted(&caller, UpdateUser { before, after: after.clone() }, if_changed(act));
    if api.engine().write(work).await? != UserChange::Done {
        return Err(Problem::new(Code::Conflict, "This person was changed meanwhile: try again."));
    }
    let (session, token, csrf) = session::begin(&api);
    api.engine().write(InsertSession { user_id: after.id.clone(), session }).await?;
    Ok(entered(&api, after, &token, csrf))
}

/// Someone who has a link to choose a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetUp)]
struct SetUpInput {
    /// What stands behind the `#` of the link.
    #[schema(max_length = 100)]
    link: String,
    /// For the first user: the address.
    #[schema(max_length = 254, example = "ada@example.com")]
    email: Option<String>,
    /// The password: 10 to 200 characters.
    #[schema(max_length = 200, format = "password")]
    password: String,
}

impl Input for SetUpInput {}

/// Choose a password
///
/// With the link that the server prints when it starts without users, or with one that an owner was given for someone. The
/// answer logs in.
#[utoipa::path(
    post, path = "/set-up", tag = "Users", request_body = SetUpInput,
    responses(
        (status = 200, description = "Logged in.", body = SessionView),
        (status = 410, description = "The link is not good any more.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn set_up(
    State(api): State<Api>,
    origin: Origin,
    Body(input): Body<SetUpInput>,
) -> Result<Response, Problem> {
    let purpose = find_link(&api, &input.link).await?;
    let now = api.engine().now();
    let vault = api.engine().vault();
    let entry = match purpose {
        Purpose::LogIn(_) => return Err(link_expired()),
        Purpose::SetUp => {
            let email: Email = input
                .email
                .unwrap_or_default()
                .parse()
                .map_err(|error: domain::email::EmailError| Problem::field("email", error.to_string()))?;
            let hash = chosen(&api, input.password, email.as_str()).await?;
            let row = UserRow {
                id: format!("usr_{}", vault.new_webhook_id()),
                email: email.as_str().to_owned(),
                role: domain::user::Role::Owner,
                password_hash: Some(hash),
                created_at: now,
                updated_at: now,
            };
            Entry::SetUp(row)
        }
        Purpose::ChoosePassword(user_id) => {
            let user = api.engine().read(FindUser::Id(user_id.clone())).await?.ok_or_else(link_expired)?;
            let password_hash = chosen(&api, input.password, &user.email).await?;
            Entry::ChoosePassword { user_id, password_hash }
        }
    };
    enter(&api, &origin, &input.link, entry).await
}

async fn chosen(api: &Api, password: String, email: &str) -> Result<String, Problem> {
    check_password(&password, email).map_err(|fault| Problem::field("password", fault))?;
    api.passwords().hash(password, api.engine().vault().new_salt()).await
}

async fn find_link(api: &Api, link: &str) -> Result<Purpose, Problem> {
    let found = FindLink { token_hash: hash(link), now: api.engine().now() };
    api.engine().read(found).await?.ok_or_else(link_expired)
}

/// Uses a link up, and logs in.
async fn enter(api: &Api, origin: &Origin, link: &str, entry: Entry) -> Result<Response, Problem> {
    let (session, token, csrf) = session::begin(api);
    let verb = match &entry {
        Entry::LogIn { .. } => Verb::LoggedIn,
        Entry::SetUp(_) => Verb::SetUp,
        Entry::ChoosePassword { .. } => Verb::PasswordChanged,
    };
    let origin = origin.clone();
    let told = move |used: &Option<UserRow>| used.as_ref().map(|user| (origin.person(user), act(user, verb)));
    let work = UseLink { token_hash: hash(link), entry, session };
    let used = api.engine().write(api.engine().noted_as(work, told)).await?;
    Ok(entered(api, used.ok_or_else(link_expired)?, &token, csrf))
}

fn act(user: &UserRow, verb: Verb) -> Act {
    Act::new(TargetKind::User, verb).on(&user.id).named(&user.email)
}

/// What someone typed who is not known is not kept: it may be their password.
async fn note_failure(api: &Api, origin: &Origin, known: Option<&UserRow>) -> Result<(), Problem> {
    if !api.passwords().notes_failure(api.engine().now()) {
        return Ok(());
    }
    let nobody = origin.actor(ActorKind::Nobody, None, None);
    let act = match known {
        Some(user) => act(user, Verb::LogInFailed),
        None => Act::new(TargetKind::User, Verb::LogInFailed),
    };
    Ok(api.engine().write(api.engine().noted(&nobody, Nothing, act.always())).await?)
}

fn entered(api: &Api, user: UserRow, token: &Secret, csrf_token: String) -> Response {
    let expires_at = session::expires_at(api.engine().now());
    let view = SessionView { user: user.into(), csrf_token, expires_at };
    ([(header::SET_COOKIE, session::set_cookie(api, Some(token)))], Json(view)).into_response()
}

fn left(api: &Api) -> Response {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, session::set_cookie(api, None))]).into_response()
}

fn hash(link: &str) -> Vec<u8> {
    token::hash(link).as_bytes().to_vec()
}

fn link_expired() -> Problem {
    Problem::new(Code::LinkExpired, "The link was used before, or is too old.")
}
