//! Custom fields: what the values of subscribers' own fields may be. They are part of the configuration.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::audit::{Act, TargetKind, Verb};
use domain::custom_field::{CustomField, FieldSettings, FieldType, MAX_DECLARED, OnMismatch};
use domain::log::FieldError;
use domain::subscriber::is_custom_field_name;
use engine::Snapshot;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::custom_fields::{DeleteCustomField, InsertCustomField, UpdateCustomField};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Patch, Path, Query};
use crate::location::path_segment;
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::recent::{self, Recent};
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// A custom field to be declared.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CustomFieldInput {
    /// Unique; case matters. What mappings (`custom_field.NAME`) and subscribers (`custom_fields`) name it by. It can't be
    /// changed.
    #[schema(min_length = 1, max_length = 64, example = "plan")]
    name: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "Plan")]
    label: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    description: String,
    /// What its values are.
    #[serde(rename = "type")]
    field_type: FieldType,
    /// What a `choice` or a `multi_choice` can be; empty for other types.
    #[serde(default)]
    #[schema(max_items = 200, example = json!(["free", "pro"]))]
    options: Vec<String>,
    /// What becomes of a value from an incoming webhook that does not fit.
    #[serde(default)]
    on_mismatch: OnMismatch,
}

impl CustomFieldInput {
    fn settings(&self) -> FieldSettings {
        let Self { label, description, field_type, options, on_mismatch, .. } = self.clone();
        FieldSettings { label, description, field_type, options, on_mismatch }
    }
}

impl Input for CustomFieldInput {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.settings().check();
        if !is_custom_field_name(&self.name) {
            let message = "must be 1 to 64 characters, without . { } [ ] \" and control characters, \
                           and without white space around it";
            errors.push(FieldError { field: "name".to_owned(), message: message.to_owned() });
        }
        errors
    }
}

impl Input for FieldSettings {
    fn check(&self) -> Vec<FieldError> {
        FieldSettings::check(self)
    }
}

/// A declared custom field.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomField)]
struct CustomFieldView {
    /// Unique.
    #[schema(example = "plan")]
    name: String,
    #[serde(flatten)]
    settings: FieldSettings,
    /// When it was declared.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
}

impl From<CustomField> for CustomFieldView {
    fn from(field: CustomField) -> Self {
        let CustomField { name, settings, created_at, updated_at } = field;
        Self { name, settings, created_at, updated_at }
    }
}

impl Recent for CustomField {
    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn id(&self) -> &str {
        &self.name
    }
}

/// Which custom fields to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CustomFieldFilter {
    /// Only those whose name or label contains this, in any case.
    #[param(min_length = 1, max_length = 500)]
    q: Option<String>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(inline)]
    field_type: Option<FieldType>,
}

impl CustomFieldFilter {
    fn takes(&self, field: &CustomField) -> bool {
        let contains = |part: &String| {
            let part = part.to_lowercase();
            [&field.name, &field.settings.label].iter().any(|text| text.to_lowercase().contains(&part))
        };
        self.q.as_ref().is_none_or(contains)
            && self.field_type.is_none_or(|wanted| field.settings.field_type == wanted)
    }
}

/// All custom fields
///
/// Those that are declared. Subscribers may have others: a field that nobody declared takes any value.
#[utoipa::path(
    get, path = "/custom-fields", tag = "Custom fields", security(("api_key" = ["read"])),
    params(PageParams, CustomFieldFilter),
    responses((status = 200, description = "A page of them.", body = Page<CustomFieldView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(filter): Query<CustomFieldFilter>,
) -> Result<Json<Page<CustomFieldView>>, Problem> {
    let configuration = api.configuration().await?;
    let wanted = configuration.custom_fields.iter().filter(|field| filter.takes(field));
    Ok(Json(recent::page(wanted, &paging)?.map(|field| field.clone().into())))
}

/// One custom field
#[utoipa::path(
    get, path = "/custom-fields/{name}", tag = "Custom fields", security(("api_key" = ["read"])),
    params(("name" = String, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = CustomFieldView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(name): Path<String>,
) -> Result<Json<CustomFieldView>, Problem> {
    Ok(Json(find(&*api.configuration().await?, &name)?.clone().into()))
}

/// Declare a custom field
///
/// From then on, what incoming webhooks map to it is brought into its type where that loses nothing (`"42"` to 42, `yes` to
/// true, a date to its ISO form). What does not fit is a warning in the log and kept as a text, or dropped, as `on_mismatch`
/// says. A subscriber that is written over this interface with a value that does not fit is refused. Values that subscribers
/// have already stay as they are.
#[utoipa::path(
    post, path = "/custom-fields", tag = "Custom fields", security(("api_key" = ["write"])), request_body = CustomFieldInput,
    responses(
        (status = 201, description = "The field.", body = CustomFieldView),
        (status = 409, description = "There is one of this name.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<CustomFieldInput>,
) -> Result<Response, Problem> {
    let now = api.engine().now();
    let settings = input.settings();
    let field = CustomField { name: input.name, settings, created_at: now, updated_at: now };
    api.decide_once(&caller, once, |configuration| {
        check_new(configuration, &field.name)?;
        let path = format!("{BASE}/custom-fields/{}", path_segment(&field.name));
        let answer = Answer::created(Some(path), &CustomFieldView::from(field.clone()))?;
        let work = InsertCustomField { version: configuration.version, field: field.clone() };
        let act = Act::new(TargetKind::CustomField, Verb::Created).named(&field.name).making(&field.settings);
        Ok((api.noted(&caller, work, act.always()), answer))
    })
    .await
}

fn check_new(configuration: &Snapshot, name: &str) -> Result<(), Problem> {
    if configuration.custom_fields.iter().any(|field| field.name == name) {
        let message = "is that of another custom field".to_owned();
        return Err(Problem::with_errors(Code::Conflict, vec![FieldError { field: "name".into(), message }]));
    }
    if configuration.custom_fields.len() >= MAX_DECLARED {
        let detail = format!("There are {MAX_DECLARED} custom fields, which is the most: delete one first.");
        return Err(Problem::new(Code::Conflict, detail));
    }
    Ok(())
}

/// Change a custom field
///
/// It holds for what is written from then on. Values that subscribers have already stay as they are.
#[utoipa::path(
    patch, path = "/custom-fields/{name}", tag = "Custom fields", security(("api_key" = ["write"])),
    params(("name" = String, Path, description = "Which.")), request_body = FieldSettings,
    responses((status = 200, description = "The field as it is now.", body = CustomFieldView)),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(name): Path<String>,
    patch: Patch<FieldSettings>,
) -> Result<Json<CustomFieldView>, Problem> {
    let now = api.engine().now();
    let is_there = api
        .decide(|configuration| {
            let before = find(configuration, &name)?;
            let settings = patch.merged_onto(&api, &before.settings)?;
            let act = Act::new(TargetKind::CustomField, Verb::Updated).named(&name);
            let act = act.changing(&before.settings, &settings);
            let field = CustomField { settings, updated_at: now, ..before.clone() };
            let work = UpdateCustomField { version: configuration.version, field };
            Ok(api.noted(&caller, work, act.if_done()))
        })
        .await?;
    if !is_there {
        return Err(not_found());
    }
    Ok(Json(find(&*api.configuration().await?, &name)?.clone().into()))
}

/// Delete a custom field
///
/// Only its declaration: subscribers keep their values, mappings that name the field go on, and it takes any value again.
#[utoipa::path(
    delete, path = "/custom-fields/{name}", tag = "Custom fields", security(("api_key" = ["write"])),
    params(("name" = String, Path, description = "Which.")),
    responses((status = 204, description = "It is gone.")),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let configuration = api.configuration().await?;
    let act = Act::new(TargetKind::CustomField, Verb::Deleted).named(&name);
    let act = act.ending(&find(&configuration, &name)?.settings);
    if api.engine().write(api.noted(&caller, DeleteCustomField { name }, act.if_done())).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found())
    }
}

fn find<'a>(configuration: &'a Snapshot, name: &str) -> Result<&'a CustomField, Problem> {
    configuration.custom_fields.iter().find(|field| field.name == name).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no custom field of this name.")
}
