//! API keys: made, shown once, listed, revoked.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::audit::{Act, TargetKind, Verb};
use domain::log::FieldError;
use engine::ApiKey;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use signature::token;
use store::api_keys::{DeleteApiKey, InsertApiKey};
use store::config::ApiKeyRow;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Admin, Caller};
use crate::extract::{Create, Input, Path};
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::Problem;
use crate::recent::{self, Recent};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(revoke))
}

/// What a key may do; each scope includes those before it.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Scope {
    /// See.
    Read,
    /// Change.
    Write,
    /// Manage keys.
    Admin,
}

impl From<Scope> for engine::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self::Read,
            Scope::Write => Self::Write,
            Scope::Admin => Self::Admin,
        }
    }
}

impl From<engine::Scope> for Scope {
    fn from(scope: engine::Scope) -> Self {
        match scope {
            engine::Scope::Read => Self::Read,
            engine::Scope::Write => Self::Write,
            engine::Scope::Admin => Self::Admin,
        }
    }
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApiKeyInput {
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "Website")]
    name: String,
    /// What it may do.
    scope: Scope,
}

impl Input for ApiKeyInput {
    fn check(&self) -> Vec<FieldError> {
        let fault = domain::text::required_line(&self.name).err();
        fault
            .map(|error| FieldError { field: "name".to_owned(), message: error.to_string() })
            .into_iter()
            .collect()
    }
}

/// A key, without the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct ApiKeyView {
    /// Unique.
    #[schema(example = "key_a1b2c3d4e5f6")]
    id: String,
    /// What people call it.
    name: String,
    /// What it may do.
    scope: Scope,
    /// The key's last characters, to tell it from others.
    #[schema(example = "••••x7Yz")]
    hint: String,
    /// When it was made.
    created_at: Timestamp,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
struct NewApiKey {
    /// The key itself. It is not stored, so this is the only time that it is shown.
    #[schema(example = "ccsp_…x7Yz")]
    key: String,
    #[serde(flatten)]
    about: ApiKeyView,
}

impl From<&ApiKey> for ApiKeyView {
    fn from(key: &ApiKey) -> Self {
        let ApiKey { id, name, scope, hint, created_at } = key.clone();
        Self { id, name, scope: scope.into(), hint, created_at }
    }
}

/// All API keys
#[utoipa::path(
    get, path = "/api-keys", tag = "API keys", security(("api_key" = ["admin"])), params(PageParams),
    responses((status = 200, description = "A page of them.", body = Page<ApiKeyView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Admin>,
    paging: Paging,
) -> Result<Json<Page<ApiKeyView>>, Problem> {
    let configuration = api.configuration().await?;
    let page = recent::page(configuration.api_keys.values(), &paging)?;
    Ok(Json(page.map(ApiKeyView::from)))
}

impl Recent for ApiKey {
    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn id(&self) -> &str {
        &self.id
    }
}

/// Make an API key
#[utoipa::path(
    post, path = "/api-keys", tag = "API keys", security(("api_key" = ["admin"])), request_body = ApiKeyInput,
    responses((status = 201, description = "The key, shown this once.", body = NewApiKey)),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Admin>,
    Create { input, once }: Create<ApiKeyInput>,
) -> Result<Response, Problem> {
    let key = api.engine().vault().new_api_key();
    let row = ApiKeyRow {
        id: format!("key_{}", api.engine().vault().new_webhook_id()),
        name: input.name.trim().to_owned(),
        scope: engine::Scope::from(input.scope).as_str().to_owned(),
        hash: token::hash(key.expose()).as_bytes().to_vec(),
        hint: key.masked(),
        created_at: api.engine().now(),
    };
    let act = Act::new(TargetKind::ApiKey, Verb::Created).on(&row.id).named(&row.name);
    let act = act.making(&json!({"scope": row.scope}));
    let ApiKeyRow { id, name, hint, created_at, .. } = row.clone();
    let about = ApiKeyView { id, name, scope: input.scope, hint, created_at };
    let view = NewApiKey { key: key.expose().to_owned(), about };
    let answer = move |_: &()| Answer::created(None, &view);
    api.write_once(&caller, once, api.noted(&caller, InsertApiKey { row }, act.always()), answer).await
}

/// Revoke an API key
#[utoipa::path(
    delete, path = "/api-keys/{id}", tag = "API keys", security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "Which.")),
    responses((status = 204, description = "It is not valid any more.")),
)]
async fn revoke(
    State(api): State<Api>,
    caller: Caller<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let configuration = api.configuration().await?;
    let Some(key) = configuration.api_keys.values().find(|key| key.id == id) else {
        return Err(Problem::no_such("an API key"));
    };
    let act = Act::new(TargetKind::ApiKey, Verb::Deleted).on(&id).named(&key.name);
    let act = act.ending(&json!({"scope": key.scope.as_str()}));
    let deleted = api.engine().write(api.noted(&caller, DeleteApiKey { id }, act.if_done())).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::no_such("an API key")) }
}
